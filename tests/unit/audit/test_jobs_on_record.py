"""I10: a job's end and its record are there together or not at all, whatever fails, and once."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress

import pytest

from chatledger.audit import chain
from chatledger.audit.verify import Place, verify
from chatledger.aws.table import Table
from chatledger.clear.acknowledge import Acknowledger, acknowledge
from chatledger.endings.ended import Execution, end_export, end_restore
from chatledger.endings.sweep import SomeFailed, Sweeper, sweep
from chatledger.errors import Conflict, NotFound, StorageError
from chatledger.export import jobs as exports
from chatledger.export.job import Job
from chatledger.export.remove import remove
from chatledger.jobs import running
from chatledger.jobs.ended import Ended
from chatledger.restore import jobs as restores
from chatledger.restore.undo import undo_id
from tests.fakes.chats import ORGANIZATION
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_states import MemoryStates
from tests.fakes.restores import Restored
from tests.unit.audit.trails import records

Act = Callable[[Restored, Table], object]


def ended_without_clear(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.archived()
    end_export(world.reconciler(table), Execution(ORGANIZATION, "E1", "E1"), world.later)


def ended_half_cleared(world: Restored, table: Table) -> None:
    if not world.tombstones():
        world.archived(parts=2)
        world.clear()
        world.table.delete(world.entries()[0].key)
    end_export(world.reconciler(table), Execution(ORGANIZATION, "E1", "E1"), world.later)


def cleared(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.archived()
    with suppress(Ended):
        world.clear(table=table)
    world.reconcile(table=table)


def cancelled(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.archived()
    remove(world.ledger_on(table), world.exports, world.archive, ORGANIZATION, "E1")


def not_acknowledged(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.archived(on="acknowledged")
        running.enter(world.table, "export", ORGANIZATION, "E1", world.clock.now())
        world.clock.go_on(days=8)
    machine = MemoryStates()
    sweeper = Sweeper(world.reconciler(table), machine, machine, lambda *_: None)
    sweep(sweeper, world.later)


def acknowledged(world: Restored, table: Table) -> None:
    job = exports.load(world.table, ORGANIZATION, "E1") or world.archived(on="acknowledged")
    assert job.manifest
    machine = Acknowledger(world.ledger_on(table), MemoryStates(), "archive")
    acknowledge(machine, ORGANIZATION, "E1", job.manifest.root_hash)


def undone(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.clear_all()
    world.undo(table=table)


def undo_died(world: Restored, table: Table) -> None:
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.clear_all()
    if not restores.load(world.table, ORGANIZATION, undo_id("E1")):
        world.ask(table=table)
    name = undo_id("E1")
    end_restore(world.ledger_on(table), Execution(ORGANIZATION, name, name))


def undo_refused(world: Restored, table: Table) -> None:
    """Another clear has the lease."""
    if not exports.load(world.table, ORGANIZATION, "E1"):
        world.clear_all()
        world.archived("E2")
    if (job := restores.load(world.table, ORGANIZATION, undo_id("E1"))) and job.ended:
        return
    with suppress(Conflict):
        world.ask(table=table)


ACTS: tuple[Act, ...] = (
    *(ended_without_clear, ended_half_cleared, cleared, cancelled, not_acknowledged),
    *(acknowledged, undone, undo_died, undo_refused),
)


def check(world: Restored) -> None:
    """What is recorded is what the jobs say, each once, in a whole chain."""
    told = Counter(
        (each.action, each.subject.get("restore_id") or each.subject["export_id"])
        for each in records(world.table, ORGANIZATION)
    )
    assert set(told.values()) <= {1}, told
    for kind, load in (("J", exports.load), ("R", restores.load)):
        for key in world.table.keys_of_kind(kind):
            job = load(world.table, ORGANIZATION, key.sk)
            assert job
            what = "undo.ended" if kind == "R" else "export.ended"
            assert told[what, key.sk] == job.ended, (what, job.status)
            if isinstance(job, Job) and job.clear:
                assert told["clear.began", key.sk] == job.clear.has_begun
                assert told["clear.ended", key.sk] == (job.clear.has_begun and job.ended)
                assert told["clear.acknowledged", key.sk] == bool(job.clear.acknowledged_at)
            if isinstance(job, Job):
                assert told["export.deleted", key.sk] == bool(job.files_removed_at)
    assert not verify(world.ledger, world.archive, ORGANIZATION, world.later, Place()).problems


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_a_fault_at_any_call_then_a_repeat(act: Act, fault: Fault):
    calls = 1
    while True:
        world = Restored()
        world.fill(1, ("one", "two"))
        table = FaultyTable(world.table, at({calls: fault}))
        with suppress(StorageError, Crashed, SomeFailed, Ended):
            act(world, table)
        check(world)
        for _ in range(2):
            with suppress(Ended, NotFound, Conflict):
                act(world, world.table)
            check(world)
        if act is not acknowledged:
            assert "ended" in {each.action[-5:] for each in records(world.table, ORGANIZATION)}
        if not table.hits:
            break
        calls += 1
    assert calls > 3


def test_an_undo_that_is_asked_for_again_is_recorded_again():
    world = Restored()
    world.fill(1, ("one",))
    world.clear_all()
    world.ask()
    name = undo_id("E1")
    end_restore(world.ledger, Execution(ORGANIZATION, name, name))
    world.clock.go_on(hours=1)
    world.undo()
    said = [each for each in records(world.table, ORGANIZATION) if each.action.startswith("undo")]
    assert [each.action for each in said] == ["undo.admitted", "undo.ended"] * 2
    assert [each.subject.get("status") for each in said] == [None, "failed", None, "succeeded"]
    assert said[2].at > said[1].at


def test_a_job_of_before_is_recorded_when_it_ends():
    """One that was running when records came to be has only what came after."""
    world = Restored()
    world.fill(1, ("one",))
    world.archived()
    for each in world.table.keys_of_kind("A"):
        world.table.delete(each)
    end_export(world.reconciler(), Execution(ORGANIZATION, "E1", "E1"), world.later)
    assert [each.action for each in records(world.table, ORGANIZATION)] == ["export.ended"]
    assert chain.organizations(world.table) == [ORGANIZATION]
