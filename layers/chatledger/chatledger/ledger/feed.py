"""The order of what was committed, as readers follow it: slots, from one position to another.

A position is a vector, the last slot of each shard that was seen: "everything up to here". It is
gapless and knows no time, so late, equal and future timestamps are each met once. From one
position to the next, slots are consecutive; where they are not, some are no longer kept.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import msgspec

from chatledger.aws.table import Between, Table, pages
from chatledger.errors import Gone
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from chatledger.ledger.slots import Slot, slot_of

# Shard → its last slot that was seen; 0, or absent: none.
Vector = Mapping[int, int]


class Within(msgspec.Struct, frozen=True):
    """Inside the slot that comes next in a shard: entries and then lines that were given out."""

    shard: int
    entries: int
    lines: int


@dataclass(frozen=True, slots=True)
class Position:
    """``slots``: shard → the last slot that was given out whole."""

    slots: dict[int, int] = field(default_factory=dict[int, int])
    within: Within | None = None


_PAGE = 500
_OVER = (
    "What came next is no longer kept in its order, so from this position nothing can go on "
    "without a gap. Take an export without since: its cursor is where to go on."
)


def committed(table: Table, organization: str, shard: int, after: int, upto: int) -> Iterator[Slot]:
    """The slots after ``after`` up to ``upto``, which was the shard's last one when it was frozen.

    Raises ``Gone`` where one is missing: all of them were committed, so it was swept, or the table
    is not the one that was read before.
    """
    if after > upto:
        raise Gone(_OVER)
    expected = after + 1
    if expected > upto:
        return
    between = Between(f"{expected:011}", f"{upto:011}")
    for page in pages(table, keys.slots(organization, shard), between=between, limit=_limit):
        for slot in map(slot_of, page.items):
            if slot.number != expected:
                raise Gone(_OVER)
            expected += 1
            yield slot
    if expected != upto + 1:
        raise Gone(_OVER)


def check_goes_on(ledger: Ledger, organization: str, after: Vector, upto: Vector) -> None:
    """Raises ``Gone`` unless the next slot of each shard is there."""
    for shard in range(ledger.shards):
        seen, last = after.get(shard, 0), upto.get(shard, 0)
        for _ in committed(ledger.table, organization, shard, seen, min(last, seen + 1)):
            pass
        if seen > last:
            raise Gone(_OVER)


def days_between(
    ledger: Ledger, organization: str, after: Vector, upto: Vector
) -> tuple[dict[str, set[int]], dict[int, int]]:
    """Which shards committed something for which days, and how many slots each took.

    In memory are the days, not the slots. Raises ``Gone``.
    """
    days: dict[str, set[int]] = {}
    taken: dict[int, int] = {}
    for shard in range(ledger.shards):
        span = (after.get(shard, 0), upto.get(shard, 0))
        for slot in committed(ledger.table, organization, shard, *span):
            taken[shard] = taken.get(shard, 0) + 1
            for place in slot.places:
                days.setdefault(place.partition("#")[0], set()).add(shard)
    return days, taken


def _limit() -> int:
    return _PAGE
