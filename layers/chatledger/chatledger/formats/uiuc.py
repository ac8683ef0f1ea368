"""UIUC.chat's conversation history: a conversation a line, in the row of its "Bulk Export" page.

The fields, their names and their order are the page's example. ``id`` was a serial number of their
table: here it is made of the conversation's id, so that it is the same in each export.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chatledger.formats.writer import (
    Conversation,
    Options,
    Unframed,
    Writer,
    gathered,
    stable_integer,
)
from chatledger.ledger.heads import Head
from chatledger.messages import Message

# "We always include a maximum of 80 contexts per assistant response."
MAX_CONTEXTS = 80

_ENCODER = msgspec.json.Encoder(order="deterministic")


class _Message(msgspec.Struct, frozen=True):
    content: str
    contexts: list[Any]
    role: str


class _Opening(msgspec.Struct, frozen=True, rename={"folder_id": "folderId"}):
    """What of ``convo`` stands before its messages."""

    folder_id: str | None
    id: str


class _Model(msgspec.Struct, frozen=True):
    id: str | None
    name: str | None


class _Closing(msgspec.Struct, frozen=True):
    """What of ``convo`` stands after them."""

    model: _Model | None
    name: str | None
    prompt: str | None
    temperature: float | int | None
    user_email: str | None


class _Row(msgspec.Struct, frozen=True):
    """What stands after ``convo``."""

    convo_id: str
    course_name: str | None
    created_at: datetime | None
    id: int
    user_email: str | None


@dataclass(frozen=True, slots=True)
class Uiuc(Unframed):
    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        head = conversation.head
        opening = _Opening(head.about.get("folder_id"), head.conversation_id)
        yield b'{"convo":' + _ENCODER.encode(opening)[:-1] + b',"messages":['
        messages = iter(conversation.messages)
        first = next(messages, None)
        if first:
            yield _encoded(first)
        yield from _others(messages)
        yield b"]," + _ENCODER.encode(self._closing(head))[1:]
        yield b"," + _ENCODER.encode(_row(head, first))[1:] + b"\n"

    def _closing(self, head: Head) -> _Closing:
        about = head.about
        known = about if self.options.include_metadata else {}
        return _Closing(
            _model(known.get("model")),
            about.get("title"),
            known.get("prompt"),
            known.get("temperature"),
            about.get("user_email"),
        )


def writer(options: Options) -> Writer:
    return Uiuc(options)


def _others(messages: Iterable[Message]) -> Iterator[bytes]:
    for message in messages:
        yield b"," + _encoded(message)


def _encoded(message: Message) -> bytes:
    contexts = (message.contexts or [])[:MAX_CONTEXTS]
    return _ENCODER.encode(_Message(message.content, contexts, message.role))


def _row(head: Head, first: Message | None) -> _Row:
    return _Row(
        head.conversation_id,
        head.about.get("app_id"),
        first.timestamp if first else None,
        stable_integer(head.conversation_id),
        head.about.get("user_email"),
    )


def _model(model: str | dict[str, Any] | None) -> _Model | None:
    """``{id, name}``, whichever of them is known."""
    if model is None:
        return None
    known = model if isinstance(model, dict) else {"id": model}
    return _Model(known.get("id") or known.get("name"), known.get("name") or known.get("id"))
