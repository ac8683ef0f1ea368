"""Acknowledge: a clear that waits for the root hash begins with it, once, and not without."""

from datetime import timedelta

import msgspec
import pytest

from chatledger.clear.acknowledge import Acknowledger, acknowledge
from chatledger.errors import Conflict, Gone, InvalidRequest, NotFound, StorageError
from chatledger.export.job import Job, Receipt
from chatledger.jobs import lease
from chatledger.jobs.ended import Ended
from tests.fakes.chats import ORGANIZATION, at_once
from tests.fakes.clears import World
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_states import MemoryStates


class Waiting(World):
    """An export whose clear awaits its acknowledgement."""

    def __init__(self) -> None:
        super().__init__()
        self.states = MemoryStates()
        self.fill()
        self.archived(on="acknowledged")

    @property
    def root_hash(self) -> str:
        manifest = self.job().manifest
        assert manifest
        return manifest.root_hash

    def acknowledge(self, root_hash: str = "", export_id: str = "E1", table: object = None) -> Job:
        ledger = self.ledger_on(table or self.table)  # type: ignore[arg-type]
        acknowledger = Acknowledger(ledger, self.states, "archive")
        return acknowledge(acknowledger, ORGANIZATION, export_id, root_hash or self.root_hash)

    def holder(self) -> str | None:
        return lease.holder(self.table, ORGANIZATION)


@pytest.fixture
def world() -> Waiting:
    return Waiting()


def test_the_root_hash_begins_the_clear(world: Waiting):
    job = world.acknowledge()
    assert job.clear
    assert job.manifest
    assert (job.status, job.clear.status, job.execution) == ("running", "pending", "E1-clear")
    assert world.holder() == "E1"
    assert world.states.started == {
        "E1-clear": {
            "organization": ORGANIZATION,
            "export_id": "E1",
            "from": "verify",
            "bucket": "archive",
            "key": job.manifest.parts_key,
        }
    }
    world.verify()
    world.clear()
    assert world.reconcile() == Receipt(exported=20, cleared=20)


def test_upper_case_is_the_same_hash(world: Waiting):
    assert world.acknowledge(world.root_hash.upper()).execution == "E1-clear"


def test_nothing_is_cleared_before_it(world: Waiting):
    with pytest.raises(Ended):
        world.clear()
    assert sum(world.live().values()) == 20


@pytest.mark.parametrize("wrong", ["0" * 64, "f" * 64])
def test_another_root_hash_changes_nothing(world: Waiting, wrong: str):
    before = world.job()
    with pytest.raises(InvalidRequest, match="first line"):
        world.acknowledge(wrong)
    assert world.job() == before
    assert world.holder() is None
    assert not world.states.started


def test_a_repeat_is_answered_the_same(world: Waiting):
    first = world.acknowledge()
    assert world.acknowledge() == first
    assert len(world.states.started) == 1
    with pytest.raises(InvalidRequest):
        world.acknowledge("0" * 64)
    world.clear()
    world.reconcile()
    assert world.acknowledge().status == "succeeded"


def test_many_at_once_start_one(world: Waiting):
    done = at_once(4, lambda _: world.acknowledge())
    assert {job.execution for job in done if isinstance(job, Job)} == {"E1-clear"}
    assert all(isinstance(job, Job) for job in done)
    assert list(world.states.started) == ["E1-clear"]


def test_after_seven_days_it_is_gone(world: Waiting):
    written_at = world.job().written_at
    assert written_at
    world.clock.time = written_at + timedelta(days=7, microseconds=-1)
    world.acknowledge()
    late = Waiting()
    late.clock.time = written_at + timedelta(days=7)
    before = late.job()
    with pytest.raises(Gone):
        late.acknowledge()
    assert late.job() == before
    assert not late.states.started


def test_what_was_acknowledged_in_time_is_answered_later_too(world: Waiting):
    world.acknowledge()
    world.clock.go_on(days=8)
    assert world.acknowledge().execution == "E1-clear"


def test_while_another_clear_runs_it_is_a_conflict(world: Waiting):
    world.archived("E2")
    with pytest.raises(Conflict, match="E2"):
        world.acknowledge()
    clear = world.job().clear
    assert clear
    assert clear.status == "awaiting_acknowledgement"
    world.clear("E2")
    world.reconcile("E2")
    world.acknowledge()


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"clear": None}, Conflict),
        ({"status": "cancelled"}, Conflict),
        ({"status": "failed"}, Conflict),
        ({"manifest": None}, Conflict),
    ],
    ids=str,
)
def test_what_waits_for_nothing_is_a_conflict(
    world: Waiting, changes: dict[str, object], error: type[Exception]
):
    root_hash = world.root_hash
    world.save(msgspec.structs.replace(world.job(), **changes))
    with pytest.raises(error):
        world.acknowledge(root_hash)
    assert not world.states.started


@pytest.mark.parametrize(
    ("status", "error"), [("pending", Conflict), ("not_acknowledged", Gone)], ids=str
)
def test_a_clear_that_does_not_wait_is_told_so(world: Waiting, status: str, error: type[Exception]):
    job = world.job()
    assert job.clear
    clear = msgspec.structs.replace(job.clear, status=status)
    world.save(msgspec.structs.replace(job, clear=clear))
    with pytest.raises(error):
        world.acknowledge()


def test_a_clear_on_verified_waits_for_nobody(world: Waiting):
    world.archived("E2")
    with pytest.raises(Conflict, match="clear_on"):
        world.acknowledge(export_id="E2")
    with pytest.raises(NotFound):
        world.acknowledge(export_id="E3")


@pytest.mark.parametrize("fault", list(Fault))
def test_a_fault_at_any_call_then_a_repeat_starts_the_clear(fault: Fault):
    calls = 1
    while True:
        world = Waiting()
        table = FaultyTable(world.table, at({calls: fault}))
        try:
            world.acknowledge(table=table)
        except (StorageError, Crashed):
            world.acknowledge()
        assert world.job().execution == "E1-clear"
        assert world.holder() == "E1"
        assert list(world.states.started) == ["E1-clear"]
        if not table.hits:
            break
        calls += 1
    assert calls > 4
