"""Ended: whatever an execution left comes to its end, and nothing is lost by it."""

import json
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec
import pytest

from chatledger.clear.clearing import clear_part
from chatledger.clear.verify import verify_part
from chatledger.endings.ended import Execution, end_export, end_restore
from chatledger.endings.events import execution_of, ids_of
from chatledger.errors import StorageError
from chatledger.export.job import ENDED, Clear, Job, Receipt
from chatledger.jobs import lease
from chatledger.jobs.ended import Ended
from chatledger.jobs.holder import has_ended
from chatledger.ledger.entries import tombstone
from chatledger.restore import jobs as restores
from chatledger.restore.job import Job as RestoreJob
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import World
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_table import MemoryTable

EVENTS = Path(__file__).parents[3] / "events"


@pytest.fixture
def world() -> World:
    world = World()
    world.fill()
    return world


def end(world: World, name: str | None = "E1", **how: Any) -> bool:
    execution = Execution(ORGANIZATION, "E1", name)
    table = how.pop("table", None)
    return end_export(world.reconciler(table), execution, world.later, **how)


def clear_of(job: Job) -> Clear:
    assert job.clear
    return job.clear


def half_cleared(world: World) -> None:
    """One of two parts is cleared, then everything died."""
    world.archived(parts=2)
    clear_part(world.clearer(), ORGANIZATION, "E1", 1, world.later)
    assert 0 < len(world.tombstones()) < 20


def test_what_died_before_clearing_has_failed_and_cleared_nothing(world: World):
    """I10."""
    world.archived()
    before = world.live()
    assert end(world)
    job = world.job()
    assert (job.status, clear_of(job).status) == ("failed", "pending")
    assert job.error
    assert job.error.code == "internal_error"
    assert "nothing was cleared" in job.error.error
    assert job.finished_at == world.clock.now()
    assert world.live() == before
    with pytest.raises(Ended):
        world.clear()
    assert world.live() == before
    assert has_ended(world.table, ORGANIZATION, "E1"), "and the lease is free"


def test_an_export_without_a_clear_says_nothing_of_one(world: World):
    job = world.archived()
    world.save(msgspec.structs.replace(job, clear=None, written_at=None))
    assert end(world)
    failed = world.job()
    assert failed.status == "failed"
    assert failed.error
    assert "clear" not in failed.error.error


def test_a_clear_that_died_is_counted_after_half_a_minute(world: World):
    half_cleared(world)
    cleared = len(world.tombstones())
    began = world.clock.now()
    assert end(world)
    job = world.job()
    assert world.receipt() == Receipt(exported=20, cleared=cleared, not_cleared=20 - cleared)
    assert (job.status, clear_of(job).status) == ("clear_incomplete", "incomplete")
    assert clear_of(job).stopped_at == began
    assert world.clock.slept == 30
    assert clear_of(job).undo_until


def test_one_that_died_after_its_last_write_has_succeeded(world: World):
    world.archived()
    world.clear()
    assert end(world)
    assert world.receipt() == Receipt(exported=20, cleared=20)
    assert world.job().status == "succeeded"


def test_whoever_still_clears_stops_before_it_is_counted(world: World):
    """A zombie of the clear looks at the mark before each batch; its last writes are counted."""
    half_cleared(world)
    last = next(entry for entry in world.entries() if not entry.is_tombstone)
    sleep = world.clock.sleep

    def meanwhile(seconds: float) -> None:
        with pytest.raises(Ended):
            world.clear()
        # A write of it that was under way when the mark was made:
        world.table.update(tombstone(last, "E1", world.clock.now()))
        sleep(seconds)

    world.clock.sleep = meanwhile  # type: ignore[method-assign]
    assert end(world)
    receipt, live = world.receipt(), world.live()
    assert receipt.cleared == len(world.tombstones())
    assert receipt.not_cleared == live.total()
    with pytest.raises(Ended):
        world.clear()
    assert world.live() == live, "it cleared after it was counted"


def test_the_impatient_marks_and_comes_back(world: World):
    half_cleared(world)
    assert not end(world, patient=False)
    assert clear_of(world.job()).stopped_at
    assert world.job().status == "running"
    world.clock.go_on(seconds=30)
    assert not end(world, patient=False), "the mark itself may have taken its time"
    world.clock.go_on(seconds=15)
    assert end(world, patient=False)
    assert world.clock.slept == 0
    assert world.job().status == "clear_incomplete"


def test_it_can_be_repeated(world: World):
    half_cleared(world)
    end(world)
    ended = world.job()
    written = world.table.write_units
    assert end(world)
    assert world.job() == ended
    assert world.table.write_units == written


@pytest.mark.parametrize("status", ENDED)
def test_a_job_that_has_ended_is_left(world: World, status: str):
    world.archived()
    ended = world.save(msgspec.structs.replace(world.job(), status=status))
    assert end(world)
    assert world.job() == ended


def test_what_is_not_there_is_nobodys(world: World):
    assert end(world)


def test_what_waits_for_its_acknowledgement_is_left(world: World):
    """Its execution failed after all was written: a late reply, or a retry too many."""
    waiting = world.archived(on="acknowledged")
    assert end(world)
    assert world.job() == waiting


def test_the_end_of_another_execution_ends_nothing(world: World):
    """An event of the first execution may come when the second, of the clear, runs."""
    job = world.archived(on="acknowledged")
    clear = msgspec.structs.replace(clear_of(job), status="pending")
    running = world.save(msgspec.structs.replace(job, clear=clear, execution="E1-clear"))
    assert end(world, "E1")
    assert end(world, "0c5d2a1e-child")
    assert world.job() == running
    assert end(world, "E1-clear")
    assert world.job().status == "failed"


def test_a_clear_that_begins_just_now_is_seen(world: World):
    """It was about to say failed, nothing cleared: the job's token says otherwise."""
    world.archived(parts=2)

    class Beginning(MemoryTable):
        def transact(self, writes: Any) -> None:
            if writes[0].item["PK"].startswith("J#") and not world.tombstones():
                clear_part(world.clearer(), ORGANIZATION, "E1", 1, world.later)
            super().transact(writes)

    table = world.table
    twin = Beginning(table.journal, table._partitions, table._sorted, table._lock)
    assert end(world, table=twin)
    cleared = len(world.tombstones())
    assert cleared > 0
    assert world.receipt() == Receipt(exported=20, cleared=cleared, not_cleared=20 - cleared)


def test_without_its_manifest_it_ends_all_the_same(
    world: World, capsys: pytest.CaptureFixture[str]
):
    half_cleared(world)
    manifest = world.job().manifest
    assert manifest
    world.archive.delete_versions_under(manifest.file.key)
    assert end(world)
    job = world.job()
    assert (job.status, clear_of(job).receipt) == ("clear_incomplete", None)
    assert job.error
    assert "cannot be read back" in job.error.error
    assert "ClearIncomplete" in capsys.readouterr().out


def test_two_at_once_give_one_end(world: World):
    """The state machine and the rule on ended executions come at the same time."""
    half_cleared(world)
    sleep = world.clock.sleep

    def twin(seconds: float) -> None:
        world.clock.sleep = sleep  # type: ignore[method-assign]
        assert end(world)
        sleep(seconds)

    world.clock.sleep = twin  # type: ignore[method-assign]
    assert end(world)
    assert world.receipt().exported == 20
    assert world.job().status == "clear_incomplete"


def _plan(world: World) -> None:
    job = world.archived(on="acknowledged")
    world.save(msgspec.structs.replace(job, written_at=None, manifest=None, clear=None))


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
@pytest.mark.parametrize("left", [_plan, World.archived, half_cleared])
def test_a_fault_at_any_call_then_a_repeat_ends_it(fault: Fault, left: Callable[[World], Any]):
    calls = 1
    while True:
        world = World()
        world.fill(2)
        left(world)
        before, cleared = world.live(), len(world.tombstones())
        table = FaultyTable(world.table, at({calls: fault}))
        with suppress(StorageError, Crashed):
            end(world, table=table)
        assert end(world)
        job = world.job()
        assert job.ended
        assert world.live() == before
        if cleared:
            receipt = Receipt(exported=10, cleared=cleared, not_cleared=10 - cleared)
            assert clear_of(job).receipt == receipt
        else:
            assert job.status == "failed"
        if not table.hits:
            break
        calls += 1


@pytest.mark.parametrize("at_call", range(1, 40, 3))
def test_a_job_that_died_anywhere_ends_with_every_message_accounted_for(at_call: int):
    """Each step may die at any of its requests: the receipt is exact, and live + cleared is all."""
    world = World()
    world.fill()
    world.archived(parts=3)
    all_said = world.live()
    table = FaultyTable(world.table, at({at_call: Fault.CRASH}))
    with suppress(Crashed):
        for part in range(1, 4):
            verify_part(table, world.archive, world.signer, ORGANIZATION, "E1", part)
        world.clear(table=table)
        world.reconcile(table=table)
    assert end(world)
    job = world.job()
    assert job.ended
    live = world.live()
    if job.status == "failed":
        assert live == all_said
        return
    receipt = world.receipt()
    assert receipt.cleared == len(world.tombstones())
    assert receipt.cleared + receipt.not_cleared == receipt.exported == 20
    assert live.total() == 20 - receipt.cleared


def restore_job(world: World, **fields: Any) -> RestoreJob:
    job = RestoreJob(
        **{
            "restore_id": "R1",
            "organization": ORGANIZATION,
            "kind": "import",
            "created_at": world.clock.now(),
            "status": "running",
            **fields,
        }
    )
    return restores.save(world.table, job)


def test_a_restore_that_died_has_failed(world: World):
    restore_job(world)
    end_restore(world.ledger, Execution(ORGANIZATION, "R1", "R1"))
    job = restores.find(world.table, ORGANIZATION, "R1")
    assert job.status == "failed"
    assert job.error
    assert job.finished_at == world.clock.now()
    end_restore(world.ledger, Execution(ORGANIZATION, "R1", "R1"))
    assert restores.find(world.table, ORGANIZATION, "R1") == job


@pytest.mark.parametrize(
    ("fields", "name"),
    [
        ({"status": "awaiting_upload"}, "R1"),
        ({"status": "succeeded"}, "R1"),
        ({"attempt": 2}, "R1"),
    ],
    ids=str,
)
def test_a_restore_that_goes_on_is_left(world: World, fields: dict[str, Any], name: str):
    job = restore_job(world, **fields)
    end_restore(world.ledger, Execution(ORGANIZATION, "R1", name))
    assert restores.find(world.table, ORGANIZATION, "R1") == job


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_fault_then_a_repeat_ends_a_restore(world: World, fault: Fault, call: int):
    restore_job(world)
    table = FaultyTable(world.table, at({call: fault}))
    execution = Execution(ORGANIZATION, "R1", "R1")
    with suppress(StorageError, Crashed):
        end_restore(world.ledger_on(table), execution)
    end_restore(world.ledger, execution)
    assert restores.find(world.table, ORGANIZATION, "R1").status == "failed"


def test_what_the_rule_tells():
    event = json.loads((EVENTS / "ended.json").read_text())
    export_id = "01KAJ5XQ7V0000000000000000"
    assert execution_of(event) == Execution("default", export_id, export_id)
    assert ids_of(event) == {"organization": "default", "export_id": export_id}


def test_what_the_state_machine_tells():
    event = json.loads((EVENTS / "ended-caught.json").read_text())
    export_id = "01KAJ5XQ7V0000000000000000"
    assert execution_of(event) == Execution("default", export_id, export_id)


def test_an_undos_execution_is_the_undos():
    told = {"organization": "o", "restore_id": "E1-undo", "undo": True, "export_id": "E1"}
    detail = {"input": json.dumps(told), "executionArn": "arn:aws:states:x:1:execution:m:E1-undo-2"}
    assert execution_of({"detail": detail}) == Execution("o", "E1-undo", "E1-undo-2")
    assert ids_of({"detail": detail}) == {"organization": "o", "restore_id": "E1-undo"}


def test_the_lease_is_free_once_it_has_ended(world: World):
    half_cleared(world)
    end(world)
    world.archived("E2")
    assert lease.holder(world.table, ORGANIZATION) == "E2"
