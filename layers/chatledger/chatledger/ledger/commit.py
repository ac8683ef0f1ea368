"""The commit and the acknowledgement: one transaction of the next slots and their entries."""

import random
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime

from chatledger.aws.table import Absent, Put, TransactionRefused
from chatledger.errors import StorageError
from chatledger.identifiers import new_token
from chatledger.ledger import keys, slots
from chatledger.ledger.entries import Piece
from chatledger.ledger.ledger import Ledger

# A transaction takes 100 items and 4 MB; one is the slot, and keys and names want some room.
MAX_ENTRIES = 99
MAX_BYTES = 3_500_000
_MAX_SAME_SLOT = 8

# What one slot lists: pieces of one conversation that become its entries.
Run = Sequence[Piece]


def runs(pieces: Iterable[Piece]) -> Iterator[list[Piece]]:
    """The pieces in their order, cut into runs that each fit one transaction."""
    run: list[Piece] = []
    size = 0
    for piece in pieces:
        if len(run) == MAX_ENTRIES or size + len(piece.payload) > MAX_BYTES:
            yield run
            run, size = [], 0
        run.append(piece)
        size += len(piece.payload)
    if run:
        yield run


def commit(
    ledger: Ledger,
    organization: str,
    shard: int,
    number: int,
    taken_by: Sequence[Run],
    until: datetime,
) -> bool:
    """Takes the slots from ``number`` on, one for each run. False: another one has taken them.

    A conflict, a throttle or a lost reply says nothing about the slots: the same transaction goes
    again (the next slot would leave a gap that stops every reader). If a slot then shows as
    taken, its token says whether it was taken by us. Raises ``StorageError``.
    """
    token = new_token()
    entries = [
        Put(piece.item(organization, shard, slot), Absent())
        for slot, run in enumerate(taken_by, number)
        for piece in run
    ]
    for attempt in range(_MAX_SAME_SLOT):
        if attempt and ledger.now() > until:
            break
        back_off(ledger, attempt)
        # Its time is said anew each time: readers reckon from it when the slot is settled.
        now = ledger.now()
        taken = [
            Put(slots.slot_item(organization, shard, slot, run, now, token), Absent())
            for slot, run in enumerate(taken_by, number)
        ]
        try:
            ledger.table.transact([*taken, *entries])
        except TransactionRefused:
            there = ledger.table.get(keys.slot(organization, shard, number))
            return there is not None and there["w"] == token
        except StorageError:
            continue
        return True
    raise StorageError


def back_off(ledger: Ledger, attempt: int) -> None:
    """Full jitter, so that writers who met once do not meet again; no wait the first time."""
    if attempt:
        ledger.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311
