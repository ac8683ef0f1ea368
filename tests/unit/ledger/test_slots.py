"""The newest slots, and freezing a shard once all it lists can be read."""

import itertools
import time
from datetime import timedelta

import pytest

from chatledger.errors import StorageError
from chatledger.ledger import slots
from chatledger.ledger.append import append
from tests.fakes.audit import audit
from tests.fakes.chats import NOON, ORGANIZATION, at_once, batch, ledger_on, message
from tests.fakes.faults import LateEntriesTable
from tests.fakes.memory_table import MemoryTable


def test_an_empty_shard_has_no_newest_slot() -> None:
    assert slots.newest(MemoryTable(), ORGANIZATION, 0, NOON) == []


@pytest.mark.parametrize("count", [1, 15, 16, 17, 90])
def test_the_newest_slots_are_those_not_settled_and_at_least_the_last(count: int) -> None:
    clock = [NOON]
    ledger = ledger_on(MemoryTable(), shards=1, now=lambda: clock[0])
    for number in range(count):
        append(ledger, ORGANIZATION, batch([message(number)]))
        clock[0] += timedelta(seconds=1)
    clock[0] -= timedelta(seconds=1)
    numbers = [slot.number for slot in slots.newest(ledger.table, ORGANIZATION, 0, clock[0])]
    settling = slots.SETTLED_AFTER // timedelta(seconds=1) + 1  # one a second, both ends
    assert numbers == list(range(count, max(0, count - settling), -1))
    later = clock[0] + timedelta(days=1)
    assert [slot.number for slot in slots.newest(ledger.table, ORGANIZATION, 0, later)] == [count]


def test_a_slow_clock_hides_no_slot() -> None:
    """The last slot's time is of a machine whose clock is a minute late."""
    clock = [NOON]
    ledger = ledger_on(MemoryTable(), shards=1, now=lambda: clock[0])
    append(ledger, ORGANIZATION, batch([message(0)]))
    clock[0] -= timedelta(minutes=1)
    append(ledger, ORGANIZATION, batch([message(1)]))
    numbers = [slot.number for slot in slots.newest(ledger.table, ORGANIZATION, 0, NOON)]
    assert numbers[0] == 2
    clock[0] = NOON
    append(ledger, ORGANIZATION, batch([message(2)]))
    assert slots.freeze(ledger, ORGANIZATION) == {0: 3}


def test_a_slot_lists_its_entries() -> None:
    ledger = ledger_on(MemoryTable(), shards=1)
    sent = [message(number * 20, NOON + number * timedelta(hours=5)) for number in range(4)]
    append(ledger, ORGANIZATION, batch(sent))
    account = audit(ledger)
    (slot,) = account.slots[0]
    listed = dict(slot.entries(ORGANIZATION, 0))
    assert set(listed.values()) == {entry.key for entry in account.entries}
    assert list(listed) == [entry.quarter for entry in account.entries]


def test_a_frozen_ledger_is_what_can_be_read() -> None:
    table = LateEntriesTable(MemoryTable(), looks=3)
    ledger = ledger_on(table, shards=4)
    ids = [f"c{number}" for number in range(9)]
    for each in ids:
        append(ledger, ORGANIZATION, batch([message(0, conversation_id=each)]))
    vector = slots.freeze(ledger, ORGANIZATION)
    counts = [[ledger.shard_of(each) for each in ids].count(shard) for shard in range(4)]
    assert vector == dict(enumerate(counts))
    assert len(audit(ledger).messages) == 9  # Through the same table: nothing is hidden any more.


def test_what_cannot_be_read_cannot_be_frozen() -> None:
    ledger = ledger_on(LateEntriesTable(MemoryTable(), looks=1_000))
    append(ledger, ORGANIZATION, batch([message(0)]))
    with pytest.raises(StorageError):
        slots.freeze(ledger, ORGANIZATION)


def test_what_is_frozen_while_eight_write_never_goes_back() -> None:
    memory = MemoryTable()
    table = LateEntriesTable(memory, looks=2)
    ledger = ledger_on(table, shards=2, sleep=lambda seconds: time.sleep(seconds / 100))

    def work(writer: int) -> list[dict[int, int]]:
        if writer == 0:
            return [slots.freeze(ledger, ORGANIZATION) for _ in range(10)]
        for number in range(10):
            body = [message(number, conversation_id=f"c{writer}")]
            append(ledger, ORGANIZATION, batch(body))
        return []

    vectors, *others = at_once(9, work)
    assert others == [[]] * 8
    assert isinstance(vectors, list)
    for before, after in itertools.pairwise(vectors):
        assert all(before[shard] <= after[shard] for shard in before)
    account = audit(ledger_on(memory, shards=2))
    assert {shard: len(found) for shard, found in account.slots.items()} == slots.freeze(
        ledger_on(memory, shards=2), ORGANIZATION
    )
