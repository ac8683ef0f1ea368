"""The trail as it is read."""

from datetime import timedelta
from typing import Any

import pytest

from chatledger.audit import chain
from chatledger.audit.listing import MOST_PAGES, Filter, list_records
from chatledger.audit.record import SYSTEM
from chatledger.ledger import keys
from chatledger.timestamps import Range
from tests.fakes.memory_table import MemoryTable
from tests.unit.audit.trails import NOON, ORGANIZATION, add, event, stored


@pytest.fixture
def table() -> MemoryTable:
    """Records 1 to 5 of holds by a key, 6 and 7 of one export by the system."""
    table = MemoryTable()
    add(table, 5)
    for number, action in ((6, "export.admitted"), (7, "export.ended")):
        subject = {"export_id": "E1 E2", "status": "succeeded"}
        said = event(number, action=action, actor=SYSTEM, subject=subject)
        chain.append(table, ORGANIZATION, [said])
    return table


def numbers(table: MemoryTable, limit: int = 3, **wanted: Any) -> list[int]:
    """The sequence numbers on all pages."""
    found: list[int] = []
    after: str | None = None
    while True:
        answer, after = list_records(table, ORGANIZATION, Filter(**wanted), after, limit)
        assert len(answer["records"]) <= limit
        found += [each["seq"] for each in answer["records"]]
        if not after:
            return found


@pytest.mark.parametrize("limit", [1, 2, 7, 100])
def test_newest_first_page_by_page(table: MemoryTable, limit: int):
    assert numbers(table, limit) == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        ({"action": "export.ended"}, [7]),
        ({"action": "export"}, [7, 6]),
        ({"action": "hold"}, [5, 4, 3, 2, 1]),
        ({"action": "import"}, []),
        ({"subject": "E2"}, [7, 6]),
        ({"subject": "hold_3"}, [3]),
        ({"subject": "E"}, []),
        ({"key_id": "key_1"}, [5, 4, 3, 2, 1]),
        ({"within": Range(NOON + timedelta(hours=2), NOON + timedelta(hours=4))}, [3, 2]),
        ({"within": Range(end=NOON + timedelta(hours=3)), "action": "hold"}, [2, 1]),
        ({"within": Range(start=NOON + timedelta(hours=7))}, [7]),
    ],
)
def test_filters(table: MemoryTable, wanted: dict[str, Any], expected: list[int]):
    assert numbers(table, **wanted) == expected
    assert numbers(table, limit=1, **wanted) == expected


def test_a_record_says_all_that_its_hash_was_made_of(table: MemoryTable):
    answer, _ = list_records(table, ORGANIZATION, Filter(), None, 1)
    (told,) = answer["records"]
    newest = stored(table)[-1]
    assert told.pop("hash") == newest.hash
    assert told == {
        "organization": ORGANIZATION,
        "seq": 7,
        "id": newest.record.id,
        "at": "2026-11-21T19:00:00Z",
        "actor": {"key_id": None, "role": "system"},
        "action": "export.ended",
        "subject": {"export_id": "E1 E2", "status": "succeeded"},
        "counts": {"n": 7},
        "prev": stored(table)[-2].hash,
    }


@pytest.mark.parametrize(
    "harm",
    [
        {"record": b"{}", "hash": "0"},
        {"record": 7, "hash": "0"},
        {},
        {"record": b"\xff", "hash": "0"},
    ],
    ids=repr,
)
def test_tampering_does_not_hide_the_others(table: MemoryTable, harm: dict[str, Any]):
    table.poke({"PK": keys.audit(ORGANIZATION), "SK": "000000000004", **harm})
    assert numbers(table) == [7, 6, 5, 3, 2, 1]


def test_a_search_that_finds_nothing_ends_and_goes_on():
    """One request goes through so many records at most."""
    table = MemoryTable()
    add(table, 1)
    add(table, 1_000 * MOST_PAGES, first=2)
    wanted = Filter(subject="hold_1")
    answer, after = list_records(table, ORGANIZATION, wanted, None, 10)
    assert (answer["records"], after) == ([], "000000000002")
    answer, after = list_records(table, ORGANIZATION, wanted, after, 10)
    assert [each["seq"] for each in answer["records"]] == [1]
    assert after is None
