"""What every ledger operation works on: the table, its shards and epoch, and the clock."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime

from chatledger.aws.table import Absent, ConditionFailed, Equals, Table
from chatledger.aws.wire import Item
from chatledger.errors import NotFound
from chatledger.identifiers import new_ulid
from chatledger.ledger import keys
from chatledger.timestamps import utc_now


@dataclass(frozen=True, slots=True)
class Ledger:
    """One table. ``epoch`` names this life of it: cursors of another life do not hold here."""

    table: Table
    shards: int
    epoch: str
    now: Callable[[], datetime] = utc_now
    sleep: Callable[[float], None] = time.sleep
    seen_days: set[tuple[str, str, int]] = field(default_factory=set[tuple[str, str, int]])

    def shard_of(self, conversation_id: str) -> int:
        return keys.shard_of(conversation_id, self.shards)


class WrongShards(Exception):
    """The table was made with another number of shards than the parameter says now."""


def open_ledger(table: Table, shards: int) -> Ledger:
    """The ledger in this table; the first to come records its shards and epoch.

    Raises ``WrongShards``: with another number every conversation would be looked for elsewhere.
    """
    record = table.get(keys.TABLE_RECORD) or _record(table, shards)
    if record["shards"] != shards:
        raise WrongShards(
            f"LedgerShards is {shards}, but this table was made with {record['shards']}. "
            f"Deploy with LedgerShards={record['shards']}; it is fixed for the table's life."
        )
    return Ledger(table, shards, str(record["epoch"]))


def current_epoch(table: Table) -> str:
    """As the table says now: a function that lives longer than it remembers an older one."""
    record = table.get(keys.TABLE_RECORD)
    return str(record["epoch"]) if record else ""


def adopt(table: Table) -> str:
    """Begins a new epoch in a table that was restored from a backup; answers it.

    Slots that were given out after the backup are given out anew, so no position of before means
    the same any more. Raises ``NotFound`` where the table holds no ledger.
    """
    record = table.get(keys.TABLE_RECORD)
    if not record:
        raise NotFound("This table holds no ledger yet: there is nothing to adopt.")
    epoch = new_ulid()
    table.put({**record, "epoch": epoch}, Equals("epoch", record["epoch"]))
    return epoch


def _record(table: Table, shards: int) -> Item:
    place = keys.TABLE_RECORD
    record: Item = {"PK": place.pk, "SK": place.sk, "shards": shards, "epoch": new_ulid()}
    try:
        table.put(record, Absent())
    except ConditionFailed:
        return table.get(place) or record
    return record
