"""Whatever happens to any one request of an append: a repeat completes it, and nothing doubles."""

from collections.abc import Callable
from datetime import timedelta

import pytest

from chatledger.errors import StorageError
from chatledger.ledger import keys
from chatledger.ledger.append import Appended, Batch, append
from chatledger.ledger.ledger import Ledger
from tests.fakes.audit import audit
from tests.fakes.chats import CONVERSATION, NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.faults import (
    Call,
    Crashed,
    Fault,
    FaultyTable,
    LateEntriesTable,
    Plan,
    at,
    first,
)
from tests.fakes.memory_table import MemoryTable

Prepare = Callable[[Ledger], object]
MORNING = NOON - timedelta(hours=3)


def nothing(_: Ledger) -> None:
    pass


def a_conversation(ledger: Ledger) -> None:
    append(ledger, ORGANIZATION, batch([message(0), message(1)], title="before"))


NEW = batch([message(0, user_id="ann"), message(1)], users=("ann", "bob"), title="new")
TURN = batch([message(2), message(3)])
# Two days more, a user more, another title, a message held already, and two quarter hours.
CHANGING = batch(
    [
        message(1),
        message(2, NOON - timedelta(days=1), user_id="eve"),
        message(3, NOON + timedelta(days=1)),
        message(4, NOON + timedelta(days=1, minutes=15)),
    ],
    users=("ann", "eve"),
    title="after",
)
SITUATIONS = [
    pytest.param(nothing, NEW, 2, id="a new conversation"),
    pytest.param(a_conversation, TURN, 2, id="a plain turn"),
    pytest.param(a_conversation, CHANGING, 3, id="a changing conversation"),
]
situations = pytest.mark.parametrize(("prepare", "wanted", "fresh"), SITUATIONS)


def prepared(prepare: Prepare) -> MemoryTable:
    table = MemoryTable()
    prepare(ledger_on(table))
    return table


def calls_of(prepare: Prepare, wanted: Batch) -> list[str]:
    """The requests of the append where nothing goes wrong."""
    counted = FaultyTable(prepared(prepare), lambda _: None)
    seen: list[str] = []
    counted.plan = lambda call: seen.append(call.operation)
    append(ledger_on(counted), ORGANIZATION, wanted)
    return seen


def check_complete(table: MemoryTable, prepare: Prepare, wanted: Batch) -> None:
    """The table is as if nothing had gone wrong, tokens and times of writing aside."""
    smooth = prepared(prepare)
    append(ledger_on(smooth), ORGANIZATION, wanted)
    expected, found = audit(ledger_on(smooth)), audit(ledger_on(table))
    assert found.messages == expected.messages
    head, expected_head = found.heads[CONVERSATION], expected.heads[CONVERSATION]
    assert (head.about, head.users) == (expected_head.about, expected_head.users)
    assert (head.first_day, head.last_day) == (expected_head.first_day, expected_head.last_day)
    for kind in "DSTUC":
        assert table.keys_of_kind(kind) == smooth.keys_of_kind(kind)


@situations
def test_a_crash_after_any_request(prepare: Prepare, wanted: Batch, fresh: int) -> None:
    operations = calls_of(prepare, wanted)
    for number in range(1, len(operations) + 1):
        table = prepared(prepare)
        with pytest.raises(Crashed):
            append(ledger_on(FaultyTable(table, at({number: Fault.CRASH}))), ORGANIZATION, wanted)
        audit(ledger_on(table))  # No moment shows a ledger that does not add up.
        committed = fresh if operations[number - 1] == "transact" else 0
        again = append(ledger_on(table), ORGANIZATION, wanted)
        assert again == Appended(fresh - committed, len(wanted.messages) - fresh + committed)
        check_complete(table, prepare, wanted)


@situations
@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE])
def test_a_fault_at_any_request(prepare: Prepare, wanted: Batch, fresh: int, fault: Fault) -> None:
    """The caller repeats what was answered 503, in the same warm function."""
    for number in range(1, len(calls_of(prepare, wanted)) + 1):
        table = prepared(prepare)
        ledger = ledger_on(FaultyTable(table, at({number: fault})))
        try:
            answered = append(ledger, ORGANIZATION, wanted)
        except StorageError:
            answered = append(ledger, ORGANIZATION, wanted)
        assert answered == Appended(fresh, len(wanted.messages) - fresh)
        check_complete(table, prepare, wanted)


@situations
def test_every_pair_of_lost_answers(prepare: Prepare, wanted: Batch, fresh: int) -> None:
    total = len(calls_of(prepare, wanted))
    for one in range(1, total + 1):
        for two in range(one + 1, total + 3):
            table = prepared(prepare)
            plan = at({one: Fault.LOST, two: Fault.LOST})
            ledger = ledger_on(FaultyTable(table, plan))
            inserted = 0
            for _ in range(3):
                try:
                    inserted += append(ledger, ORGANIZATION, wanted).inserted
                except StorageError:
                    continue
                break
            assert inserted in {0, fresh}
            check_complete(table, prepare, wanted)


# --- the commit --------------------------------------------------------------------------------


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST])
@pytest.mark.parametrize("times", [1, 3, 7])
def test_the_same_slot_again_after_a_conflict_or_a_lost_answer(fault: Fault, times: int) -> None:
    table = MemoryTable()
    ledger = ledger_on(FaultyTable(table, first(fault, "transact", times)))
    assert append(ledger, ORGANIZATION, NEW) == Appended(2, 0)
    attempts = [request for request in table.journal if request.operation == "transact"]
    assert len({request.keys for request in attempts}) == 1
    check_complete(table, nothing, NEW)


def test_a_commit_that_is_never_answered_is_a_storage_error() -> None:
    ledger = ledger_on(FaultyTable(MemoryTable(), first(Fault.BUSY, "transact", 1_000)))
    with pytest.raises(StorageError):
        append(ledger, ORGANIZATION, NEW)


def test_a_commit_that_is_answered_too_late_is_not_repeated_for_ever() -> None:
    """Each attempt waits for its time-out; the caller's gateway does not wait as long."""
    table = MemoryTable()
    clock = [NOON]

    def times_out(call: Call) -> Fault | None:
        if call.operation != "transact":
            return None
        clock[0] += timedelta(seconds=9)
        return Fault.BUSY

    ledger = ledger_on(FaultyTable(table, times_out), now=lambda: clock[0])
    with pytest.raises(StorageError):
        append(ledger, ORGANIZATION, NEW)
    assert clock[0] - NOON <= timedelta(seconds=27)


def test_a_lost_commit_whose_slot_cannot_be_looked_at_is_a_storage_error_and_not_lost() -> None:
    table = MemoryTable()
    lost, busy = first(Fault.LOST, "transact"), first(Fault.BUSY, "get")
    committed = [False]

    def plan(call: Call) -> Fault | None:
        committed[0] = committed[0] or call.operation == "transact"
        return lost(call) or (busy(call) if committed[0] else None)

    ledger = ledger_on(FaultyTable(table, plan))
    with pytest.raises(StorageError):
        append(ledger, ORGANIZATION, NEW)
    assert append(ledger, ORGANIZATION, NEW) == Appended(0, 2)
    check_complete(table, nothing, NEW)


def test_a_slot_taken_by_another_is_left_to_it() -> None:
    """Between this append's look-up and its commit, another commits a part of the same."""
    table = MemoryTable()
    a_conversation(ledger_on(table))
    raced = [False]

    def plan(call: Call) -> Fault | None:
        if call.operation == "transact" and not raced[0]:
            raced[0] = True
            append(ledger_on(table), ORGANIZATION, batch([message(3)]))
        return None

    ledger = ledger_on(FaultyTable(table, plan))
    assert append(ledger, ORGANIZATION, TURN) == Appended(1, 1)
    account = audit(ledger_on(table))
    assert account.messages == [message(0), message(1), message(3), message(2)]


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, None])
def test_a_slot_taken_by_another_in_between_the_attempts(fault: Fault | None) -> None:
    """The first attempt was not applied, or was; either way the other one's slot stays its own."""
    table = MemoryTable()
    a_conversation(ledger_on(table))
    count = [0]

    def plan(call: Call) -> Fault | None:
        if call.operation != "transact":
            return None
        count[0] += 1
        if count[0] == 2:
            append(ledger_on(table), ORGANIZATION, batch([message(5)]))
        return fault if count[0] == 1 else None

    ledger = ledger_on(FaultyTable(table, plan))
    assert append(ledger, ORGANIZATION, TURN) == Appended(2, 0)
    audit(ledger_on(table))


# --- a slot that shows before its entries ------------------------------------------------------


@pytest.mark.parametrize("looks", [1, 2, 4, 7])
def test_the_entries_of_the_newest_slot_are_waited_for(looks: int) -> None:
    table = MemoryTable()
    waited: list[float] = []
    ledger = ledger_on(LateEntriesTable(table, looks=looks), sleep=waited.append)
    append(ledger, ORGANIZATION, NEW)
    assert append(ledger, ORGANIZATION, NEW) == Appended(0, 2)
    assert len(waited) == looks - 1
    audit(ledger_on(table))


def test_entries_that_never_show_are_a_storage_error_and_no_duplicate() -> None:
    table = MemoryTable()
    ledger = ledger_on(LateEntriesTable(table, looks=1_000))
    append(ledger, ORGANIZATION, NEW)
    with pytest.raises(StorageError):
        append(ledger, ORGANIZATION, NEW)
    assert len(audit(ledger_on(table)).messages) == 2


def test_the_entries_of_an_older_slot_are_waited_for_too() -> None:
    """Another conversation of the same shard has committed since."""
    table = MemoryTable()
    late = ledger_on(LateEntriesTable(table, looks=2), shards=1)
    append(late, ORGANIZATION, NEW)
    append(ledger_on(table, shards=1), ORGANIZATION, batch([message(9, conversation_id="c2")]))
    assert append(late, ORGANIZATION, NEW) == Appended(0, 2)


def test_entries_of_other_conversations_and_times_are_not_waited_for() -> None:
    table = MemoryTable()
    late = ledger_on(LateEntriesTable(table, looks=1_000), shards=1)
    append(late, ORGANIZATION, NEW)
    other = batch([message(9, conversation_id="c2")])
    assert append(late, ORGANIZATION, other) == Appended(1, 0)
    assert append(late, ORGANIZATION, batch([message(7, MORNING)])) == Appended(1, 0)


def test_a_commit_that_took_long_is_still_waited_for() -> None:
    """A slot is settled some time after its commit, not after the first attempt at it."""
    table = MemoryTable()
    clock = [NOON]

    def slow(call: Call) -> Fault | None:
        if call.operation == "transact" and clock[0] == NOON:
            clock[0] += timedelta(seconds=12)
            return Fault.BUSY
        return None

    append(ledger_on(FaultyTable(table, slow), shards=1, now=lambda: clock[0]), ORGANIZATION, NEW)
    other = batch([message(9, conversation_id="c2")])
    append(ledger_on(table, shards=1, now=lambda: clock[0]), ORGANIZATION, other)
    hidden = LateEntriesTable(table, looks=1)
    for key in table.keys_of_kind("D"):
        hidden._hidden[key] = 1
    again = append(ledger_on(hidden, shards=1, now=lambda: clock[0]), ORGANIZATION, NEW)
    assert again == Appended(0, 2)


def test_a_shard_whose_slots_are_always_taken_is_a_storage_error() -> None:
    """Patience ends; here a day of it passes with each sleep."""
    table = MemoryTable()
    clock = [NOON]
    number = [100]

    def others_first(call: Call) -> Fault | None:
        if call.operation == "transact":
            number[0] += 1
            append(ledger_on(table, shards=1), ORGANIZATION, batch([message(number[0])]))
        return None

    def sleep(_: float) -> None:
        clock[0] += timedelta(seconds=3)

    plan: Plan = others_first
    ledger = ledger_on(FaultyTable(table, plan), shards=1, now=lambda: clock[0], sleep=sleep)
    with pytest.raises(StorageError, match="writers"):
        append(ledger, ORGANIZATION, NEW)
    shard = audit(ledger_on(table, shards=1)).slots[0]
    assert {slot.conversation_id for slot in shard} == {CONVERSATION}
    assert keys.slot(ORGANIZATION, 0, len(shard)) in table.keys_of_kind("S")


def test_all_slots_that_are_not_settled_are_waited_for_however_many() -> None:
    """A busy shard: the one that holds the same message is far behind the newest."""
    table = MemoryTable()
    ledger = ledger_on(table, shards=1)
    append(ledger, ORGANIZATION, NEW)
    for number in range(120):
        other = message(number, conversation_id=f"other {number}")
        append(ledger, ORGANIZATION, batch([other]))
    hidden = LateEntriesTable(table)
    for key in table.keys_of_kind("D"):
        hidden._hidden[key] = 1
    assert append(ledger_on(hidden, shards=1), ORGANIZATION, NEW) == Appended(0, 2)


def test_a_shard_that_rested_for_long_goes_on_after_its_last_slot() -> None:
    clock = [NOON]
    ledger = ledger_on(MemoryTable(), now=lambda: clock[0])
    for number, pause in enumerate([timedelta(seconds=6), timedelta(days=400), timedelta(0)]):
        assert append(ledger, ORGANIZATION, batch([message(number)])) == Appended(1, 0)
        clock[0] += pause
    audit(ledger)
