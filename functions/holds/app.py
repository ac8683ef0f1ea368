"""POST /holds, GET /holds, DELETE /holds/{hold_id}: what no clear may touch."""

from typing import Any

from chatledger.api.app import (
    Answer,
    body,
    caller,
    claimed,
    created,
    handle,
    ledger,
    no_content,
    ok,
    path,
    resolver,
)
from chatledger.clear.holds import all_holds, lift_hold, place_hold
from chatledger.identifiers import new_ulid
from chatledger.models.holds import HoldRequest

app = resolver()


@app.post("/holds")
def post_holds() -> Answer:
    request = body(HoldRequest)
    hold_id = claimed(hold_id=f"hold_{new_ulid()}")["hold_id"]
    hold = place_hold(ledger(), caller().organization, hold_id, request, caller().actor)
    return created(hold.answer(ledger().now()))


@app.get("/holds")
def get_holds() -> Answer:
    now = ledger().now()
    holds = all_holds(ledger().table, caller().organization)
    return ok({"holds": [hold.answer(now) for hold in holds]})


@app.delete("/holds/<hold_id>")
def delete_hold(hold_id: str) -> Answer:
    lift_hold(ledger(), caller().organization, path("hold_id"), caller().actor)
    return no_content()


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
