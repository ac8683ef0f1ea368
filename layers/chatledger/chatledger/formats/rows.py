"""A message as a row of cells: what every format of rows (CSV, XLSX, Parquet) writes.

The columns are listed here once. The first twelve are always there; of the rest, those that an
export leaves out have no column at all.
"""

from collections.abc import Callable, Iterator
from datetime import datetime
from operator import attrgetter
from typing import Any

import msgspec

from chatledger.formats.writer import Conversation, Options, sender_type
from chatledger.messages import Message

# Text, numbers and times; what was nested is compact JSON.
Cell = str | int | float | datetime | None

_FIRST = (
    "conversation_id",
    "conversation_title",
    "status",
    "user_id",
    "message_id",
    "timestamp",
    "sender_type",
    "message",
    "ai_service",
    "ai_model",
    "reply_to_message_id",
    "sequence_number",
)
# Of the message, under the names of its fields.
_MESSAGE = ("feedback", "contexts")
_MESSAGE_METADATA = ("message_tokens", "answer_tokens", "provider_response_latency", "metadata")
_MESSAGE_ADDRESS = ("ip_address",)
# Of the conversation, the same in each of its rows: column and what the head calls it.
_CONVERSATION = {
    "guest_id": "user_id",
    "guest_name": "user_name",
    "guest_email": "user_email",
    "app_id": "app_id",
    "from_source": "from_source",
    "folder_id": "folder_id",
}
_CONVERSATION_METADATA = {
    "conversation_model": "model",
    "conversation_prompt": "prompt",
    "conversation_temperature": "temperature",
    "conversation_metadata": "metadata",
}

_JSON = msgspec.json.Encoder(order="deterministic")


def columns(options: Options) -> tuple[str, ...]:
    """The names of a row's cells: those of ``message_cells``, then ``conversation_cells``."""
    return (*_FIRST, *_message_fields(options), *_conversation_fields(options))


def message_cells(conversation: Conversation, options: Options) -> Iterator[tuple[Cell, ...]]:
    """Of each message, the first part of its row.

    ``user_id`` is the message's own, else the conversation's.
    """
    head, about = conversation.head, conversation.head.about
    title, status, user = about.get("title"), about.get("status"), about.get("user_id")
    rest: Callable[[Message], tuple[Any, ...]] = attrgetter(*_message_fields(options))
    for number, message in enumerate(conversation.messages, 1):
        yield (
            head.conversation_id,
            title,
            status,
            message.user_id or user,
            message.id,
            message.timestamp,
            sender_type(message.role),
            message.content,
            message.ai_service if options.include_metadata else None,
            _cell(message.model) if options.include_metadata else None,
            message.reply_to,
            number,
            *map(_cell, rest(message)),
        )


def conversation_cells(conversation: Conversation, options: Options) -> tuple[Cell, ...]:
    """The end of each row, the same in all rows of a conversation: written out once."""
    about = conversation.head.about
    return tuple(_cell(about.get(name)) for name in _conversation_fields(options).values())


def spreadsheet_text(text: str) -> str:
    """Text that no spreadsheet takes for a formula: one leading ``'`` where it could be one.

    A text that starts with ``'`` gets one too, so a reader undoes it by dropping one.
    """
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


_FORMULA_STARTS = ("=", "+", "-", "@", "'", "\t", "\r")


def _message_fields(options: Options) -> tuple[str, ...]:
    return (
        *_MESSAGE,
        *(_MESSAGE_ADDRESS if options.include_ip_addresses else ()),
        *(_MESSAGE_METADATA if options.include_metadata else ()),
    )


def _conversation_fields(options: Options) -> dict[str, str]:
    return _CONVERSATION | (_CONVERSATION_METADATA if options.include_metadata else {})


def _cell(value: Any) -> Cell:
    """Text and numbers as they are, all else (``true`` and ``false`` too) as JSON."""
    if value is None or type(value) in (str, int, float):
        return value
    return _JSON.encode(value).decode()
