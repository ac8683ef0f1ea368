"""A conversation as one JSON object, in one pass over its messages.

The fields that readers know come first and are always there, ``null`` where nothing is known.
What else is known follows them, and only where it is known: of a message after
``sequence_number``, of the conversation after ``conversation_metrics``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.formats.writer import Conversation, Options, gathered, sender_type
from chatledger.ledger.heads import Head
from chatledger.messages import Message


class _Guest(msgspec.Struct, frozen=True):
    guest_id: str | None
    guest_name: str | None
    guest_email: str | None
    anonymized: bool


class _Opening(msgspec.Struct, frozen=True):
    """What stands before the messages."""

    conversation_id: str
    conversation_title: str | None
    created_at: datetime | None
    status: str | None
    guest_info: _Guest


class _AiMetadata(msgspec.Struct, frozen=True):
    service: str | None
    model: str | dict[str, Any] | None
    reply_to_message_id: str | None


class _Message(msgspec.Struct, frozen=True, omit_defaults=True):
    """What is in ``ai_metadata`` is not said again after ``sequence_number``.

    ``role`` is there where ``sender_type`` is neither guest nor ai.
    """

    message_id: str
    timestamp: datetime
    sender_type: str
    message: str
    ai_metadata: _AiMetadata | None = None
    sequence_number: int = 0
    role: str | None = None
    user_id: str | None = None
    reply_to_message_id: str | None = None
    feedback: Any = None
    contexts: list[Any] | None = None
    ip_address: str | None = None
    ai_service: str | None = None
    ai_model: str | dict[str, Any] | None = None
    message_tokens: int | None = None
    answer_tokens: int | None = None
    provider_response_latency: float | int | None = None
    metadata: dict[str, Any] | None = None


class _Metrics(msgspec.Struct, frozen=True):
    total_messages: int
    ai_message_count: int
    guest_message_count: int
    conversation_duration_minutes: int


class _Closing(msgspec.Struct, frozen=True, omit_defaults=True):
    """What stands after the messages."""

    ai_services_used: list[str]
    conversation_metrics: _Metrics
    app_id: str | None = None
    from_source: str | None = None
    folder_id: str | None = None
    model: str | dict[str, Any] | None = None
    prompt: str | None = None
    temperature: float | int | None = None
    metadata: dict[str, Any] | None = None


_ENCODER = msgspec.json.Encoder(order="deterministic")
_PLAIN = ("app_id", "from_source", "folder_id")
_METADATA = ("model", "prompt", "temperature", "metadata")


def encoded(conversation: Conversation, options: Options) -> Iterator[bytes]:
    """The object on one line, without a newline, in pieces."""
    return gathered(_parts(conversation, options))


def _parts(conversation: Conversation, options: Options) -> Iterator[bytes]:
    tally = _Tally()
    messages = _messages(conversation.messages, options, tally)
    first = next(messages, b"")
    opening = _ENCODER.encode(_opening(conversation.head, tally.first, options))
    yield opening[:-1] + b',"messages":['
    yield first
    for message in messages:
        yield b"," + message
    closing = _ENCODER.encode(_closing(conversation.head, options, tally))
    yield b"]," + closing[1:]


def _messages(messages: Iterable[Message], options: Options, tally: "_Tally") -> Iterator[bytes]:
    encode, of = _ENCODER.encode, _with_metadata if options.include_metadata else _without_metadata
    for message in messages:
        address = message.ip_address if options.include_ip_addresses else None
        yield encode(of(message, tally.add(message), address))


def _opening(head: Head, created_at: datetime | None, options: Options) -> _Opening:
    about = head.about
    return _Opening(
        conversation_id=head.conversation_id,
        conversation_title=about.get("title"),
        created_at=created_at,
        status=about.get("status"),
        guest_info=_Guest(
            guest_id=about.get("user_id"),
            guest_name=about.get("user_name"),
            guest_email=about.get("user_email"),
            anonymized=options.anonymize,
        ),
    )


def _with_metadata(message: Message, number: int, ip_address: str | None) -> _Message:
    is_ai = message.role == "assistant"
    service, model, reply_to = message.ai_service, message.model, message.reply_to
    return _Message(
        message.id,
        message.timestamp,
        sender_type(message.role),
        message.content,
        _AiMetadata(service, model, reply_to) if is_ai else None,
        number,
        None if is_ai or message.role == "user" else message.role,
        message.user_id,
        None if is_ai else reply_to,
        message.feedback,
        message.contexts,
        ip_address,
        None if is_ai else service,
        None if is_ai else model,
        message.message_tokens,
        message.answer_tokens,
        message.provider_response_latency,
        message.metadata,
    )


def _without_metadata(message: Message, number: int, ip_address: str | None) -> _Message:
    """Which message it answers is no metadata: the thread of a conversation always stays."""
    role = message.role
    return _Message(
        message.id,
        message.timestamp,
        sender_type(role),
        message.content,
        None,
        number,
        None if role in ("assistant", "user") else role,
        message.user_id,
        message.reply_to,
        message.feedback,
        message.contexts,
        ip_address,
    )


def _closing(head: Head, options: Options, tally: "_Tally") -> _Closing:
    names = _PLAIN + _METADATA if options.include_metadata else _PLAIN
    return _Closing(
        ai_services_used=sorted(tally.services) if options.include_metadata else [],
        conversation_metrics=tally.metrics(),
        **{name: head.about.get(name) for name in names},
    )


@dataclass(slots=True)
class _Tally:
    """What is only known once the last message was seen."""

    first: datetime | None = None
    last: datetime | None = None
    services: set[str] = field(default_factory=set[str])
    messages: int = 0
    by_ai: int = 0
    by_guests: int = 0

    def add(self, message: Message) -> int:
        """Counts it; answers its number in the conversation, from 1."""
        self.first = self.first or message.timestamp
        self.last = message.timestamp
        self.by_ai += message.role == "assistant"
        self.by_guests += message.role == "user"
        if message.ai_service:
            self.services.add(message.ai_service)
        self.messages += 1
        return self.messages

    def metrics(self) -> _Metrics:
        lasted = self.last - self.first if self.first and self.last else timedelta()
        return _Metrics(self.messages, self.by_ai, self.by_guests, lasted // timedelta(minutes=1))
