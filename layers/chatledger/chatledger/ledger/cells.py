"""Reading many days of a shard at once, conversation after conversation, in bounded memory.

Each day of a shard is one sequential read that is already grouped by conversation; the days are
merged lazily. The open days share one budget: the more of them, the fewer items a page of each
may hold. Heads come a hundred at a time, when their conversations come up.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from functools import partial
from heapq import heappop, heappush, merge
from itertools import groupby

from chatledger.aws.table import Page
from chatledger.ledger import conversations, heads, keys
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import Range

# Asked before each request; raises what ends the reading (out of time, cancelled).
Checkpoint = Callable[[], None]

PAGES_BUDGET_BYTES = 8 * 1024 * 1024
# What a conversation's messages may take in memory; those of a longer one are read again.
HELD_BYTES = 8 * 1024 * 1024
_FIRST_GUESS_BYTES = 4096
_OBJECTS_BYTES = 1000
_HEADS_AT_ONCE = 100
_CELLS_AT_ONCE = 4


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What an export sees: messages of a range, in entries up to the frozen slot of each shard.

    ``after``: the last slot of each shard that an earlier one saw; None where none went before.
    """

    organization: str
    within: Range
    frozen: dict[int, int]
    after: dict[int, int] | None = None

    def sees(self, entry: Entry, shard: int) -> bool:
        seen = self.after.get(shard, 0) if self.after else 0
        return seen < entry.place.slot <= self.frozen[shard]


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


def read_shard(
    ledger: Ledger,
    snapshot: Snapshot,
    shard: int,
    days: Sequence[str],
    checkpoint: Checkpoint,
    after: str | None = None,
) -> Iterator[HeldConversation]:
    """The conversations of a shard on these days, in the order of their escaped ids.

    ``after`` is the escaped id of the one to go on after. Each must be used before the next is
    asked for. One whose head is gone was emptied and removed meanwhile; nothing of it is left.
    """
    reader = _Reader(ledger, snapshot, shard, max(1, len(days)), checkpoint)
    merged = merge(*reader.open(days, after), key=_conversation_then_time)
    for escaped, run in groupby(merged, key=lambda entry: _conversation_then_time(entry)[0]):
        held = _hold(run)
        if head := reader.heads.take(escaped):
            yield HeldConversation(ledger, snapshot, head, held)


def read_named(
    ledger: Ledger,
    snapshot: Snapshot,
    shard: int,
    conversation_ids: Iterable[str],
    checkpoint: Checkpoint,
    after: str | None = None,
) -> Iterator[HeldConversation]:
    """The same of these conversations only, each looked up: nothing of the others is read."""
    of_shard = {keys.escape(each) for each in conversation_ids if ledger.shard_of(each) == shard}
    escaped = {each for each in of_shard if after is None or each > after}
    named = _Heads(ledger, snapshot.organization)
    named.expect(escaped)
    for conversation in sorted(escaped):
        checkpoint()
        if head := named.take(conversation):
            unheld = HeldConversation(ledger, snapshot, head, None)
            held = _hold(entry for run in unheld.quarters() for entry in run)
            yield replace(unheld, held=held)


@dataclass(slots=True)
class _Heads:
    """The heads of conversations to come, read some at a time, in the order they come up in."""

    ledger: Ledger
    organization: str
    _expected: list[str] = field(default_factory=list[str])
    _known: set[str] = field(default_factory=set[str])
    _read: dict[str, Head] = field(default_factory=dict[str, Head])

    def expect(self, escaped_ids: Iterable[str]) -> None:
        for each in set(escaped_ids) - self._known:
            self._known.add(each)
            heappush(self._expected, each)

    def take(self, escaped_id: str) -> Head | None:
        """The head of the next conversation; those below it are no longer expected."""
        if self._expected and self._expected[0] <= escaped_id:
            count = min(_HEADS_AT_ONCE, len(self._expected))
            some = [keys.unescape(heappop(self._expected)) for _ in range(count)]
            table, shards = self.ledger.table, self.ledger.shards
            found = heads.load_many(table, self.organization, shards, some)
            self._read |= {keys.escape(name): head for name, head in found.items()}
        self._known.discard(escaped_id)
        return self._read.pop(escaped_id, None)


class _Reader:
    """Reads one shard's days, whose pages share one budget."""

    def __init__(
        self,
        ledger: Ledger,
        snapshot: Snapshot,
        shard: int,
        open_days: int,
        checkpoint: Checkpoint,
    ) -> None:
        self.ledger = ledger
        self.snapshot = snapshot
        self.shard = shard
        self.open_days = open_days
        self.checkpoint = checkpoint
        self.heads = _Heads(ledger, snapshot.organization)
        self.item_bytes = _FIRST_GUESS_BYTES

    def open(self, days: Sequence[str], after: str | None) -> list[Iterator[Entry]]:
        """The entries of each day; the first pages are read some at once."""
        opened: list[Iterator[Entry]] = []
        start_after = keys.after_conversation(after) if after is not None else None
        with ThreadPoolExecutor(_CELLS_AT_ONCE) as pool:
            for start in range(0, len(days), _CELLS_AT_ONCE):
                self.checkpoint()
                some = days[start : start + _CELLS_AT_ONCE]
                pages = pool.map(partial(self._page, after=start_after), some)
                for day, page in zip(some, pages, strict=True):
                    opened.append(self._entries(day, page))
        return opened

    def _entries(self, day: str, page: Page) -> Iterator[Entry]:
        while True:
            entries = [Entry.of(item) for item in page.items]
            self.heads.expect(_conversation_then_time(entry)[0] for entry in entries)
            if entries:
                self.item_bytes = sum(map(_page_bytes, entries)) // len(entries)
            yield from (entry for entry in entries if self.snapshot.sees(entry, self.shard))
            if page.after is None:
                return
            self.checkpoint()
            page = self._page(day, page.after)

    def _page(self, day: str, after: str | None) -> Page:
        partition = keys.cell(self.snapshot.organization, day, self.shard)
        limit = max(1, PAGES_BUDGET_BYTES // (self.open_days * self.item_bytes))
        return self.ledger.table.page(partition, after=after, limit=limit)


def _conversation_then_time(entry: Entry) -> tuple[str, str, str]:
    """The escaped conversation id, the day, the quarter hour and slot."""
    conversation, _, place = entry.key.sk.partition("#")
    return conversation, entry.day, place


def _page_bytes(entry: Entry) -> int:
    """What an entry takes in memory as it was read: its payload, and the objects around it."""
    return _OBJECTS_BYTES + (0 if entry.is_tombstone else len(entry.payload))


def _decoded_bytes(entry: Entry) -> int:
    """What its messages take in memory."""
    return entry.lines_bytes + _OBJECTS_BYTES * entry.messages_count


def _hold(entries: Iterable[Entry]) -> list[Entry] | None:
    """The entries, or None where their messages are too much to hold: those are read again."""
    held: list[Entry] = []
    size = 0
    for entry in entries:
        size += _decoded_bytes(entry)
        if size <= HELD_BYTES:
            held.append(entry)
        else:
            held.clear()
    return held if size <= HELD_BYTES else None
