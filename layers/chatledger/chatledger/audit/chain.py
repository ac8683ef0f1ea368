"""The chain: records are appended behind the newest, in one transaction with what they record.

So nothing happens unrecorded and nothing is recorded that did not happen, wherever a function dies.
Nothing changes or deletes a record. Only ``Query`` and ``PutItem`` are needed.
"""

import random
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from time import sleep

import msgspec

from chatledger.audit.record import NONE_BEFORE, Event, Record, hash_of, recorded
from chatledger.aws import wire
from chatledger.aws.table import (
    Absent,
    Between,
    ConditionFailed,
    Delete,
    Put,
    Table,
    TransactionRefused,
)
from chatledger.aws.wire import Item
from chatledger.errors import StorageError
from chatledger.identifiers import new_ulid
from chatledger.ledger import keys

_ROUNDS = 20
_TRIES = 4
# Longer than any link lives, and than anything that is told once is repeated.
_MARKED = timedelta(days=2)

DIGITS = 12
_ALL = Between("0", "9" * (DIGITS + 1))

Write = Put | Delete


@dataclass(frozen=True, slots=True)
class Stored:
    """A record as it lies in the table: its place, the bytes that were hashed, and that hash."""

    place: str
    canonical: bytes
    hash: str

    @property
    def seq(self) -> int:
        return int(self.place[:DIGITS])

    @property
    def record(self) -> Record:
        """Raises ``msgspec.DecodeError`` where somebody wrote something else there."""
        return msgspec.json.decode(self.canonical, type=Record)


def append(
    table: Table,
    organization: str,
    events: Sequence[Event],
    writes: Sequence[Write] = (),
) -> None:
    """Records the events in this order, and does the writes they record: all of it, or nothing.

    Raises ``ConditionFailed`` where a condition of the writes does not hold: nothing was written;
    ``StorageError``: it may have been. Make the writes conditional, so that a repeat is none.
    """
    ids = [new_ulid() for _ in events]
    for round_ in range(_ROUNDS):
        last = newest(table, organization)
        records = _chained(organization, last, events, ids)
        if _commit(table, records, writes):
            return
        sleep(random.uniform(0, 0.01 * 2 ** min(round_, 5)))  # noqa: S311
    raise StorageError("Much is being recorded here at once. Repeat in a second.")


def append_once(
    table: Table,
    organization: str,
    event: Event,
    once: str,
) -> None:
    """Records the event unless one under the same name ``once`` was, in the last day.

    For what changes nothing that a condition could be put on, and comes again and again.
    """
    place = keys.audit_marker(organization, once)
    if table.page(place.pk, between=Between(place.sk, place.sk), limit=1).items:
        return
    ttl = int((event.at + _MARKED).timestamp())
    marker = Put({"PK": place.pk, "SK": place.sk, "ttl": ttl}, Absent())
    with suppress(ConditionFailed):  # Somebody recorded it just now.
        append(table, organization, [event], [marker])


def name_of(*parts: str) -> str:
    """A name for ``append_once``, of whatever length its parts are."""
    return hash_of(msgspec.json.encode(parts))


def newest(table: Table, organization: str) -> Stored | None:
    page = table.page(keys.audit(organization), between=_ALL, newest_first=True, limit=1)
    return stored_of(page.items[0]) if page.items else None


def at(table: Table, organization: str, seq: int) -> Stored | None:
    place = keys.audit_record(organization, seq)
    page = table.page(place.pk, between=Between(place.sk, place.sk), limit=1)
    return stored_of(page.items[0]) if page.items else None


def stored_of(item: Item) -> Stored:
    return Stored(wire.text(item, "SK"), wire.binary(item, "record"), wire.text(item, "hash"))


def organizations(table: Table, after: str | None = None) -> Sequence[str]:
    """Some of those that have records, in a fixed order; empty behind the last."""
    start = keys.escape(after) if after else None
    page = table.page(keys.AUDITED, after=start)
    return [keys.unescape(wire.text(item, "SK")) for item in page.items]


def _chained(
    organization: str, last: Stored | None, events: Sequence[Event], ids: Sequence[str]
) -> list[Record]:
    seq, prev = (last.seq, last.hash) if last else (0, NONE_BEFORE)
    records: list[Record] = []
    for event, id_ in zip(events, ids, strict=True):
        seq += 1
        records.append(recorded(event, organization, seq, id_, prev))
        prev = hash_of(records[-1].canonical)
    return records


def _commit(table: Table, records: Sequence[Record], writes: Sequence[Write]) -> bool:
    """False where somebody else took the place; a lost reply is told by the record there."""
    first = records[0]
    puts = [*writes, *(_put(record) for record in records)]
    if first.seq == 1:
        puts.append(_listed(first.organization))
    for attempt in range(_TRIES):
        try:
            table.transact(puts)
        except TransactionRefused as refused:
            if attempt and _is_ours(table, first):
                return True
            if min(refused.failed) < len(writes):
                raise ConditionFailed from None
            return False
        except StorageError:
            if attempt == _TRIES - 1:
                raise
            sleep(random.uniform(0, 0.02 * 3**attempt))  # noqa: S311
        else:
            return True
    raise StorageError


def _is_ours(table: Table, record: Record) -> bool:
    there = at(table, record.organization, record.seq)
    return there is not None and there.canonical == record.canonical


def _put(record: Record) -> Put:
    place, canonical = keys.audit_record(record.organization, record.seq), record.canonical
    item: Item = {
        "PK": place.pk,
        "SK": place.sk,
        "record": canonical,
        "hash": hash_of(canonical),
    }
    return Put(item, Absent())


def _listed(organization: str) -> Put:
    """So that the anchors know of it."""
    return Put({"PK": keys.AUDITED, "SK": keys.escape(organization)})
