"""Sweep: alone it suffices for every job to end."""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.aws.states import Status
from chatledger.aws.table import Table
from chatledger.clear.clearing import clear_part
from chatledger.endings.sweep import SomeFailed, Sweeper, sweep
from chatledger.errors import StorageError
from chatledger.export import jobs
from chatledger.export.job import Clear, Job, Receipt
from chatledger.jobs import lease, running
from chatledger.jobs.running import RunningJob
from chatledger.restore import jobs as restores
from chatledger.restore import places
from chatledger.restore.job import Job as RestoreJob
from chatledger.restore.job import PartsList
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import World
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_states import MemoryStates

OVER: tuple[Status, ...] = ("SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED")


@dataclass
class Swept(World):
    exporting: MemoryStates = field(default_factory=MemoryStates)
    restoring: MemoryStates = field(default_factory=MemoryStates)
    failures: list[str] = field(default_factory=list[str])

    def sweep(self, table: Table | None = None) -> int:
        sweeper = Sweeper(
            self.reconciler(table),
            self.exporting,
            self.restoring,
            lambda job, error: self.failures.append(f"{job.job_id}: {type(error).__name__}"),
        )
        return sweep(sweeper, self.later)

    def running(self) -> list[str]:
        return [job.job_id for job in running.all_running(self.table)]

    def admitted(self, export_id: str = "E1", **fields: Any) -> Job:
        """A job that no execution runs yet."""
        running.enter(self.table, "export", ORGANIZATION, export_id, self.clock.now())
        job = Job(
            export_id=export_id,
            organization=ORGANIZATION,
            request={"format": "archive"},
            created_at=self.clock.now(),
            **fields,
        )
        return jobs.save(self.table, job)

    def restore(self, restore_id: str = "R1", **fields: Any) -> RestoreJob:
        running.enter(self.table, "restore", ORGANIZATION, restore_id, self.clock.now())
        given = {"kind": "import", "status": "running", "created_at": self.clock.now(), **fields}
        job = RestoreJob(restore_id=restore_id, organization=ORGANIZATION, **given)
        return restores.save(self.table, job)

    def restored(self, restore_id: str = "R1") -> RestoreJob:
        return restores.find(self.table, ORGANIZATION, restore_id)


@pytest.fixture
def world() -> Swept:
    world = Swept()
    world.fill()
    return world


def test_nothing_to_do_is_done(world: Swept):
    assert world.sweep() == 0


def test_what_has_ended_leaves_the_index(world: Swept):
    world.save(msgspec.structs.replace(world.archived(), status="succeeded"))
    world.restore(status="failed")
    world.clock.go_on(minutes=5)
    assert world.sweep() == 2
    assert world.running() == []
    assert not world.exporting.started
    assert world.sweep() == 0


def test_what_begins_again_stays_in_the_index(world: Swept):
    """An undo that failed is asked for again: entered anew, and a moment later it is queued."""
    world.restore(status="failed")
    world.clock.go_on(days=1)
    entered = running.enter

    class Entering(FaultyTable):
        def delete(self, key: Any, when: Any = None) -> None:
            entered(world.table, "restore", ORGANIZATION, "R1", world.clock.now())
            super().delete(key, when)

    world.sweep(table=Entering(world.table, lambda _: None))
    assert world.running() == ["R1"]
    world.sweep()
    assert world.running() == ["R1"], "it was entered just now"
    world.clock.go_on(minutes=5)
    world.sweep()
    assert world.running() == []


def test_a_job_that_never_came_is_waited_for_an_hour(world: Swept):
    running.enter(world.table, "export", ORGANIZATION, "E9", world.clock.now())
    running.enter(world.table, "restore", "ann/#other", "R9", world.clock.now())
    world.clock.go_on(minutes=59)
    world.sweep()
    assert world.running() == ["E9", "R9"]
    world.clock.go_on(minutes=1)
    world.sweep()
    assert world.running() == []


def test_what_was_never_started_is_started(world: Swept):
    """A request died between its job and its execution."""
    world.admitted()
    world.sweep()
    ids = {"organization": ORGANIZATION, "export_id": "E1"}
    assert world.exporting.started == {"E1": {**ids, "from": "plan"}}
    assert world.job().execution == "E1"
    world.sweep()
    assert list(world.exporting.started) == ["E1"]
    assert not world.job().ended


def test_a_clear_that_is_started_has_the_lease(world: Swept):
    world.admitted(clear=Clear(on="verified"))
    world.sweep()
    assert lease.holder(world.table, ORGANIZATION) == "E1"
    assert list(world.exporting.started) == ["E1"]


def test_a_clear_that_cannot_have_the_lease_has_failed(world: Swept):
    world.archived("E0")
    world.exporting.statuses["E0"] = "RUNNING"
    world.admitted(clear=Clear(on="verified"))
    world.sweep()
    job = world.job()
    assert job.status == "failed"
    assert job.error
    assert job.error.code == "conflict"
    assert not world.exporting.started


def test_a_clear_that_will_be_acknowledged_needs_no_lease_yet(world: Swept):
    world.archived("E0")
    world.exporting.statuses["E0"] = "RUNNING"
    world.admitted(clear=Clear(on="acknowledged"))
    world.sweep()
    assert list(world.exporting.started) == ["E1"]


def test_what_a_request_runs_is_left_until_it_cannot_any_more(world: Swept):
    world.admitted(run_until=world.clock.now() + timedelta(seconds=20), status="running")
    world.clock.go_on(seconds=19)
    world.sweep()
    assert not world.exporting.started
    world.clock.go_on(seconds=1)
    world.sweep()
    assert list(world.exporting.started) == ["E1"]


@pytest.mark.parametrize("status", ["RUNNING", "PENDING_REDRIVE"])
def test_what_runs_is_left(world: Swept, status: Status):
    job = world.archived()
    world.exporting.statuses["E1"] = status
    restore = world.restore()
    world.restoring.statuses["R1"] = status
    assert world.sweep() == 2
    assert world.job() == job
    assert world.restored() == restore
    assert world.running() == ["E1", "R1"]


@pytest.mark.parametrize("status", OVER)
def test_what_an_execution_left_has_failed(world: Swept, status: Status):
    """Also one that succeeded: it found the job ended, and somebody only thought it was."""
    world.archived()
    world.exporting.statuses["E1"] = status
    world.restore()
    world.restoring.statuses["R1"] = status
    world.sweep()
    assert world.job().status == world.restored().status == "failed"
    assert world.live().total() == 20
    world.clock.go_on(minutes=5)
    world.sweep()
    assert world.running() == []


@pytest.mark.parametrize("status", OVER)
def test_a_clear_that_an_execution_left_is_counted_when_it_is_quiet(world: Swept, status: Status):
    world.archived(parts=2)
    clear_part(world.clearer(), ORGANIZATION, "E1", 1, world.later)
    cleared = len(world.tombstones())
    world.exporting.statuses["E1"] = status
    world.admitted("E2")
    world.sweep()
    assert world.clock.slept == 45
    assert list(world.exporting.started) == ["E2"], "the others do not wait for it"
    world.exporting.statuses["E2"] = "RUNNING"
    assert world.receipt() == Receipt(exported=20, cleared=cleared, not_cleared=20 - cleared)
    world.clock.go_on(minutes=5)
    world.sweep()
    assert world.running() == ["E2"]


def test_what_waits_for_its_acknowledgement_waits_seven_days(world: Swept):
    job = world.archived(on="acknowledged")
    world.exporting.statuses["E1"] = "SUCCEEDED"
    assert job.written_at
    world.clock.time = job.written_at + timedelta(days=7, microseconds=-1)
    world.sweep()
    assert world.job() == job
    world.clock.go_on(seconds=1)
    world.sweep()
    ended = world.job()
    assert ended.clear
    assert (ended.status, ended.clear.status) == ("succeeded", "not_acknowledged")
    assert ended.finished_at == world.clock.now()
    assert world.live().total() == 20
    world.sweep()
    assert world.running() == []


def test_an_acknowledgement_that_died_with_the_lease_is_carried_through(world: Swept):
    job = world.archived(on="acknowledged")
    lease.take(world.table, ORGANIZATION, "E1", lambda _: False)
    world.sweep()
    begun = world.job()
    assert job.manifest
    assert begun.clear
    assert (begun.clear.status, begun.execution) == ("pending", "E1-clear")
    assert world.exporting.started["E1-clear"]["key"] == job.manifest.parts_key
    assert world.exporting.started["E1-clear"]["bucket"] == "archive"


def test_an_acknowledged_clear_that_never_started_is_started(world: Swept):
    job = world.archived(on="acknowledged")
    assert job.clear
    assert job.manifest
    clear = msgspec.structs.replace(job.clear, status="pending")
    world.save(msgspec.structs.replace(job, clear=clear, execution="E1-clear"))
    world.exporting.statuses["E1"] = "SUCCEEDED"
    world.sweep()
    assert list(world.exporting.started) == ["E1-clear"]
    assert world.exporting.started["E1-clear"]["from"] == "verify"


def test_an_import_that_never_started_is_started(world: Swept):
    world.restore(status="queued")
    world.sweep()
    assert world.restoring.started["R1"] == {
        "organization": ORGANIZATION,
        "restore_id": "R1",
        "undo": False,
    }


def test_an_upload_whose_event_was_lost_is_found(world: Swept):
    world.restore(status="awaiting_upload")
    world.sweep()
    assert not world.restoring.started
    world.exports.put(places.archive(ORGANIZATION, "R1"), b"archive", "application/gzip")
    world.sweep()
    assert list(world.restoring.started) == ["R1"]
    assert world.restored().status == "queued"


def test_what_nobody_uploads_is_given_up_after_seven_days(world: Swept):
    world.restore(status="awaiting_upload")
    world.clock.go_on(days=7, seconds=-1)
    world.sweep()
    assert world.restored().status == "awaiting_upload"
    world.clock.go_on(seconds=1)
    world.sweep()
    job = world.restored()
    assert job.status == "failed"
    assert job.error
    assert "Nothing was uploaded" in job.error.error


def undo_of(world: Swept) -> None:
    world.archived()
    world.clear()
    world.reconcile()
    parts = PartsList("archive", "parts.json")
    world.restore("E1-undo", kind="undo", status="queued", export_id="E1", parts=parts)


def test_an_undo_that_never_began_is_begun(world: Swept):
    undo_of(world)
    world.sweep()
    assert lease.holder(world.table, ORGANIZATION) == "E1-undo"
    assert world.restored("E1-undo").status == "running"
    assert list(world.restoring.started) == ["E1-undo"]


def test_an_undo_that_cannot_have_the_lease_has_failed(world: Swept):
    undo_of(world)
    world.archived("E2")
    world.exporting.statuses["E2"] = "RUNNING"
    world.sweep()
    assert world.restored("E1-undo").status == "failed"
    assert not world.restoring.started
    assert not world.failures


def test_one_jobs_failure_stops_no_other(world: Swept):
    world.admitted("E1")
    world.admitted("E2")
    world.admitted("E3")
    start = world.exporting.start

    def failing(name: str, content: dict[str, Any]) -> None:
        if name != "E3":
            raise StorageError
        start(name, content)

    world.exporting.start = failing  # type: ignore[method-assign]
    with pytest.raises(SomeFailed, match="2 jobs"):
        world.sweep()
    assert list(world.exporting.started) == ["E3"]
    assert world.failures == ["E1: StorageError", "E2: StorageError"]


def test_it_ends_when_time_is_up(world: Swept):
    for number in range(5):
        world.admitted(f"E{number}")
    status = world.exporting.status

    def slow(name: str) -> Status | None:
        world.clock.go_on(minutes=30)
        return status(name)

    world.exporting.status = slow  # type: ignore[method-assign]
    sweeper = Sweeper(world.reconciler(), world.exporting, world.restoring, lambda *_: None)
    looked_at: list[str] = []
    for _ in range(3):
        assert sweep(sweeper, world.clock.now() + timedelta(hours=1)) == 2
        looked_at += [name for name in world.exporting.started if name not in looked_at]
    # Nobody waits behind others: the next sweep goes on where time was up.
    assert looked_at == [f"E{number}" for number in range(5)]


def test_the_index_is_gone_through_once_wherever_it_begins(world: Swept):
    for number in range(4):
        world.admitted(f"E{number}")
    for last in [*running.all_running(world.table)]:
        running.stop_at(world.table, last)
        found = [job.job_id for job in running.all_running(world.table, world_place(world))]
        after = int(last.job_id[1:]) + 1
        assert found == [f"E{(after + step) % 4}" for step in range(4)]
    running.stop_at(world.table, None)
    assert world_place(world) == ""


def world_place(world: Swept) -> str:
    return running.stopped_at(world.table)


def test_a_job_that_is_written_meanwhile_is_left_for_the_next_time(world: Swept):
    world.archived(on="acknowledged")
    world.clock.go_on(days=8)

    class Writing(FaultyTable):
        def transact(self, writes: Any) -> None:
            if writes[0].item["PK"].startswith("J#"):
                jobs.save(world.table, world.job())
            super().transact(writes)

    world.sweep(table=Writing(world.table, lambda _: None))
    assert world.job().status == "running"
    world.sweep()
    assert world.job().status == "succeeded"


def _acknowledged_lease(world: Swept) -> None:
    world.archived(on="acknowledged")
    lease.take(world.table, ORGANIZATION, "E1", lambda _: False)


def _half_cleared(world: Swept) -> None:
    world.archived(parts=2)
    clear_part(world.clearer(), ORGANIZATION, "E1", 1, world.later)
    world.exporting.statuses["E1"] = "ABORTED"


LEFT: dict[str, Callable[[Swept], Any]] = {
    "never started": Swept.admitted,
    "a clear never started": lambda world: world.admitted(clear=Clear(on="verified")),
    "an acknowledgement": _acknowledged_lease,
    "half cleared": _half_cleared,
    "an import": lambda world: world.restore(status="queued"),
    "an undo": undo_of,
}


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
@pytest.mark.parametrize("left", LEFT)
def test_a_fault_at_any_call_then_later_sweeps_end_all(left: str, fault: Fault):
    """I10: whoever goes on where the machine never calls back, every job ends."""
    calls = 1
    while True:
        world = Swept()
        world.fill(2)
        LEFT[left](world)
        table = FaultyTable(world.table, at({calls: fault}))
        with suppress(Crashed, SomeFailed, StorageError):
            world.sweep(table=table)
        for _ in range(6):
            for states in (world.exporting, world.restoring):
                states.statuses |= dict.fromkeys(states.statuses, "FAILED")
            world.clock.go_on(minutes=5)
            world.sweep()
        assert world.running() == []
        if not table.hits:
            break
        calls += 1
    assert calls > 2


def test_jobs_of_all_organizations_are_looked_at(world: Swept):
    running.enter(world.table, "export", "a#b", "E1", world.clock.now())
    job = Job(
        export_id="E1", organization="a#b", request={"format": "csv"}, created_at=world.clock.now()
    )
    jobs.save(world.table, job)
    world.admitted("E2")
    assert world.sweep() == 2
    assert world.exporting.started["E1"]["organization"] == "a#b"
    assert RunningJob("export", "a#b", "E1", world.clock.now()) in running.all_running(world.table)
