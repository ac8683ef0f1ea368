"""Reconcile: every listed message is in exactly one figure of the receipt, and the job ends."""

import json
from typing import Any

import msgspec
import pytest

from chatledger.clear.holds import lift_hold, place_hold
from chatledger.clear.reconcile import reconcile
from chatledger.errors import StorageError
from chatledger.export.job import UNDO_WITHIN, Receipt
from chatledger.export.kept import ArchiveDiffers
from chatledger.jobs.ended import Ended
from chatledger.ledger.entries import refreshed, tombstone
from chatledger.models.holds import HoldRequest
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import World, says
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_table import MemoryTable


@pytest.fixture
def world() -> World:
    world = World()
    world.fill()
    return world


def hold(world: World, **named: Any) -> None:
    place_hold(world.ledger, ORGANIZATION, "H1", HoldRequest(**named))


def test_a_receipt_of_everything_that_can_happen(world: World):
    """I5: exported = cleared + retained (changed, held) + cleared elsewhere + not cleared."""
    world.archived()
    hold(world, conversation_id="with space")
    changed, elsewhere, missing = world.entries()[:3]
    assert {each.place.conversation_id for each in (changed, elsewhere, missing)}.isdisjoint(
        {"with space"}
    )
    world.table.update(refreshed(changed))
    world.table.update(tombstone(elsewhere, "E0", world.clock.now()))
    world.clear()
    world.table.delete(missing.key)
    assert world.reconcile() == Receipt(
        exported=20,
        cleared=20 - 4 - 3,
        retained_held=4,
        retained_changed=1,
        cleared_elsewhere=1,
        not_cleared=1,
    )


def test_a_cleared_job_has_succeeded_and_can_be_undone_for_long(world: World):
    world.archived()
    world.clear()
    world.reconcile()
    job, now = world.job(), world.clock.now()
    assert job.clear
    assert (job.status, job.clear.status, job.error) == ("succeeded", "cleared", None)
    assert (job.finished_at, job.clear.undo_until) == (now, now + UNDO_WITHIN)


def test_what_was_not_cleared_raises_an_alarm(world: World, capsys: pytest.CaptureFixture[str]):
    world.archived()
    world.clear()
    world.table.delete(world.entries()[0].key)
    world.reconcile()
    job = world.job()
    assert job.clear
    assert job.error
    assert (job.status, job.clear.status) == ("clear_incomplete", "incomplete")
    assert job.error.error.startswith("1 messages were not cleared")
    assert job.clear.undo_until
    metric = json.loads(capsys.readouterr().out)
    assert metric["ClearIncomplete"] == [1.0]
    assert metric["_aws"]["CloudWatchMetrics"][0]["Namespace"] == "Chatledger"


def test_a_clear_that_is_complete_raises_none(world: World, capsys: pytest.CaptureFixture[str]):
    world.archived()
    world.clear()
    world.reconcile()
    assert capsys.readouterr().out == ""
    assert world.clock.slept == 0, "nothing was left that could still change"


def test_a_job_that_has_ended_is_left(world: World):
    world.archived()
    world.clear()
    world.reconcile()
    ended = world.job()
    with pytest.raises(Ended):
        reconcile(world.reconciler(), ORGANIZATION, "E1", world.later)
    assert world.job() == ended


def test_a_clear_that_never_began_is_not_counted(world: World):
    world.archived()
    with pytest.raises(Ended):
        reconcile(world.reconciler(), ORGANIZATION, "E1", world.later)
    assert world.job().status == "running"


def test_what_a_twin_of_the_clear_could_still_take_is_counted_when_it_cannot(world: World):
    """A step may run twice: its twin read the holds before, and writes after the first count."""
    world.archived()
    twin = next(each for each in world.entries() if each.place.conversation_id == "plain")
    hold(world, conversation_id="plain")
    world.clear()
    sleep = world.clock.sleep

    def twin_writes(seconds: float) -> None:
        world.table.update(tombstone(twin, "E1", world.clock.now()))
        sleep(seconds)

    world.clock.sleep = twin_writes  # type: ignore[method-assign]
    assert world.reconcile() == Receipt(exported=20, cleared=17, retained_held=3)
    assert world.clock.slept == 30
    job = world.job()
    assert job.clear
    assert job.clear.stopped_at, "and whatever clears after it was counted is told to stop"
    assert len(world.tombstones()) == 17


def test_a_hold_that_was_lifted_meanwhile_is_told_as_not_cleared(world: World):
    world.archived()
    hold(world, conversation_id="plain")
    world.clear()
    lift_hold(world.ledger, ORGANIZATION, "H1")
    assert world.reconcile() == Receipt(exported=20, cleared=16, not_cleared=4)
    assert world.job().status == "clear_incomplete"


def test_an_archive_of_nothing(world: World):
    world.archived(entries=[])
    job = world.job()
    assert job.clear
    begun = msgspec.structs.replace(job.clear, status="clearing", began_at=world.clock.now())
    world.save(msgspec.structs.replace(job, clear=begun))
    assert world.reconcile() == Receipt()
    assert world.job().status == "succeeded"


def test_it_goes_on_from_its_note_when_time_was_up(world: World):
    world.fill(2000, ("long",))
    world.archived(parts=2)
    world.clear()
    calls = reads = 0
    start = len(world.table.journal)
    while True:
        calls += 1
        if reconcile(world.reconciler(), ORGANIZATION, "E1", world.clock.now()):
            break
        assert calls < 20
    reads = world.table.operations()[start:].count("get_many")
    assert calls > 3
    assert reads <= 2000 / 100 + 2, "an entry was read twice"
    assert world.receipt() == Receipt(exported=2020, cleared=2020)


def test_a_note_from_before_the_clear_was_stopped_is_not_gone_on_with(world: World):
    world.fill(1000, ("long",))
    world.archived(parts=1)
    world.clear()
    assert not reconcile(world.reconciler(), ORGANIZATION, "E1", world.clock.now())
    world.table.delete(world.entries()[0].key)
    job = world.job()
    assert job.clear
    stopped = msgspec.structs.replace(job.clear, stopped_at=world.clock.now())
    world.save(msgspec.structs.replace(job, clear=stopped))
    world.clock.go_on(minutes=1)
    assert world.reconcile() == Receipt(exported=1020, cleared=1019, not_cleared=1)


def test_a_manifest_that_was_changed_is_not_counted_by(world: World):
    world.archived()
    world.clear()
    manifest = world.job().manifest
    assert manifest
    place = (manifest.file.key, manifest.file.version or "")
    data = world.archive.versions[place]
    world.archive.versions[place] = data.replace(b'"n":1', b'"n":9')
    with pytest.raises(ArchiveDiffers):
        world.reconcile()
    assert world.job().status == "running"


def test_a_reader_of_a_job_never_sees_a_receipt_before_its_end(world: World):
    world.archived()
    world.clear()
    clear = world.job().clear
    assert clear
    assert clear.receipt is None


def test_what_is_added_meanwhile_is_not_counted(world: World):
    world.archived()
    world.clear()
    world.add(says("plain", 50))
    assert world.reconcile() == Receipt(exported=20, cleared=20)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
def test_a_fault_at_any_call_of_the_table_then_a_repeat_gives_the_same_receipt(fault: Fault):
    calls = 1
    while True:
        world = World()
        world.fill(2)
        world.archived()
        hold(world, conversation_id="plain")
        world.clear()
        table = FaultyTable(world.table, at({calls: fault}))
        try:
            world.reconcile(table=table)
        except (StorageError, Crashed):
            world.reconcile()
        assert world.receipt() == Receipt(exported=10, cleared=8, retained_held=2)
        assert world.job().status == "succeeded"
        if not table.hits:
            break
        calls += 1
    assert calls > 8


def test_a_fault_at_any_call_of_the_buckets_then_a_repeat_gives_the_same_receipt():
    for number in range(1, 30):
        world = World()
        world.fill(300, ("long",))
        world.archived()
        world.clear()
        calls = 0

        def failing(_: str, number: int = number) -> None:
            nonlocal calls
            calls += 1
            if calls == number:
                raise StorageError

        world.archive.before = world.exports.before = failing
        done = False
        for _ in range(10):
            try:
                done = reconcile(world.reconciler(), ORGANIZATION, "E1", world.clock.now())
            except StorageError:
                continue
            if done:
                break
        assert world.receipt() == Receipt(exported=300, cleared=300)
        if calls < number:
            return
    raise AssertionError("it asks the buckets more often than expected")


def test_two_at_once_give_one_receipt(world: World):
    """Both count; who writes the job second finds that it has ended."""
    world.archived()
    world.clear()

    class Meanwhile(MemoryTable):
        def put(self, item: Any, when: Any = None) -> None:
            if item["PK"].startswith("J#") and world.job().status == "running":
                world.reconcile()
            super().put(item, when)

    table = world.table
    twin = Meanwhile(table.journal, table._partitions, table._sorted, table._lock)
    world.reconcile(table=twin)
    assert world.receipt() == Receipt(exported=20, cleared=20)
