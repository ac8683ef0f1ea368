"""Reading many days of a shard at once, conversation after conversation, in bounded memory.

Each day of a shard is one sequential read that is already grouped by conversation; the days are
merged lazily. The open days share one budget: the more of them, the fewer items a page of each
may hold. The heads of a page's conversations come with the page.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from heapq import merge
from itertools import groupby

from chatledger.aws.table import pages
from chatledger.ledger import conversations, heads, keys
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import Range

PAGES_BUDGET_BYTES = 24 * 1024 * 1024
# What a conversation may hold in memory while it is looked at; a longer one is read again.
HELD_BYTES = 4 * 1024 * 1024
_FIRST_GUESS_BYTES = 4096
_OBJECTS_BYTES = 1500


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an export sees: messages of a range, in entries up to the frozen slot of each shard."""

    organization: str
    within: Range
    frozen: dict[int, int]

    def sees(self, entry: Entry, shard: int) -> bool:
        return entry.place.slot <= self.frozen[shard]


@dataclass(frozen=True, slots=True)
class HeldConversation:
    """A conversation's head and its entries in the snapshot; may be read more than once."""

    ledger: Ledger
    snapshot: Snapshot
    head: Head
    held: Sequence[Entry] | None

    def quarters(self) -> Iterator[list[Entry]]:
        """Its entries by quarter hour within the snapshot's range, in time order."""
        if self.held is None:
            yield from self.quarters_within(self.snapshot.within)
            return
        for _, run in groupby(self.held, key=lambda entry: entry.quarter):
            yield list(run)

    def quarters_within(self, within: Range) -> Iterator[list[Entry]]:
        """Its entries in another range of the same snapshot, read anew."""
        organization = self.snapshot.organization
        shard = self.ledger.shard_of(self.head.conversation_id)
        for run in conversations.quarters(self.ledger, organization, self.head, within):
            if seen := [entry for entry in run if self.snapshot.sees(entry, shard)]:
                yield seen


@dataclass(slots=True)
class _Reader:
    """Reads one shard's days; knows the heads of the conversations on the pages it holds."""

    ledger: Ledger
    snapshot: Snapshot
    shard: int
    open_days: int
    heads: dict[str, Head] = field(default_factory=dict[str, Head])
    item_bytes: int = _FIRST_GUESS_BYTES

    def entries(self, day: str) -> Iterator[Entry]:
        partition = keys.cell(self.snapshot.organization, day, self.shard)
        for page in pages(self.ledger.table, partition, limit=self._page_limit):
            entries = [Entry.of(item) for item in page.items]
            self._learn(entries)
            self._fetch_heads(entry.place.conversation_id for entry in entries)
            yield from (entry for entry in entries if self.snapshot.sees(entry, self.shard))

    def _page_limit(self) -> int:
        return max(1, PAGES_BUDGET_BYTES // (self.open_days * self.item_bytes))

    def _learn(self, entries: Sequence[Entry]) -> None:
        if entries:
            self.item_bytes = sum(map(_held_bytes, entries)) // len(entries)

    def _fetch_heads(self, conversation_ids: Iterable[str]) -> None:
        unknown = {each for each in conversation_ids if each not in self.heads}
        self.heads |= heads.load_many(
            self.ledger.table, self.snapshot.organization, self.ledger.shards, unknown
        )


def read_shard(
    ledger: Ledger, snapshot: Snapshot, shard: int, days: Sequence[str]
) -> Iterator[HeldConversation]:
    """The conversations of a shard on these days, in the order of their escaped ids.

    Each must be used before the next is asked for. One whose head is gone was emptied and removed
    meanwhile; it has nothing left to show.
    """
    reader = _Reader(ledger, snapshot, shard, open_days=max(1, len(days)))
    merged = merge(*(reader.entries(day) for day in days), key=_conversation_then_time)
    for conversation_id, run in groupby(merged, key=lambda entry: entry.place.conversation_id):
        held = _hold(run)
        head = reader.heads.pop(conversation_id, None)
        if head:
            yield HeldConversation(ledger, snapshot, head, held)


def _conversation_then_time(entry: Entry) -> tuple[str, str, str]:
    conversation, _, place = entry.key.sk.partition("#")
    return conversation, entry.day, place


def _held_bytes(entry: Entry) -> int:
    """What an entry takes in memory: its payload, and the objects around it."""
    return _OBJECTS_BYTES + (0 if entry.is_tombstone else len(entry.payload))


def _hold(entries: Iterable[Entry]) -> list[Entry] | None:
    """The entries, or None where they are too many bytes to hold: those are read again."""
    held: list[Entry] = []
    size = 0
    for entry in entries:
        size += _held_bytes(entry)
        if size <= HELD_BYTES:
            held.append(entry)
        else:
            held.clear()
    return held if size <= HELD_BYTES else None
