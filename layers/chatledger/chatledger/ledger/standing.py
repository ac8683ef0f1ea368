"""Which messages of a quarter hour stand, and in which order.

Of the revisions of a message the highest slot wins, tombstones included: where the winner was
cleared, the message is hidden and no older revision comes back. Messages come in time order, equal
times in the order in which they were first held.

What compresses well is small in the table and large when read, so a quarter hour that is large is
never held whole: its order is found first, entry by entry, and then its messages are read again.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from operator import attrgetter
from typing import NamedTuple

from chatledger.ledger.entries import Entry
from chatledger.messages import Message, decode_line, identity
from chatledger.timestamps import EVERYTHING, Range

# Of decoded lines: what a quarter hour may hold at once.
HELD_BYTES = 4 * 1024 * 1024
# Decoded entries kept while their messages are read in time order: most lie one after the other.
_OPEN_ENTRIES = 8


class _Place(NamedTuple):
    """Where a message stands: its time, the number of its entry, the number of its line."""

    timestamp: datetime
    entry: int
    line: int


def standing(entries: Sequence[Entry], within: Range = EVERYTHING) -> Iterator[Message]:
    """The standing messages of one quarter hour in the range; ``entries`` in slot order."""
    if sum(entry.lines_bytes for entry in entries) <= HELD_BYTES:
        return iter(_at_once(entries, within))
    return _one_by_one(entries, _places(entries, within))


def last_standing(entries: Sequence[Entry], within: Range = EVERYTHING) -> Message | None:
    """The last of them, if there is one."""
    if sum(entry.lines_bytes for entry in entries) <= HELD_BYTES:
        found = _at_once(entries, within)
        return found[-1] if found else None
    return next(_one_by_one(entries, _places(entries, within)[-1:]), None)


def _at_once(entries: Sequence[Entry], within: Range) -> list[Message]:
    if len(entries) == 1 and not entries[0].is_tombstone:
        return [message for message in entries[0].messages() if message.timestamp in within]
    winners: dict[bytes, Message | None] = {}
    for entry in entries:
        if entry.is_tombstone:
            winners |= {message: None for message, _ in entry.digests()}
        else:
            winners |= {identity(message): message for message in entry.messages()}
    visible = [each for each in winners.values() if each and each.timestamp in within]
    return sorted(visible, key=attrgetter("timestamp"))


def _places(entries: Sequence[Entry], within: Range) -> list[_Place]:
    """The same order, of places instead of messages."""
    winners: dict[bytes, _Place | None] = {}
    for number, entry in enumerate(entries):
        if entry.is_tombstone:
            winners |= {message: None for message, _ in entry.digests()}
            continue
        for line, message in enumerate(entry.messages()):
            winners[identity(message)] = _Place(message.timestamp, number, line)
    visible = [each for each in winners.values() if each and each.timestamp in within]
    return sorted(visible, key=attrgetter("timestamp"))


def _one_by_one(entries: Sequence[Entry], places: Sequence[_Place]) -> Iterator[Message]:
    @lru_cache(_OPEN_ENTRIES)
    def lines(number: int) -> list[bytes]:
        return list(entries[number].lines())

    for place in places:
        yield decode_line(lines(place.entry)[place.line])
