"""What a format's writer is given, and what it answers.

A file of the layout ``joined`` is ``preamble + separator.join(conversations) + postamble``,
whatever the parts it was written in; each of these may be compressed on its own and the results
joined. A conversation of which nothing belongs into the format is no bytes, and nothing stands
between it and the next. A file of another layout is made of the conversations alone, by the
format's assembler.
"""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from chatledger.ledger.heads import Head
from chatledger.messages import Message

# What a writer holds before it hands it on: enough for a compressor to be quick.
PIECE_BYTES = 64 * 1024

_SENDER_TYPES = {"user": "guest", "assistant": "ai"}


@dataclass(frozen=True, slots=True)
class Options:
    """What goes into a file beside the messages themselves.

    ``include_metadata``: what is known of the AI service (its name, model, prompt, temperature,
    tokens, latency), and the callers' own ``metadata``. ``anonymize``: what is written has been
    anonymized, and says so. ``asked_at``: when the file was asked for.
    """

    include_ip_addresses: bool = False
    include_metadata: bool = True
    anonymize: bool = False
    asked_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Conversation:
    """A head and its standing messages in time order.

    There may be 100,000 messages, read anew at each iteration: writers stream, once if they can.
    """

    head: Head
    messages: Iterable[Message]


@dataclass(frozen=True, slots=True)
class Totals:
    """What is known at a file's end.

    ``conversations``: those that left something in it; ``records``: as the writers of its parts
    counted them; ``at``: when it was asked for.
    """

    conversations: int
    records: int
    at: datetime


class Writer(Protocol):
    """A format: what stands before, between and after the conversations, and a conversation."""

    @property
    def preamble(self) -> bytes: ...

    @property
    def separator(self) -> bytes: ...

    def postamble(self, totals: Totals) -> bytes: ...

    @property
    def records(self) -> int:
        """Written by this writer so far, where a format counts records of its own; else 0."""
        ...

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        """The conversation in pieces, of about ``PIECE_BYTES`` where it has that many.

        No piece is empty; of a conversation that has no place in the format there is none.
        """
        ...


class Unframed:
    """What most writers have: nothing before, between and after the conversations, no records."""

    __slots__ = ()

    preamble = b""
    separator = b""
    records = 0

    def postamble(self, totals: Totals) -> bytes:  # noqa: ARG002 - it says no totals
        return b""


class Assembler(Protocol):
    """Makes one file of the bytes of conversations, in their order.

    The file's bytes do not depend on where the pieces are cut.
    """

    @property
    def held(self) -> int:
        """Bytes of them that wait in memory for the end; 0 where it holds a bounded few."""
        ...

    def add(self, data: bytes) -> None: ...

    def end(self) -> None: ...


def sender_type(role: str) -> str:
    """Who speaks, in the words of the derived formats: guest, ai, else the role itself."""
    return _SENDER_TYPES.get(role, role)


def gathered(parts: Iterable[bytes]) -> Iterator[bytes]:
    """The same bytes in fewer pieces: joined until they reach ``PIECE_BYTES``."""
    held = bytearray()
    for part in parts:
        held += part
        if len(held) >= PIECE_BYTES:
            yield bytes(held)
            held.clear()
    if held:
        yield bytes(held)


def model_id(model: str | dict[str, Any] | None) -> str | None:
    """The model in one word: its id, else its name."""
    if isinstance(model, dict):
        return model.get("id") or model.get("name")
    return model


def stable_integer(*parts: str) -> int:
    """The same positive integer for the same texts; every JSON reader holds it (below 2^53).

    Made of SHA-256: of a million, two are the same in one of 18,000 files.
    """
    digest = hashlib.sha256("\x00".join(parts).encode()).digest()
    return int.from_bytes(digest[:8]) >> 11 or 1
