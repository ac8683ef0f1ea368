"""A message, and its canonical line: the one encoding that is stored, archived and digested."""

import hashlib
from datetime import datetime
from typing import Any

import msgspec

from chatledger.timestamps import format_time

MAX_MESSAGE_BYTES = 300 * 1024
DIGEST_BYTES = 16


class Message(msgspec.Struct, omit_defaults=True, frozen=True):
    """One message as it is stored. The order of the fields is the order in the line."""

    id: str
    conversation_id: str
    timestamp: datetime
    role: str
    content: str
    user_id: str | None = None
    ai_service: str | None = None
    model: str | dict[str, Any] | None = None
    reply_to: str | None = None
    message_tokens: int | None = None
    answer_tokens: int | None = None
    provider_response_latency: float | int | None = None
    feedback: Any = None
    ip_address: str | None = None
    contexts: list[Any] | None = None
    metadata: dict[str, Any] | None = None


_ENCODER = msgspec.json.Encoder(order="deterministic")
_DECODER = msgspec.json.Decoder(Message)


def encode_line(message: Message) -> bytes:
    """Canonical JSON and a newline: fields in order, inner objects sorted, nothing optional."""
    return _ENCODER.encode(message) + b"\n"


def decode_line(line: bytes) -> Message:
    return _DECODER.decode(line)


def identity(message: Message) -> bytes:
    """Which message it is: its id and its time."""
    return _digest(f"{message.id}\x00{format_time(message.timestamp)}".encode())


def revision(line: bytes) -> bytes:
    """Which content of the message it is: a digest of its line."""
    return _digest(line)


def made_id(
    timestamp: datetime, role: str, sender: str | None, content: str, occurrence: int
) -> str:
    """The id of a message whose client gave none: the same request always gets the same ids."""
    parts = (format_time(timestamp), role, sender, content, occurrence)
    return f"msg_{_digest(_ENCODER.encode(parts)).hex()}"


def _digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()[:DIGEST_BYTES]
