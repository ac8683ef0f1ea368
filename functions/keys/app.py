"""POST /keys, GET /keys, DELETE /keys/{key_id}: makes, lists and revokes keys."""

from typing import Any

from chatledger.access.keys import list_keys, revoke_key
from chatledger.access.make_key import make_key
from chatledger.api.app import (
    Answer,
    body,
    caller,
    created,
    handle,
    ledger,
    no_content,
    ok,
    path,
    resolver,
)
from chatledger.models.keys import KeyRequest

app = resolver()


@app.post("/keys")
def post_keys() -> Answer:
    return created(make_key(ledger(), caller(), body(KeyRequest)))


@app.get("/keys")
def get_keys() -> Answer:
    keys = list_keys(ledger().table, caller().organization)
    return ok({"keys": [key.answer() for key in keys]})


@app.delete("/keys/<key_id>")
def delete_key(key_id: str) -> Answer:
    who, now = caller(), ledger().now()
    revoke_key(ledger().table, who.organization, path("key_id"), who.actor, now)
    return no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
