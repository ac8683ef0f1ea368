"""Changes: what was committed after a position, in pages; each once, as itself or as cleared.

The order is that of the slots, shard by shard, and has nothing to do with the messages' times. The
same id and time again is a revision of the message: the later one counts.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from chatledger.chats.answers import MAX_ANSWER_BYTES, message_answer
from chatledger.ledger import feed, slots
from chatledger.ledger.entries import Entry
from chatledger.ledger.feed import Position, Within
from chatledger.ledger.ledger import Ledger
from chatledger.ledger.slots import Slot
from chatledger.messages import decode_line

# So many slots' entries are looked up in one request.
_SLOTS_AT_ONCE = 20
# An answer has a message's fields and some more around them.
_AROUND_BYTES = 200


@dataclass(frozen=True, slots=True)
class Changes:
    """``is_all``: nothing more was committed when it was read."""

    changes: list[dict[str, Any]]
    position: Position
    is_all: bool


def changes_after(ledger: Ledger, organization: str, position: Position, limit: int) -> Changes:
    """At most ``limit`` changes, fewer where they are long; raises ``Gone``, ``StorageError``."""
    frozen = slots.freeze(ledger, organization)
    feed.check_goes_on(ledger, organization, position.slots, frozen)
    page = _Page(limit, dict(position.slots))
    for shard in _order(ledger.shards, position):
        within = position.within if position.within and position.within.shard == shard else None
        after = position.slots.get(shard, 0)
        committed = feed.committed(ledger.table, organization, shard, after, frozen[shard])
        while some := list(islice(committed, _SLOTS_AT_ONCE)):
            found = _entries(ledger, organization, shard, some)
            for slot, entries in zip(some, found, strict=True):
                if not page.take(shard, slot.number, entries, within):
                    return page.ended(is_all=False)
                within = None
    return page.ended(is_all=True)


def _order(shards: int, position: Position) -> Iterable[int]:
    """The shard in whose slot the last page stopped comes first.

    What others committed meanwhile could fill this page before that slot comes up, and where it
    was left would be forgotten.
    """
    first = position.within.shard if position.within else 0
    return (*range(first, shards), *range(first))


def _entries(
    ledger: Ledger, organization: str, shard: int, some: Sequence[Slot]
) -> Iterator[list[Entry]]:
    """The entries of each slot, in their order."""
    places = [[key for _, key in slot.entries(organization, shard)] for slot in some]
    wanted = [key for keys in places for key in keys]
    there = {entry.key: entry for entry in slots.await_entries(ledger.table, wanted, ledger.sleep)}
    return ([there[key] for key in keys] for keys in places)


@dataclass
class _Page:
    """What was gathered, and the position behind it."""

    limit: int
    slots: dict[int, int]
    changes: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    bytes: int = 0
    within: Within | None = None

    @property
    def is_full(self) -> bool:
        return len(self.changes) >= self.limit or self.bytes >= MAX_ANSWER_BYTES

    def take(
        self, shard: int, number: int, entries: Sequence[Entry], within: Within | None
    ) -> bool:
        """Takes the slot; False where the page was full before its end."""
        done = within.entries if within else 0
        lines = within.lines if within else 0
        for place, entry in enumerate(entries[done:], done):
            for line, (change, size) in enumerate(_changes(entry, lines), lines):
                if self.is_full:
                    self.within = Within(shard, place, line) if place or line else None
                    return False
                self.changes.append(change)
                self.bytes += size + _AROUND_BYTES
            lines = 0
        self.slots[shard] = number
        return True

    def ended(self, *, is_all: bool) -> Changes:
        return Changes(self.changes, Position(self.slots, self.within), is_all)


def _changes(entry: Entry, told: int) -> Iterator[tuple[dict[str, Any], int]]:
    """What an entry tells after so many of its messages, and about how many bytes it takes.

    It may have been cleared since those were told: its digests are in the order of its lines.
    """
    conversation_id = entry.place.conversation_id
    if entry.is_tombstone:
        if told < entry.messages_count:
            yield _cleared(entry, told), 80 * entry.messages_count
        return
    for line in islice(entry.lines(), told, None):
        message = message_answer(decode_line(line))
        yield {"type": "message", "conversation_id": conversation_id, **message}, len(line)


def _cleared(entry: Entry, told: int) -> dict[str, Any]:
    digests = [[message.hex(), content.hex()] for message, content in entry.digests()][told:]
    return {
        "type": "cleared",
        "conversation_id": entry.place.conversation_id,
        "messages": len(digests),
        "cleared_by": entry.cleared_by,
        "digests": digests,
    }
