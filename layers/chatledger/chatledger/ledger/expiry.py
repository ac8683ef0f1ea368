"""Expiry: slots and tombstones are kept for a while, and then go in an order that loses nothing.

A slot goes before the tombstones that it lists, so that no reader meets a slot whose entries are
gone; slots go from the oldest on, so that what stays is consecutive; the last slot of a shard
stays, for it is the lock under the next append. A tombstone above a live older revision stays too:
without it that revision would come back.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby

from chatledger.aws.table import ConditionFailed, Equals, Key, Table, items, pages
from chatledger.ledger import keys, slots
from chatledger.ledger.entries import Entry
from chatledger.ledger.ledger import Ledger

# Asked before each request; raises what ends the work.
Checkpoint = Callable[[], None]
_PAGE = 500


@dataclass(frozen=True, slots=True)
class Horizon:
    """Slots from before ``slots`` go, and tombstones that were made before ``tombstones``."""

    slots: datetime
    tombstones: datetime


def trim_slots(
    ledger: Ledger, organization: str, shard: int, horizon: Horizon, checkpoint: Checkpoint
) -> int:
    """Deletes the shard's slots of before the horizon, the oldest first; answers how many."""
    table, count = ledger.table, 0
    newest = slots.newest(table, organization, shard, ledger.now())
    last = newest[0].number if newest else 0
    for page in pages(table, keys.slots(organization, shard), limit=lambda: _PAGE):
        for slot in map(slots.slot_of, page.items):
            if slot.number >= last or slot.at >= horizon.slots:
                return count
            checkpoint()
            key = keys.slot(organization, shard, slot.number)
            count += _delete(table, key, slot.token)
    return count


def trim_tombstones(
    ledger: Ledger,
    organization: str,
    day: str,
    shard: int,
    horizon: Horizon,
    checkpoint: Checkpoint,
) -> int:
    """Deletes the tombstones of a day of a shard that are past the horizon; answers how many."""
    table, count = ledger.table, 0
    first = _first_slot(table, organization, shard)
    found = map(Entry.of, items(table, keys.cell(organization, day, shard)))
    for _, run in groupby(found, key=lambda each: (each.place.conversation_id, each.quarter)):
        for entry in _expired(list(run), first, horizon):
            checkpoint()
            count += _delete(table, entry.key, entry.token)
    return count


def _first_slot(table: Table, organization: str, shard: int) -> int:
    """The number of the oldest slot that is kept; 0 in an empty shard."""
    page = table.page(keys.slots(organization, shard), limit=1)
    return slots.slot_of(page.items[0]).number if page.items else 0


def _expired(entries: Sequence[Entry], first: int, horizon: Horizon) -> Iterator[Entry]:
    """Of one quarter hour's entries, in the order of their slots."""
    live: set[bytes] = set()
    for entry in sorted(entries, key=lambda each: (each.place.slot, each.place.piece)):
        identities = {message for message, _ in entry.digests()}
        if entry.cleared_at is None:
            live |= identities
        elif (
            entry.cleared_at < horizon.tombstones
            and entry.place.slot < first
            and not identities & live
        ):
            yield entry


def _delete(table: Table, key: Key, token: bytes) -> bool:
    """False where it is gone already, or somebody wrote it meanwhile: an undo, an import."""
    try:
        table.delete(key, Equals("w", token))
    except ConditionFailed:
        return False
    return True
