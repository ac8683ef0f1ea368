"""What a format's writer is given, and what it answers.

A file of the layout ``joined`` is ``preamble + separator.join(conversations) + postamble``,
whatever the parts it was written in; each of these may be compressed on its own and the results
joined. One that is ``assembled`` is made of the conversations alone, by the format's assembler.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Protocol

from chatledger.ledger.heads import Head
from chatledger.messages import Message

# What a writer holds before it hands it on: enough for a compressor to be quick.
PIECE_BYTES = 64 * 1024

_SENDER_TYPES = {"user": "guest", "assistant": "ai"}


@dataclass(frozen=True, slots=True)
class Options:
    """What goes into a file beside the messages themselves.

    ``include_metadata``: what is known of the AI service (its name, model, prompt, temperature,
    tokens, latency), and the callers' own ``metadata``.
    """

    include_ip_addresses: bool = False
    include_metadata: bool = True


@dataclass(frozen=True, slots=True)
class Conversation:
    """A head and its standing messages in time order.

    There may be 100,000 messages, read anew at each iteration: writers stream, once if they can.
    """

    head: Head
    messages: Iterable[Message]


class Writer(Protocol):
    """A format: what stands before, between and after the conversations, and a conversation."""

    @property
    def preamble(self) -> bytes: ...

    @property
    def separator(self) -> bytes: ...

    @property
    def postamble(self) -> bytes: ...

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        """The conversation in pieces, of about ``PIECE_BYTES`` where it has that many."""
        ...


class Assembler(Protocol):
    """Makes one file of the bytes of all conversations, in their order; it holds little of them.

    The file's bytes do not depend on where the pieces are cut.
    """

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
