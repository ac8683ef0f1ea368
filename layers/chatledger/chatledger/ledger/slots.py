"""Slots: the gapless order of a shard's appends, and the lock under each append.

A query is no snapshot: it may show a slot before it shows the entries of the same transaction. So
a slot lists its entries, and whoever relies on "everything up to here" first gets those of the
newest slots that it has not seen. What is absent then is on its way; it never means cleared.
"""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import count

from chatledger.aws import wire
from chatledger.aws.table import Key, Table, pages
from chatledger.aws.wire import Item
from chatledger.errors import StorageError
from chatledger.ledger import keys
from chatledger.ledger.entries import Entry, Piece, Quarter
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import from_microseconds, microseconds

# A slot's time is set when its transaction is sent. The client gives up on it after 2 tries of 4
# seconds (aws/dynamodb.py), and it is applied within milliseconds: this is above all of that.
SETTLED_AFTER = timedelta(seconds=10)
# So many slots of usual ids fit into the 4 KB that one read unit covers.
_PAGE = 16
_LOOKS = 7


@dataclass(frozen=True, slots=True)
class Slot:
    number: int
    conversation_id: str
    places: Sequence[str]
    at: datetime
    token: bytes

    def entries(self, organization: str, shard: int) -> Iterator[tuple[Quarter, Key]]:
        """The key of each of its entries, with the quarter hour it lies in."""
        for place in self.places:
            day, quarter, *piece = place.split("#")
            number = int(piece[0]) if piece else 1
            yield (
                (day, quarter),
                Key(
                    keys.cell(organization, day, shard),
                    keys.entry(self.conversation_id, quarter, self.number, number),
                ),
            )


def slot_item(
    organization: str, shard: int, number: int, pieces: Sequence[Piece], at: datetime, token: bytes
) -> Item:
    key = keys.slot(organization, shard, number)
    return {
        "PK": key.pk,
        "SK": key.sk,
        "conversation": pieces[0].messages[0].conversation_id,
        "entries": [_place(piece) for piece in pieces],
        "at": microseconds(at),
        "w": token,
    }


def slot_of(item: Item) -> Slot:
    return Slot(
        number=int(wire.text(item, "SK")),
        conversation_id=wire.text(item, "conversation"),
        places=wire.texts(item, "entries"),
        at=from_microseconds(wire.number(item, "at")),
        token=wire.binary(item, "w"),
    )


def newest(table: Table, organization: str, shard: int, now: datetime) -> list[Slot]:
    """The last slot and all that may not be settled yet, newest first; empty in an empty shard."""
    found: list[Slot] = []
    partition = keys.slots(organization, shard)
    # Beyond the first page the shard is busy: few large requests are then better than many.
    sizes = (_PAGE * 4**step for step in count())
    for page in pages(table, partition, newest_first=True, limit=lambda: next(sizes)):
        found += map(slot_of, page.items)
        if not found or found[-1].at < now - SETTLED_AFTER:
            break
    # The last slot is always among them, even if a slow clock set its time.
    unsettled = [place for place, slot in enumerate(found, 1) if slot.at >= now - SETTLED_AFTER]
    return found[: max(unsettled, default=1)]


def await_entries(
    table: Table,
    wanted: Iterable[Key],
    sleep: Callable[[float], None] = time.sleep,
) -> list[Entry]:
    """The entries under these keys, each waited for until it shows; raises ``StorageError``."""
    missing = set(wanted)
    found: list[Entry] = []
    for look in range(_LOOKS):
        if not missing:
            return found
        if look:
            sleep(0.02 * 2**look)
        items = table.get_many(sorted(missing, key=lambda key: (key.pk, key.sk)))
        found += map(Entry.of, items.values())
        missing -= set(items)
    if missing:
        raise StorageError("The newest messages are still being written. Repeat in a second.")
    return found


def _place(piece: Piece) -> str:
    day, quarter = piece.quarter
    place = f"{day}#{quarter}"
    return place if piece.number == 1 else f"{place}#{piece.number:02}"


def freeze(ledger: Ledger, organization: str) -> dict[int, int]:
    """The last slot of each shard, once everything up to it shows in reads."""
    vector: dict[int, int] = {}
    for shard in range(ledger.shards):
        found = newest(ledger.table, organization, shard, ledger.now())
        wanted = [key for slot in found for _, key in slot.entries(organization, shard)]
        await_entries(ledger.table, wanted, ledger.sleep)
        vector[shard] = found[0].number if found else 0
    return vector
