"""POST /chats, PATCH /chats/{conversation_id}: writes conversations, and can delete nothing."""

from typing import Any

from chatledger.api.app import (
    Answer,
    body,
    caller,
    claimed,
    created,
    handle,
    ledger,
    ok,
    path,
    resolver,
)
from chatledger.chats.describe import describe
from chatledger.chats.ingest import ingest
from chatledger.identifiers import new_conversation_id
from chatledger.models.chats import ChatPatch, ChatsRequest
from chatledger.timestamps import format_time, parse_time

app = resolver()


@app.post("/chats")
def post_chats() -> Answer:
    request = body(ChatsRequest)
    # What the request leaves open is fixed by its idempotency key, so that a repeat is the same.
    fixed = claimed(conversation=new_conversation_id(), received=format_time(ledger().now()))
    received = parse_time(fixed["received"])
    organization = caller().organization
    return created(ingest(ledger(), organization, request, fixed["conversation"], received))


@app.patch("/chats/<conversation_id>")  # pyright: ignore[reportUnknownMemberType]
def patch_chat(conversation_id: str) -> Answer:
    about = body(ChatPatch).model_dump(exclude_unset=True)
    return ok(describe(ledger(), caller().organization, path("conversation_id"), about))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
