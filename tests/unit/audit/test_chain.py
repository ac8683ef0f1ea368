"""The chain: gapless, each record naming the hash of the one before, whatever fails."""

import hashlib
import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from chatledger.audit import chain
from chatledger.audit.record import NONE_BEFORE
from chatledger.aws.table import Absent, ConditionFailed, Equals, Key, Put
from chatledger.errors import StorageError
from tests.fakes.faults import Call, Crashed, Fault, FaultyTable, at
from tests.fakes.memory_table import MemoryTable
from tests.unit.audit.trails import ORGANIZATION, add, event, records, stored

PLACE = Key("J#acme", "E1")
WRITE = Put({"PK": PLACE.pk, "SK": PLACE.sk, "w": b"new"}, Absent())


def append(table: FaultyTable | MemoryTable, number: int = 1) -> None:
    chain.append(table, ORGANIZATION, [event(number)], [WRITE])


def test_anybody_can_compute_the_hashes():
    table = MemoryTable()
    add(table, 3)
    before = NONE_BEFORE
    for seq, each in enumerate(stored(table), 1):
        said = json.loads(each.canonical)
        again = json.dumps(said, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        assert again.encode() == each.canonical
        assert hashlib.sha256(again.encode()).hexdigest() == each.hash
        assert (said["seq"], said["prev"], said["organization"]) == (seq, before, ORGANIZATION)
        assert int(each.place) == seq
        before = each.hash


def test_a_record_and_what_it_records_are_one_write():
    table = MemoryTable()
    append(table)
    assert table.peek(PLACE)
    assert [each.subject for each in records(table)] == [{"hold_id": "hold_1"}]


def test_what_is_refused_is_not_recorded():
    table = MemoryTable()
    table.poke({"PK": PLACE.pk, "SK": PLACE.sk, "w": b"old"})
    with pytest.raises(ConditionFailed):
        append(table)
    assert records(table) == []


def test_several_events_of_one_write_follow_each_other():
    table = MemoryTable()
    chain.append(table, ORGANIZATION, [event(1), event(2)], [WRITE])
    add(table, 1, first=3)
    assert [each.counts["n"] for each in records(table)] == [1, 2, 3]


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST])
@pytest.mark.parametrize("seed", [0, 2])
def test_a_lost_reply_or_a_throttle_records_once(fault: Fault, seed: int):
    """The first and the second transaction fail, whether they were applied or not."""
    memory = MemoryTable()
    add(memory, seed)

    def twice(call: Call) -> Fault | None:
        return fault if call.operation == "transact" and call.number < 5 else None

    append(FaultyTable(memory, twice), number=9)
    assert [each.counts["n"] for each in records(memory)] == [*range(1, seed + 1), 9]
    assert memory.peek(PLACE)


def test_a_lost_reply_is_told_from_somebody_else_who_took_the_place():
    memory = MemoryTable()

    def overtaken(call: Call) -> Fault | None:
        if call.number == 2:
            add(memory, 1, first=7)
        return Fault.BUSY if call.number == 2 else None

    append(FaultyTable(memory, overtaken))
    assert [each.counts["n"] for each in records(memory)] == [7, 1]


@pytest.mark.parametrize("number", [1, 2])
def test_a_crash_leaves_both_or_neither(number: int):
    memory = MemoryTable()
    with pytest.raises(Crashed):
        append(FaultyTable(memory, at({number: Fault.CRASH})))
    assert bool(memory.peek(PLACE)) == bool(records(memory)) == (number == 2)


def test_a_storage_that_stays_away_is_told():
    table = FaultyTable(MemoryTable(), lambda call: Fault.BUSY if call.number > 1 else None)
    with pytest.raises(StorageError):
        append(table)


def test_many_at_once_make_one_chain():
    table = MemoryTable()
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda number: add(table, 5, first=number), range(0, 40, 5)))
    found = stored(table)
    assert sorted(each.record.counts["n"] for each in found) == list(range(40))
    assert [int(each.place) for each in found] == list(range(1, 41))
    assert [each.record.prev for each in found[1:]] == [each.hash for each in found[:-1]]


def test_what_comes_again_and_again_is_recorded_once():
    table = MemoryTable()
    for once in ("first", "first", "second", "first"):
        chain.append_once(table, ORGANIZATION, event(), once)
    assert len(records(table)) == 2


def test_two_who_tell_the_same_at_once_record_it_once():
    memory = MemoryTable()

    def overtaken(call: Call) -> None:
        if call.operation == "transact":
            chain.append_once(memory, ORGANIZATION, event(), "first")

    chain.append_once(FaultyTable(memory, overtaken), ORGANIZATION, event(), "first")
    assert len(records(memory)) == 1


def test_each_organization_has_a_chain_of_its_own():
    table = MemoryTable()
    names = ["acme", "acme#once", "##organizations", "z"]
    for name in names:
        add(table, 2, organization=name)
        chain.append_once(table, name, event(3), "marker")
    for name in names:
        assert [each.organization for each in records(table, name)] == [name] * 3
    assert sorted(chain.organizations(table)) == sorted(names)
    assert chain.organizations(table, after=max(names, key=lambda name: name)) == []


def test_what_an_append_costs():
    table = MemoryTable()
    add(table, 2)
    table.journal.clear()
    add(table, 1, first=3)
    assert table.operations() == ["page", "transact"]
    assert (table.read_units, table.write_units) == (1, 2)


def test_a_write_whose_condition_is_another_value_is_refused():
    table = MemoryTable()
    table.poke({"PK": PLACE.pk, "SK": PLACE.sk, "w": b"old"})
    stale = Put({"PK": PLACE.pk, "SK": PLACE.sk, "w": b"new"}, Equals("w", b"older"))
    with pytest.raises(ConditionFailed):
        chain.append(table, ORGANIZATION, [event()], [stale])
