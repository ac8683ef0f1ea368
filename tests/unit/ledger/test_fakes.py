"""The fakes themselves: what they bill, what they refuse, and that their faults are faults."""

import pytest

from chatledger.aws.table import (
    Absent,
    Between,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Put,
    TransactionRefused,
    Update,
)
from chatledger.aws.wire import Item
from chatledger.errors import StorageError
from tests.fakes.faults import (
    Crashed,
    Fault,
    FaultyTable,
    LateEntriesTable,
    at,
    first,
    seeded,
)
from tests.fakes.memory_table import Malformed, MemoryTable
from tests.fakes.sizes import item_size

KEY = Key("P", "a")
NAMES = len("PK" + "P" + "SK" + "a" + "payload")


def sized(size: int, sk: str = "a") -> Item:
    """An item of so many bytes."""
    return {"PK": "P", "SK": sk, "payload": b"x" * (size - NAMES)}


@pytest.mark.parametrize(
    ("item", "size"),
    [
        ({"PK": "P", "SK": "a"}, 6),
        ({"é": "ü"}, 4),
        ({"n": 0}, 2),
        ({"n": 7}, 3),
        ({"n": 12_345}, 5),
        ({"n": -12_345}, 6),
        ({"n": 1_700_000_000}, 3),  # Trailing zeros are not significant.
        ({"b": b"1234"}, 5),
        ({"t": True}, 2),
        ({"l": ["ab", "c"]}, 1 + 3 + 2 + 3),
        ({"s": frozenset({1, 22})}, 1 + 2 + 2),
    ],
)
def test_the_size_of_an_item(item: Item, size: int) -> None:
    assert item_size(item) == size


@pytest.mark.parametrize(("size", "units"), [(100, 1), (4096, 1), (4097, 2), (12_288, 3)])
def test_a_read_is_a_unit_for_each_started_4_kb(size: int, units: int) -> None:
    table = MemoryTable()
    table.poke(sized(size))
    table.get(KEY)
    table.get_many([KEY])
    table.page("P")
    assert [request.read_units for request in table.journal] == [units] * 3


def test_a_page_is_billed_as_a_whole_and_a_batch_by_the_item() -> None:
    table = MemoryTable()
    for name in "abcd":
        table.poke(sized(1024, name))
    table.page("P")
    table.get_many([Key("P", name) for name in "abcd"])
    table.page("nothing there")
    table.get(Key("P", "not there"))
    assert [request.read_units for request in table.journal] == [1, 4, 1, 1]


def test_a_write_is_a_unit_for_each_started_kb_and_two_in_a_transaction() -> None:
    table = MemoryTable()
    table.put(sized(1024))
    table.put(sized(1025))
    table.put(sized(100))  # The larger of before and after is billed.
    table.update(Update(KEY, put={"n": 1}))
    table.delete(KEY)
    table.transact([Put(sized(1024)), Put(sized(1025, "b"))])
    assert [request.write_units for request in table.journal] == [1, 2, 2, 1, 1, 2 + 4]
    assert table.write_units == 13


def test_what_is_refused_is_billed_too() -> None:
    table = MemoryTable()
    table.poke(sized(100))
    with pytest.raises(ConditionFailed):
        table.put(sized(100), Absent())
    with pytest.raises(TransactionRefused):
        table.transact([Put(sized(100), Absent()), Put(sized(100, "b"))])
    assert [request.write_units for request in table.journal] == [1, 4]


@pytest.mark.parametrize(
    "mistake",
    [
        lambda table: table.page("P", between=Between("b", "a")),
        lambda table: table.page("P", between=Between("b", "c"), after="a"),
        lambda table: table.page("P", limit=0),
        lambda table: table.update(Update(KEY)),
        lambda table: table.update(Update(KEY, add={"payload": 1})),
        lambda table: table.put({"PK": "P", "SK": "a", "n": 1.5}),
        lambda table: table.put({"PK": "P", "SK": "a", "n": None}),
        lambda table: table.put({"PK": "P", "SK": "a", "n": ["a", 1]}),
        lambda table: table.put({"PK": "P", "SK": "a", "n": frozenset({"a", 1})}),
        lambda table: table.transact([Put(sized(400_000, str(n))) for n in range(11)]),
    ],
)
def test_a_mistake_is_refused(mistake: object) -> None:
    table = MemoryTable()
    table.poke(sized(100))
    with pytest.raises(Malformed):
        mistake(table)  # type: ignore[operator]
    assert table.keys_of_kind("P") == []
    assert table.peek(KEY) == sized(100)


# --- faults ---------------------------------------------------------------------------------------


def write(table: FaultyTable) -> None:
    table.transact([Put(sized(100), Absent())])


def test_busy_is_not_applied_and_lost_is() -> None:
    for fault, applied in ((Fault.BUSY, False), (Fault.LOST, True)):
        table = MemoryTable()
        with pytest.raises(StorageError):
            write(FaultyTable(table, at({1: fault})))
        assert (table.peek(KEY) is not None) == applied


def test_a_crash_comes_after_the_call_and_is_caught_by_nobody() -> None:
    table = MemoryTable()
    with pytest.raises(Crashed):
        write(FaultyTable(table, at({1: Fault.CRASH})))
    assert table.peek(KEY)
    assert not issubclass(Crashed, Exception)


def test_a_put_that_is_repeated_finds_its_own() -> None:
    table = FaultyTable(MemoryTable(), at({1: Fault.TWICE, 3: Fault.TWICE}))
    with pytest.raises(ConditionFailed):
        table.put(sized(100), Absent())
    table.delete(KEY)
    write(table)  # A transaction's repeat is answered as the first.
    assert table.hits


def test_an_answer_that_refuses_is_lost_as_well() -> None:
    table = MemoryTable()
    table.poke(sized(100))
    with pytest.raises(StorageError):
        write(FaultyTable(table, at({1: Fault.LOST})))


def test_plans() -> None:
    table = FaultyTable(MemoryTable(), first(Fault.BUSY, "get", 2))
    table.page("P")
    for _ in range(2):
        with pytest.raises(StorageError):
            table.get(KEY)
    assert table.get(KEY) is None
    chances = {Fault.BUSY: 0.2, Fault.LOST: 0.2}
    hits = [run_seeded(seed, chances) for seed in (1, 1, 2)]
    assert hits[0] == hits[1] != hits[2]
    assert 20 < len(hits[0]) < 60


def run_seeded(seed: int, chances: dict[Fault, float]) -> list[object]:
    table = FaultyTable(MemoryTable(), seeded(seed, chances))
    for number in range(100):
        table.get(KEY)  # No write: never hit.
        try:
            table.put(sized(100, str(number)))
        except StorageError:
            continue
    return list(table.hits)


def test_entries_show_late_and_their_slot_at_once() -> None:
    table = LateEntriesTable(MemoryTable(), looks=2)
    slot: Item = {"PK": "S#o#00", "SK": "1"}
    entry: Item = {"PK": "D#o#2026-11-21#00", "SK": "c#1200#1"}
    table.transact([Put(slot), Put(entry)])
    key = Key(str(entry["PK"]), str(entry["SK"]))
    assert table.page("S#o#00").items == [slot]
    assert table.page(key.pk).items == []
    assert table.get_many([key]) == {}
    assert table.get_many([key]) == {key: entry}
    assert table.page(key.pk).items == [entry]


def test_a_refused_transaction_hides_nothing() -> None:
    table = LateEntriesTable(MemoryTable(), looks=5)
    entry: Item = {"PK": "D#o#2026-11-21#00", "SK": "c#1200#1"}
    with pytest.raises(TransactionRefused):
        table.transact([Put(entry), Delete(KEY, Equals("w", b"1"))])
    table.put(entry)
    assert table.page(str(entry["PK"])).items == [entry]
