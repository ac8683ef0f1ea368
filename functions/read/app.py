"""GET /chats, /chats/{conversation_id}, /users/{user_id}/chats, /changes: reads, writes nothing."""

import hashlib
from dataclasses import asdict
from typing import Any

from chatledger.api.app import Answer, caller, handle, ledger, ok, path, query, resolver
from chatledger.api.cursors import epoch_of, position_of, seal_position
from chatledger.api.tokens import seal, unseal
from chatledger.chats import history, listing, read
from chatledger.chats.changes import changes_after
from chatledger.ledger.feed import Position
from chatledger.models.queries import (
    ChangesQuery,
    ConversationQuery,
    ListChatsQuery,
    Query,
    UserChatsQuery,
)

app = resolver()


@app.get("/chats")
def get_chats() -> Answer:
    asked, organization = query(ListChatsQuery), caller().organization
    purpose = _list("chats", asked)
    after = asked.cursor and listing.Place(**unseal(purpose, organization, asked.cursor))
    answer, place = listing.list_conversations(
        ledger(), organization, listing.selection_of(asked), after or None, asked.limit
    )
    return ok(answer | _next(purpose, place and place._asdict()))


@app.get("/chats/<conversation_id>")
def get_chat(conversation_id: str) -> Answer:
    asked, organization = query(ConversationQuery), caller().organization
    conversation_id = path("conversation_id")
    purpose = f"chat {conversation_id}"
    if asked.cursor:
        after = read.Position(**unseal(purpose, organization, asked.cursor))
        answer, place = read.read_on(ledger(), organization, conversation_id, after, asked.limit)
    else:
        answer, place = read.read_page(
            ledger(), organization, conversation_id, asked.page, asked.limit
        )
    return ok(answer | _next(purpose, place and asdict(place)))


@app.get("/changes")
def get_changes() -> Answer:
    asked, organization = query(ChangesQuery), caller().organization
    epoch, start = epoch_of(ledger()), Position()
    if asked.cursor:
        start = position_of(ledger(), organization, asked.cursor)
    found = changes_after(ledger(), organization, start, asked.limit)
    cursor = seal_position(organization, epoch, found.position)
    return ok({"changes": found.changes, "cursor": cursor, "end_of_stream": found.is_all})


@app.get("/users/<user_id>/chats")
def get_user_chats(user_id: str) -> Answer:
    asked, organization = query(UserChatsQuery), caller().organization
    user_id = path("user_id")
    purpose = _list(f"user {user_id}", asked)
    after = asked.cursor and history.Place(**unseal(purpose, organization, asked.cursor))
    answer, place = history.user_history(
        ledger(), organization, user_id, asked.within, asked.page, asked.limit, after or None
    )
    return ok(answer | _next(purpose, place and place._asdict()))


def _list(name: str, asked: Query) -> str:
    """What a list's cursors are good for: going on under the same filters and dates."""
    chosen = asked.model_dump_json(exclude={"cursor", "limit", "page"})
    return f"{name} {hashlib.sha256(chosen.encode()).hexdigest()}"


def _next(purpose: str, place: dict[str, Any] | None) -> dict[str, str | None]:
    token = seal(purpose, caller().organization, place) if place else None
    return {"next_cursor": token}


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
