"""Bodies too large for one transaction, and quarter hours too large for one item."""

from collections import Counter
from datetime import timedelta

import pytest

from chatledger.ledger.append import Appended, append
from chatledger.ledger.commit import MAX_BYTES, MAX_ENTRIES
from chatledger.ledger.entries import MAX_PAYLOAD_BYTES
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from tests.fakes.audit import Account, audit
from tests.fakes.chats import NOON, ORGANIZATION, batch, ledger_on, message, noise
from tests.fakes.faults import Crashed, Fault, FaultyTable
from tests.fakes.memory_table import MemoryTable

QUARTER = timedelta(minutes=15)


@pytest.fixture
def ledger() -> Ledger:
    return ledger_on(MemoryTable())


def add(ledger: Ledger, messages: list[Message]) -> Appended:
    return append(ledger, ORGANIZATION, batch(messages))


def in_time_order(account: Account) -> list[int]:
    """How many messages each append brought; checks that they came in time order."""
    times = [each.timestamp for each in account.messages]
    assert times == sorted(times)
    counts = Counter[int]()
    for entry in account.entries:
        counts[entry.place.slot] += entry.messages_count
    return [counts[slot] for slot in sorted(counts)]


def test_a_body_over_many_days_becomes_several_appends_in_time_order(ledger: Ledger) -> None:
    body = [message(number, NOON + timedelta(days=number)) for number in range(250)]
    assert add(ledger, body[::-1]) == Appended(250, 0)
    assert in_time_order(audit(ledger)) == [99, 99, 52]
    assert add(ledger, body) == Appended(0, 250)


def test_a_body_of_exactly_as_many_entries_as_fit_is_one_append(ledger: Ledger) -> None:
    body = [message(number, NOON + number * QUARTER) for number in range(MAX_ENTRIES)]
    add(ledger, body)
    assert in_time_order(audit(ledger)) == [MAX_ENTRIES]


def test_more_bytes_than_a_transaction_takes_become_several_appends(ledger: Ledger) -> None:
    body = [
        message(number, NOON + number * QUARTER, content=noise(280_000, number))
        for number in range(20)
    ]
    assert add(ledger, body) == Appended(20, 0)
    account = audit(ledger)
    assert in_time_order(account) == [16, 4]
    assert sum(len(entry.payload) for entry in account.entries) > MAX_BYTES
    assert add(ledger, body) == Appended(0, 20)


def test_a_large_quarter_hour_goes_on_in_further_pieces(ledger: Ledger) -> None:
    body = [
        message(number, NOON + timedelta(seconds=number), content=noise(200_000, number))
        for number in range(5)
    ]
    assert add(ledger, body) == Appended(5, 0)
    account = audit(ledger)
    assert account.messages == body
    assert [entry.place.piece for entry in account.entries] == list(
        range(1, len(account.entries) + 1)
    )
    assert all(len(entry.payload) <= MAX_PAYLOAD_BYTES for entry in account.entries)
    assert {entry.place.slot for entry in account.entries} == {1}
    assert add(ledger, body) == Appended(0, 5)
    assert add(ledger, [*body[:2], message(9, NOON)]) == Appended(1, 2)


def test_the_largest_message_there_may_be_fits_into_an_item(ledger: Ledger) -> None:
    incompressible = "".join(map(chr, range(0x4E00, 0x9000)))[: 300 * 1024 // 3]
    body = [message(0, content=noise(300 * 1024)), message(1, content=incompressible)]
    assert add(ledger, body) == Appended(2, 0)
    assert audit(ledger).messages == body


def test_a_large_quarter_hour_at_the_end_of_a_full_append(ledger: Ledger) -> None:
    """Cut in the middle of a quarter hour, what is left of it must still fit, however it splits."""
    small = [message(number, NOON + number * QUARTER) for number in range(96)]
    late = NOON + 96 * QUARTER
    large = [
        message(200 + number, late + timedelta(seconds=number), content=noise(30_000, number))
        for number in range(43)
    ]
    assert add(ledger, [*small, *large]) == Appended(139, 0)
    account = audit(ledger)
    assert sum(in_time_order(account)) == 139


def test_a_gap_in_a_full_append_is_filled(ledger: Ledger) -> None:
    body = [message(number, NOON + number * QUARTER) for number in range(150)]
    add(ledger, body[40:60])
    assert add(ledger, body) == Appended(130, 20)
    assert sorted(each.timestamp for each in audit(ledger).messages) == [
        each.timestamp for each in body
    ]


@pytest.mark.parametrize("size", [10_000, 25_000, 60_000])
def test_however_a_large_quarter_hour_is_held_already_the_rest_fits(size: int) -> None:
    ledger = ledger_on(MemoryTable())
    small = [message(number, NOON + number * QUARTER) for number in range(97)]
    large = [
        message(200 + number, NOON + 97 * QUARTER, content=noise(size, number))
        for number in range(2_400_000 // size)
    ]
    add(ledger, large[1::7])
    added = add(ledger, [*small, *large])
    assert added == Appended(97 + len(large) - len(large[1::7]), len(large[1::7]))
    audit(ledger)


@pytest.mark.parametrize("commits", [1, 2])
def test_a_body_that_stopped_between_its_appends_is_finished_by_a_repeat(commits: int) -> None:
    table = MemoryTable()
    body = [message(number, NOON + number * QUARTER) for number in range(250)]
    hits = iter([None] * (commits - 1) + [Fault.CRASH])
    dying = FaultyTable(
        table, lambda call: next(hits, None) if call.operation == "transact" else None
    )
    with pytest.raises(Crashed):
        add(ledger_on(dying), body)
    assert len(audit(ledger_on(table)).messages) == 99 * commits
    assert add(ledger_on(table), body) == Appended(250 - 99 * commits, 99 * commits)
    assert audit(ledger_on(table)).messages == body
