"""Ingest: the body of ``POST /chats`` into the ledger."""

from collections import Counter
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from chatledger.errors import InvalidRequest, PayloadTooLarge
from chatledger.ledger.append import Batch, append
from chatledger.ledger.entries import quarter_hour
from chatledger.ledger.ledger import Ledger
from chatledger.messages import MAX_MESSAGE_BYTES, Message, encode_line, made_id
from chatledger.models.chats import ChatsRequest, MessageIn
from chatledger.timestamps import day_of, parse_time

# What one request may spread over.
MAX_DAYS = 1_000
MAX_QUARTERS = 10_000
MAX_USERS = 100

# Of a message, taken over as they came; the rest has a rule of its own below.
_AS_SENT = (
    "ai_service",
    "model",
    "reply_to",
    "message_tokens",
    "answer_tokens",
    "provider_response_latency",
    "feedback",
    "ip_address",
    "contexts",
    "metadata",
)


def ingest(
    ledger: Ledger,
    organization: str,
    request: ChatsRequest,
    conversation_id: str,
    received: datetime,
) -> dict[str, Any]:
    """Adds the messages that the conversation does not hold; answers how many were new.

    ``conversation_id`` and ``received`` serve where the request names none; fixed by an
    idempotency key, they make its repeat find what the first one wrote.
    """
    conversation = request.conversation_id or conversation_id
    messages = list(_messages(request, conversation, received))
    _check(messages)
    owner = frozenset({request.user_id} if request.user_id else ())
    about = request.model_dump(exclude={"conversation_id", "messages"}, exclude_none=True)
    appended = append(ledger, organization, Batch(conversation, messages, about, owner))
    return {
        "status": "success",
        "inserted_count": appended.inserted,
        "duplicate_count": appended.duplicates,
        "conversation_id": conversation,
    }


def _messages(request: ChatsRequest, conversation_id: str, received: datetime) -> Iterator[Message]:
    """Those without a time follow each other by a microsecond, so that their order stays."""
    occurrences: Counter[tuple[datetime, str, str | None, str]] = Counter()
    for place, sent in enumerate(request.messages):
        at = (
            parse_time(sent.timestamp)
            if sent.timestamp
            else received + timedelta(microseconds=place)
        )
        sender = _sender(sent, request)
        same = (at, sent.role, sender, sent.content)
        # Only those that need an id are told apart by it: with another's id beside them or not,
        # they are the same messages.
        occurrences[same] += not sent.id
        yield Message(
            id=sent.id or made_id(*same, occurrences[same]),
            conversation_id=conversation_id,
            timestamp=at,
            role=sent.role,
            content=sent.content,
            user_id=sender,
            **{name: getattr(sent, name) for name in _AS_SENT},
        )


def _sender(sent: MessageIn, request: ChatsRequest) -> str | None:
    """The conversation's user speaks where a user message names nobody."""
    return sent.user_id or (request.user_id if sent.role == "user" else None)


def _check(messages: list[Message]) -> None:
    _check_spread(messages)
    seen: set[tuple[str, datetime]] = set()
    for place, message in enumerate(messages):
        if len(encode_line(message)) > MAX_MESSAGE_BYTES:
            raise PayloadTooLarge(
                f"messages.{place} is larger than {MAX_MESSAGE_BYTES // 1024} KB. "
                "Split it, or keep its attachments elsewhere and store a link."
            )
        if (message.id, message.timestamp) in seen:
            raise InvalidRequest(
                f"messages.{place} has the id and the time of another message of this request. "
                "Send each message once; send a correction in a request of its own."
            )
        seen.add((message.id, message.timestamp))


def _check_spread(messages: list[Message]) -> None:
    """A day, a quarter hour and a user each take requests of their own, and a request has 30 s."""
    spreads = {
        "days": (MAX_DAYS, {day_of(message.timestamp) for message in messages}),
        "quarter hours": (MAX_QUARTERS, {quarter_hour(message) for message in messages}),
        "users": (MAX_USERS, {message.user_id for message in messages}),
    }
    for what, (most, found) in spreads.items():
        if len(found) > most:
            raise PayloadTooLarge(
                f"The messages are of {len(found):,} {what}; at most {most:,} fit into one "
                "request. Send them in several."
            )
