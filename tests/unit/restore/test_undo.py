"""Undo: what one export cleared is back as it was, and nothing of its clear can match any more."""

from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from chatledger.aws.table import ConditionFailed
from chatledger.clear.holds import place_hold
from chatledger.errors import Conflict, Gone, NotFound, StorageError
from chatledger.export.job import Failure
from chatledger.export.kept import ArchiveDiffers
from chatledger.jobs import lease, running
from chatledger.jobs.ended import Ended
from chatledger.ledger.entries import Entry, refreshed, tombstone
from chatledger.models.holds import HoldRequest
from chatledger.restore import jobs as restores
from chatledger.restore.finish import PartsMissing, fail
from chatledger.restore.job import Counts
from chatledger.restore.undo import go_on, undo_id
from chatledger.restore.undo_part import undo_part
from tests.fakes.audit import audit
from tests.fakes.chats import ORGANIZATION, ledger_on
from tests.fakes.clears import CONVERSATIONS, says
from tests.fakes.faults import Call, Crashed, Fault, FaultyTable, at
from tests.fakes.restores import Restored

UNDO = undo_id("E1")


@pytest.fixture
def world() -> Restored:
    world = Restored()
    world.fill()
    return world


def snapshot(world: Restored) -> dict[Any, Any]:
    """All entries, tokens aside."""
    return {
        entry.key: {name: value for name, value in entry.item.items() if name != "w"}
        for entry in world.entries()
    }


def test_everything_is_back_as_it_was(world: Restored):
    before, slots = snapshot(world), world.table.keys_of_kind("S")
    world.clear_all()
    assert not world.live()
    assert world.undo() == Counts(restored=20)
    assert snapshot(world) == before
    assert world.table.keys_of_kind("S") == slots
    assert world.restore_job(UNDO).status == "succeeded"
    audit(world.ledger)


def test_the_export_says_so(world: Restored):
    world.clear_all()
    world.ask()
    assert world.job().clear.status == "undoing"
    world.undo_parts()
    world.finish(UNDO)
    assert world.job().clear.status == "undone"
    assert world.job().status == "succeeded"


def test_its_execution_is_given_ids_only(world: Restored):
    world.clear_all()
    world.ask()
    assert world.machine.started == {
        UNDO: {
            "organization": ORGANIZATION,
            "restore_id": UNDO,
            "undo": True,
            "export_id": "E1",
            "bucket": "archive",
            "key": world.job().manifest.parts_key,
        }
    }


def test_no_entry_keeps_a_token_that_the_clear_knows(world: Restored):
    """I8: a zombie of the clear writes after the undo, at each token it ever read."""
    world.archived()
    read = world.entries()
    world.clear()
    world.reconcile()
    world.undo()
    for entry in read:
        with pytest.raises(ConditionFailed):
            world.table.update(tombstone(entry, "E1", world.clock.now()))
    assert sum(world.live().values()) == 20


def test_what_a_hold_kept_gets_a_fresh_token_too(world: Restored):
    hold = HoldRequest(conversation_id="plain")
    place_hold(world.ledger, ORGANIZATION, "H1", hold)
    world.clock.go_on(minutes=2)
    world.archived()
    read = world.entries()
    world.clear()
    assert world.reconcile().retained_held == 4
    assert world.undo() == Counts(restored=20)
    for entry in read:
        with pytest.raises(ConditionFailed):
            world.table.update(tombstone(entry, "E1", world.clock.now()))


def test_asked_for_twice_it_is_one_undo(world: Restored):
    world.clear_all()
    assert world.ask().restore_id == world.ask().restore_id == UNDO
    assert list(world.machine.started) == [UNDO]
    world.undo()
    before = snapshot(world)
    assert world.ask().status == "succeeded"
    assert list(world.machine.started) == [UNDO]
    assert snapshot(world) == before


def test_a_part_done_twice_counts_the_same(world: Restored):
    world.clear_all()
    world.ask()
    world.undo_parts()
    before = snapshot(world)
    world.undo_parts()
    world.finish(UNDO)
    assert world.restore_job(UNDO).counts == Counts(restored=20)
    assert snapshot(world) == before


def test_later_appends_and_revisions_stay_the_newest(world: Restored):
    world.clear_all()
    revised = says("plain", 1, content="revised")
    world.add(says("plain", 99), revised)
    world.undo()
    live = world.live()
    assert live["text 99 of plain"] == live["revised"] == live["text 1 of plain"] == 1
    slots = {
        message.content: entry.place.slot
        for entry in world.entries()
        for message in entry.messages()
        if message.conversation_id == "plain"
    }
    assert slots["revised"] > slots["text 1 of plain"]
    audit(world.ledger)


def test_tombstones_of_another_clear_are_left_alone(world: Restored):
    """E1 is undone, E2 clears the same again: undoing E1 once more brings nothing back."""
    world.clear_all("E1")
    world.undo("E1")
    world.clear_all("E2")
    job = world.restore_job(UNDO)
    again = msgspec.structs.replace(job, status="running", finished_at=None)
    restores.save(world.table, again)
    lease.take(world.table, ORGANIZATION, UNDO, lambda _: True)
    world.undo_parts("E1")
    world.finish(UNDO)
    assert not world.live()
    assert world.restore_job(UNDO).counts == Counts(left_alone=20)
    assert world.undo("E2") == Counts(restored=20)


def test_what_was_written_anew_since_is_left_as_it_is(world: Restored):
    world.archived()
    entry = world.entries()[0]
    world.table.update(refreshed(entry))
    written = world.table.peek(entry.key)
    world.clear()
    assert world.reconcile().retained_changed == 1
    assert world.undo() == Counts(restored=20)
    assert world.table.peek(entry.key) == written


# --- what is gone altogether -------------------------------------------------------------------


def forget(world: Restored, conversation_id: str = "plain", *, kinds: str = "D") -> None:
    """As if the tombstones had expired, and the head and all that leads to it with them."""
    world.clock.go_on(days=1)
    for kind in kinds:
        for key in world.table.keys_of_kind(kind):
            if key.sk.split("#")[0] == conversation_id or kind == "T":
                world.table.delete(key)


@pytest.mark.parametrize("kinds", ["D", "DC", "DCTU"])
def test_an_entry_that_is_gone_is_put_back_under_its_key(kinds: str):
    world = Restored()
    world.fill(4, ("plain",))
    before = snapshot(world)
    heads = {key: world.table.peek(key) for key in world.table.keys_of_kind("C")}
    world.clear_all()
    forget(world, kinds=kinds)
    assert world.undo() == Counts(restored=4)
    assert snapshot(world) == before
    for key, head in heads.items():
        again = world.table.peek(key)
        assert {**again, "w": b""} == {**head, "w": b""}
    audit(world.ledger)


def test_what_came_again_meanwhile_is_not_doubled(world: Restored):
    world.clear_all()
    forget(world)
    world.add(says("plain", 99))
    world.add(says("plain", 0), says("plain", 1), says("plain", 2, content="revised"))
    assert world.undo() == Counts(restored=18, left_alone=2)
    assert set(world.live().values()) == {1}
    assert sum(world.live().values()) == 22
    assert world.live()["revised"] == world.live()["text 2 of plain"] == 1


# --- who may ask, and when ---------------------------------------------------------------------


def test_only_a_clear_that_has_ended_is_undone(world: Restored):
    with pytest.raises(NotFound):
        world.ask("none")
    world.archived()
    with pytest.raises(Conflict, match="not ended"):
        world.ask()
    world.clear()
    with pytest.raises(Conflict, match="not ended"):
        world.ask()
    world.reconcile()
    world.ask()


@pytest.mark.parametrize("change", [{"clear": None}, {"began_at": None}], ids=repr)
def test_where_nothing_was_cleared_nothing_is_undone(world: Restored, change: dict[str, Any]):
    world.clear_all()
    job = world.job()
    clear = msgspec.structs.replace(job.clear, began_at=None) if "began_at" in change else None
    world.save(msgspec.structs.replace(job, clear=clear))
    with pytest.raises(Conflict, match="Nothing to undo"):
        world.ask()
    assert not world.table.keys_of_kind("R")


def test_after_400_days_it_is_gone(world: Restored):
    world.clear_all()
    world.clock.go_on(days=400)
    with pytest.raises(Gone):
        world.ask()


def test_one_undo_or_clear_at_a_time(world: Restored):
    world.clear_all("E1")
    world.fill(1, ("another",))
    world.archived("E2")
    with pytest.raises(Conflict, match="E2 is clearing"):
        world.ask("E1")
    assert not world.machine.started
    assert world.job("E1").clear.status == "cleared"
    world.clear("E2")
    world.reconcile("E2")
    assert world.undo("E1") == Counts(restored=20)
    assert list(world.machine.started) == [f"{UNDO}-2"]


def test_while_it_runs_no_clear_begins(world: Restored):
    world.clear_all("E1")
    world.ask("E1")
    with pytest.raises(Conflict, match="E1-undo"):
        world.archived("E2")
    world.undo_parts("E1")
    world.finish(UNDO)
    world.archived("E2")


def test_without_the_lease_nothing_is_undone(world: Restored):
    world.clear_all()
    world.ask()
    lease.take(world.table, ORGANIZATION, "E2", lambda _: True)
    with pytest.raises(Conflict):
        world.undo_parts()
    assert not world.live()


def test_one_that_failed_may_be_asked_for_again(world: Restored):
    world.clear_all()
    world.ask()
    undo_part(world.ledger, world.archive, ORGANIZATION, UNDO, 1, world.later)
    fail(world.ledger, world.restore_job(UNDO), Failure("internal_error", "It stopped."))
    assert world.job().clear.status == "incomplete"
    with pytest.raises(Ended):
        world.undo_parts()
    assert world.undo() == Counts(restored=20)
    assert list(world.machine.started) == [UNDO, f"{UNDO}-2"]
    assert world.job().clear.status == "undone"


def test_it_does_not_end_before_its_parts(world: Restored):
    world.clear_all()
    world.ask()
    undo_part(world.ledger, world.archive, ORGANIZATION, UNDO, 1, world.later)
    with pytest.raises(PartsMissing):
        world.finish(UNDO)
    assert not world.restore_job(UNDO).ended


def test_a_part_stops_in_time_and_goes_on(world: Restored, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("chatledger.restore.undo_part.BATCH_ENTRIES", 3)
    world.clear_all(parts=1)
    world.ask()
    calls, looks = 0, 0

    def now() -> datetime:
        """A second goes by with each look at the clock."""
        nonlocal looks
        looks += 1
        return world.clock.time + timedelta(seconds=looks)

    ledger = ledger_on(world.table, now=now)
    done = False
    while not done:
        calls += 1
        until = now() + timedelta(seconds=6 * calls)
        done = undo_part(ledger, world.archive, ORGANIZATION, UNDO, 1, until)
        assert calls < 10
    assert calls > 1
    world.finish(UNDO)
    assert world.restore_job(UNDO).counts == Counts(restored=20)
    assert audit(world.ledger).cleared == []


# --- an archive that is not what it was --------------------------------------------------------


@pytest.mark.parametrize("damage", ["swapped", "gone", "list"])
def test_another_archive_brings_nothing_back(world: Restored, damage: str):
    world.clear_all(parts=1)
    kept = world.archive.versions
    place = next(each for each in kept if "/parts/" in each[0])
    if damage == "swapped":
        data = kept[place]
        kept[place] = data[: len(data) // 2] + b"\0" + data[len(data) // 2 + 1 :]
    elif damage == "gone":
        del kept[place]
    else:
        place = next(each for each in kept if each[0].endswith("manifest.jsonl"))
        kept[place] = kept[place].replace(b'"n":1', b'"n":2', 1)
    world.ask()
    with pytest.raises(ArchiveDiffers):
        world.undo_parts()
    assert sum(world.live().values()) < 20
    assert not world.restore_job(UNDO).ended


# --- whatever happens to any one request -------------------------------------------------------


def run_of(world: Restored, table: FaultyTable) -> None:
    world.undo(table=table)  # type: ignore[arg-type]


def cleared_world() -> Restored:
    world = Restored()
    world.fill(2)
    world.clear_all()
    return world


def total_calls() -> int:
    world = cleared_world()
    counted = FaultyTable(world.table, lambda _: None)
    run_of(world, counted)
    return counted.calls


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_at_any_request(fault: Fault):
    """A repeat from the beginning completes it, as the sweeper and the state machine do."""
    for number in range(1, total_calls() + 1):
        world = cleared_world()
        table = FaultyTable(world.table, at({number: fault}))
        try:
            run_of(world, table)
        except (Crashed, StorageError):
            world.undo()
        assert world.restore_job(UNDO).counts == Counts(restored=10), number
        assert world.job().clear.status == "undone"
        assert sum(world.live().values()) == 10
        assert list(world.machine.started) == [UNDO]
        indexed = [job.job_id for job in running.all_running(world.table)]
        assert UNDO in indexed
        audit(world.ledger)


def test_a_crash_between_any_two_requests_of_the_asking_leaves_what_a_repeat_completes():
    world = cleared_world()
    counted = FaultyTable(world.table, lambda _: None)
    world.ask(table=counted)
    for number in range(1, counted.calls + 1):
        world = cleared_world()
        with pytest.raises(Crashed):
            world.ask(table=FaultyTable(world.table, at({number: Fault.CRASH})))
        assert world.undo() == Counts(restored=10)
        assert list(world.machine.started) == [UNDO]


def test_a_bucket_that_fails_at_any_call(world: Restored):
    world.clear_all()
    world.ask()
    calls: list[str] = []
    world.archive.before = calls.append
    world.undo_parts()
    for number in range(1, len(calls) + 1):
        world = cleared_world()
        world.ask()
        world.archive.before = failing_at(number)
        with pytest.raises(StorageError):
            world.undo_parts()
        world.archive.before = lambda _: None
        assert world.undo() == Counts(restored=10)
        audit(world.ledger)


def failing_at(number: int) -> Callable[[str], None]:
    count = 0

    def before(_: str) -> None:
        nonlocal count
        count += 1
        if count == number:
            raise StorageError

    return before


def test_two_at_once_do_the_same(world: Restored):
    """A zombie of a step that was given up writes between another one's look and its write."""
    world.clear_all()
    world.ask()
    raced: list[int] = []

    class Racing(FaultyTable):
        def update(self, update: Any) -> Any:
            if update.key.pk.startswith("D#") and not raced:
                raced.append(1)
                world.undo_parts()
            return super().update(update)

    world.undo_parts(table=Racing(world.table, lambda _: None))
    world.finish(UNDO)
    assert world.restore_job(UNDO).counts == Counts(restored=20)
    audit(world.ledger)


def test_awkward_ids_come_back(world: Restored):
    world.clear_all()
    world.undo()
    ids = {entry.place.conversation_id for entry in world.entries() if not entry.is_tombstone}
    assert ids == set(CONVERSATIONS)
    assert all(isinstance(entry, Entry) for entry in world.entries())


def test_an_empty_archive_has_nothing_to_undo():
    world = Restored()
    world.archived()
    job = world.job()
    clear = msgspec.structs.replace(job.clear, began_at=world.clock.now(), status="cleared")
    world.save(msgspec.structs.replace(job, status="succeeded", clear=clear))
    assert world.undo() == Counts()
    assert world.job().clear.status == "undone"


# --- what is said in the export ----------------------------------------------------------------


def test_a_late_repeat_does_not_say_undoing_over_an_end(world: Restored):
    world.clear_all()
    late = world.ask()
    fail(world.ledger, world.restore_job(UNDO), Failure("internal_error", "It stopped."))
    started = dict(world.machine.started)
    assert go_on(world.ledger, world.machine, late).status == "failed"
    assert world.job().clear.status == "incomplete"
    assert world.machine.started == started


def test_an_undo_that_fails_before_it_was_said_leaves_the_clear_incomplete(
    world: Restored, monkeypatch: pytest.MonkeyPatch
):
    """The process died after it had the lease; somebody starts the execution all the same."""

    def dies(*_: Any) -> None:
        raise Crashed

    world.clear_all()
    with monkeypatch.context() as patched:
        patched.setattr("chatledger.export.jobs.save", dies)
        with pytest.raises(Crashed):
            world.ask()
    assert world.restore_job(UNDO).status == "running"
    assert world.job().clear.status == "cleared"
    fail(world.ledger, world.restore_job(UNDO), Failure("internal_error", "It stopped."))
    assert world.job().clear.status == "incomplete"
    assert world.undo() == Counts(restored=20)
    assert world.job().clear.status == "undone"


@pytest.mark.parametrize("number", range(1, 12))
def test_an_end_at_any_request_of_a_repeat_is_what_the_export_says(world: Restored, number: int):
    """The undo fails while a repeat of its request is on its way to say "undoing"."""
    world.clear_all()
    late = world.ask()
    export = world.job()
    cleared = msgspec.structs.replace(export.clear, status="cleared")
    world.save(msgspec.structs.replace(export, clear=cleared))
    ended: list[int] = []

    def ends(call: Call) -> Fault | None:
        if call.number == number and not ended:
            ended.append(1)
            fail(world.ledger, world.restore_job(UNDO), Failure("internal_error", "It stopped."))
        return None

    with suppress(ConditionFailed):
        go_on(world.ledger_on(FaultyTable(world.table, ends)), world.machine, late)
    if ended:
        assert world.restore_job(UNDO).status == "failed"
        assert world.job().clear.status == "incomplete"
    else:
        assert number > 4
        assert world.job().clear.status == "undoing"
