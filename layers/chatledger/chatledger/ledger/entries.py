"""The entry: messages of one conversation in one UTC quarter hour, added by one append.

Its payload is its messages' canonical lines, gzip-compressed: a valid piece of a ``.jsonl.gz``
file, so an archive of untouched entries is made by concatenating payloads.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from isal import igzip

from chatledger.aws import wire
from chatledger.aws.table import Equals, Key, Update
from chatledger.aws.wire import Item
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.messages import (
    DIGEST_BYTES,
    Message,
    decode_line,
    encode_line,
    identity,
    revision,
)
from chatledger.timestamps import day_of, from_microseconds, microseconds, quarter_of

# A UTC day and the quarter hour in it: ("2026-11-21", "1015").
Quarter = tuple[str, str]

MAX_PAYLOAD_BYTES = 300 * 1024
# And of its lines: what compresses well must not become large where it is read.
MAX_LINES_BYTES = 1024 * 1024
# Level 2 of isal: a tenth of zlib's time at the same size for a turn.
_LEVEL = 2


class Origin(NamedTuple):
    """Where a restored entry comes from; it orders revisions that come from one place."""

    epoch: str
    organization: str
    slot: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An entry as it lies in the table. A tombstone has no payload, only its messages' digests."""

    key: Key
    place: keys.EntryPlace
    item: Item

    @classmethod
    def of(cls, item: Item) -> "Entry":
        key = Key(wire.text(item, "PK"), wire.text(item, "SK"))
        return cls(key, keys.entry_place(key.sk), item)

    @property
    def day(self) -> str:
        return self.key.pk.split("#")[2]

    @property
    def quarter(self) -> Quarter:
        return self.day, self.place.quarter

    @property
    def is_tombstone(self) -> bool:
        return "payload" not in self.item

    @property
    def token(self) -> bytes:
        """Its ``w``: new with every write of the item."""
        return wire.binary(self.item, "w")

    @property
    def digest(self) -> bytes:
        """SHA-256 of its lines; a tombstone keeps that of the lines it had."""
        return wire.binary(self.item, "digest")

    @property
    def cleared_by(self) -> str | None:
        """Of a tombstone: the export that cleared it."""
        return wire.text(self.item, "job") if self.is_tombstone else None

    @property
    def cleared_at(self) -> datetime | None:
        """Of a tombstone: when it became one."""
        if not self.is_tombstone:
            return None
        return from_microseconds(wire.number(self.item, "cleared_at"))

    @property
    def origin(self) -> Origin | None:
        """Of a restored entry, where that is known."""
        if "from" not in self.item:
            return None
        epoch, organization, slot = wire.texts(self.item, "from")
        return Origin(epoch, organization, int(slot))

    @property
    def restored_by(self) -> str | None:
        """The import that put it in, or back."""
        return wire.text(self.item, "restored_by") if "restored_by" in self.item else None

    @property
    def payload(self) -> bytes:
        return wire.binary(self.item, "payload")

    @property
    def lines_bytes(self) -> int:
        """The size of its lines; a gzip member ends with it (RFC 1952, ISIZE)."""
        return 0 if self.is_tombstone else int.from_bytes(self.payload[-4:], "little")

    @property
    def messages_count(self) -> int:
        return wire.number(self.item, "n")

    @property
    def span(self) -> tuple[int, int]:
        """The first and last message's time, in microseconds since 1970."""
        return wire.number(self.item, "first"), wire.number(self.item, "last")

    def lines(self) -> Iterator[bytes]:
        """The canonical lines, each with its newline."""
        return iter(igzip.decompress(self.payload).splitlines(keepends=True))

    def messages(self) -> Iterator[Message]:
        return map(decode_line, self.lines())

    def digests(self) -> Iterator[tuple[bytes, bytes]]:
        """(identity, revision) of every message it holds or, as a tombstone, held."""
        if not self.is_tombstone:
            for line in self.lines():
                yield identity(decode_line(line)), revision(line)
            return
        digests = wire.binary(self.item, "digests")
        for start in range(0, len(digests), 2 * DIGEST_BYTES):
            pair = digests[start : start + 2 * DIGEST_BYTES]
            yield pair[:DIGEST_BYTES], pair[DIGEST_BYTES:]


# What only a tombstone has.
_OF_A_TOMBSTONE = ("digests", "job", "cleared_at")


def tombstone(entry: Entry, job: str, now: datetime) -> Update:
    """Clears the entry if nobody wrote it since: its payload goes, its messages' digests stay."""
    digests = b"".join(message + content for message, content in entry.digests())
    left: Item = {"digests": digests, "job": job, "cleared_at": microseconds(now), "w": new_token()}
    return Update(entry.key, put=left, remove=("payload",), when=Equals("w", entry.token))


def revival(cleared: Entry, payload: bytes, restored_by: str | None = None) -> Update:
    """Puts a tombstone's payload back if nobody wrote it since; the token is a fresh one.

    Fresh, because a clear that comes late still holds the old one.
    """
    back: Item = {"payload": payload, "w": new_token()}
    if restored_by:
        back["restored_by"] = restored_by
    return Update(cleared.key, put=back, remove=_OF_A_TOMBSTONE, when=Equals("w", cleared.token))


def refreshed(entry: Entry) -> Update:
    """A fresh token for an entry that stays as it is, if nobody wrote it since."""
    return Update(entry.key, put={"w": new_token()}, when=Equals("w", entry.token))


@dataclass(frozen=True, slots=True)
class Piece:
    """What becomes one entry once its append knows its slot.

    ``origin`` and ``restored_by`` are those of a restored one.
    """

    quarter: Quarter
    number: int
    messages: Sequence[Message]
    lines: bytes
    payload: bytes
    origin: Origin | None = None
    restored_by: str | None = None

    def item(self, organization: str, shard: int, slot: int) -> Item:
        day, quarter = self.quarter
        conversation_id = self.messages[0].conversation_id
        return {
            "PK": keys.cell(organization, day, shard),
            "SK": keys.entry(conversation_id, quarter, slot, self.number),
            "payload": self.payload,
            "slot": slot,
            "n": len(self.messages),
            "first": microseconds(self.messages[0].timestamp),
            "last": microseconds(self.messages[-1].timestamp),
            "digest": hashlib.sha256(self.lines).digest(),
            "w": new_token(),
            **self._of_a_restored_one(),
        }

    def _of_a_restored_one(self) -> Item:
        item: Item = {"restored_by": self.restored_by} if self.restored_by else {}
        if self.origin:
            item["from"] = [self.origin.epoch, self.origin.organization, str(self.origin.slot)]
        return item


def quarter_hour(message: Message) -> Quarter:
    """The quarter hour a message is stored under."""
    return day_of(message.timestamp), quarter_of(message.timestamp)


def compress(lines: bytes) -> bytes:
    """One gzip member; the same bytes for the same lines."""
    return igzip.compress(lines, _LEVEL, mtime=0)


def pieces(quarter: Quarter, messages: Sequence[Message]) -> list[Piece]:
    """The messages of one quarter hour, in time order, as pieces that each fit into an item."""
    runs = _fitting(messages, [encode_line(message) for message in messages])
    return [
        Piece(quarter, number, run, lines, payload)
        for number, (run, lines, payload) in enumerate(runs, 1)
    ]


def _fitting(
    messages: Sequence[Message], lines: Sequence[bytes]
) -> Iterator[tuple[Sequence[Message], bytes, bytes]]:
    """Halves what is too large until it fits; a single message always goes whole."""
    joined = b"".join(lines)
    payload = compress(joined)
    fits = len(payload) <= MAX_PAYLOAD_BYTES and len(joined) <= MAX_LINES_BYTES
    if fits or len(messages) == 1:
        yield messages, joined, payload
        return
    middle = len(messages) // 2
    yield from _fitting(messages[:middle], lines[:middle])
    yield from _fitting(messages[middle:], lines[middle:])
