"""Clear: exactly what the archive lists goes, at exactly the token that was archived."""

import gzip
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chatledger.aws.table import ConditionFailed, Equals, Update
from chatledger.clear.clearing import LeaseLost, clear_part
from chatledger.clear.holds import place_hold
from chatledger.errors import Conflict, StorageError
from chatledger.export.job import Receipt
from chatledger.export.kept import ArchiveDiffers, open_archive
from chatledger.jobs import lease
from chatledger.jobs.ended import Ended
from chatledger.ledger.entries import Entry, refreshed, revival, tombstone
from chatledger.messages import decode_line
from chatledger.models.holds import HoldRequest
from tests.fakes.chats import ORGANIZATION, at_once
from tests.fakes.clears import CONVERSATIONS, World, says
from tests.fakes.faults import Crashed, Fault, FaultyTable, at, first, seeded
from tests.fakes.memory_table import MemoryTable


@pytest.fixture
def world() -> World:
    world = World()
    world.fill()
    return world


def archived_contents(world: World, export_id: str = "E1") -> Counter[str]:
    """What the archive holds, read by its own versions and nothing else."""
    manifest = world.job(export_id).manifest
    assert manifest
    kept = open_archive(world.archive, manifest)
    data = b"".join(b"".join(kept.data(part)) for part in kept.header.parts)
    lines = gzip.decompress(data).splitlines()
    return Counter(decode_line(line).content for line in lines if b'"record"' not in line)


class Between(MemoryTable):
    """Does something just before the first write to an entry."""

    def __init__(self, table: MemoryTable, do: Callable[[], object]) -> None:
        super().__init__(table.journal, table._partitions, table._sorted, table._lock)
        self.do: Callable[[], object] | None = do

    def update(self, update: Update) -> Any:
        if update.key.pk.startswith("D#") and self.do:
            do, self.do = self.do, None
            do()
        return super().update(update)


def test_all_that_is_listed_becomes_tombstones(world: World):
    world.archived()
    before = world.live()
    world.verify()
    world.clear()
    assert not world.live()
    assert archived_contents(world) == before
    assert world.reconcile() == Receipt(exported=20, cleared=20)
    job = world.job()
    assert (job.status, job.clear and job.clear.status) == ("succeeded", "cleared")


def test_a_tombstone_knows_who_cleared_it_and_what_it_was(world: World):
    world.archived()
    listed = {each.place(ORGANIZATION): each for each in world.listed()}
    world.clear()
    for entry in world.tombstones():
        assert entry.digest.hex() == listed[entry.key].digest
        assert entry.token.hex() != listed[entry.key].w
        assert len(list(entry.digests())) == listed[entry.key].n
        assert "payload" not in entry.item


def test_what_was_written_after_the_archive_stays(world: World):
    """I1, I5: an append after the freeze is live, and nothing of it is counted."""
    world.archived()
    world.add(says("plain", 99))
    world.clear()
    assert world.live() == Counter(["text 99 of plain"])
    assert world.reconcile() == Receipt(exported=20, cleared=20)


def test_what_changed_since_the_archive_stays(world: World):
    world.archived()
    entry = world.entries()[3]
    world.table.update(refreshed(entry))
    world.clear()
    assert world.reconcile() == Receipt(exported=20, cleared=19, retained_changed=1)
    assert world.job().status == "succeeded"
    assert sum(world.live().values()) == 1


def test_what_changes_while_it_clears_stays(world: World):
    """The entry was read at its archived token, and gets another one before the write."""
    world.archived(parts=1)
    changed = world.entries()[0]
    world.clear(table=Between(world.table, lambda: world.table.update(refreshed(changed))))
    assert world.reconcile() == Receipt(exported=20, cleared=19, retained_changed=1)


def test_other_lines_at_the_archived_token_are_never_cleared(world: World):
    """It cannot happen; if it does, it stays and the alarm tells of it."""
    world.archived()
    entry = world.entries()[0]
    other = next(each for each in world.entries() if each.digest != entry.digest)
    world.table.poke({**entry.item, "payload": other.payload})
    world.clear()
    assert world.reconcile().not_cleared == 1
    assert world.job().status == "clear_incomplete"


def test_a_revision_is_in_at_most_one_standing_clear(world: World):
    """I3: of two archives of the same entries, the first clear takes them."""
    world.archived("E1", on="acknowledged")
    world.archived("E2")
    world.clear("E2")
    world.reconcile("E2")
    job = world.job("E1")
    assert job.clear
    pending = msgspec.structs.replace(job.clear, status="pending")
    world.save(msgspec.structs.replace(job, clear=pending))
    lease.take(world.table, ORGANIZATION, "E1", lambda _: True)
    world.clear("E1")
    assert world.reconcile("E1") == Receipt(exported=20, cleared_elsewhere=20)
    assert len(world.tombstones("E2")) == 20
    assert world.job("E1").status == "succeeded"


def test_one_clear_at_a_time(world: World):
    world.archived("E1")
    with pytest.raises(Conflict):
        world.archived("E2")
    world.clear("E1")
    world.reconcile("E1")
    world.archived("E2")


def test_without_the_lease_nothing_is_cleared(world: World):
    world.archived("E1")
    lease.take(world.table, ORGANIZATION, "E2", lambda _: True)
    with pytest.raises(LeaseLost):
        world.clear("E1")
    assert sum(world.live().values()) == 20
    clear = world.job().clear
    assert clear
    assert not clear.has_begun


@pytest.mark.parametrize("status", ["cancelled", "failed", "succeeded", "clear_incomplete"])
def test_a_job_that_is_over_clears_nothing(world: World, status: str):
    world.archived()
    world.save(msgspec.structs.replace(world.job(), status=status))
    with pytest.raises(Ended):
        world.clear()
    assert sum(world.live().values()) == 20


@pytest.mark.parametrize(
    "status", ["awaiting_acknowledgement", "not_acknowledged", "undoing", "undone"]
)
def test_a_clear_that_may_not_begin_does_not(world: World, status: str):
    job = world.archived()
    assert job.clear
    world.save(
        msgspec.structs.replace(job, clear=msgspec.structs.replace(job.clear, status=status))
    )
    with pytest.raises(Ended):
        world.clear()
    assert sum(world.live().values()) == 20


def test_a_stopped_clear_stops_at_its_next_batch(world: World):
    world.fill(60, ("long",))
    world.archived(parts=1)

    def stop() -> None:
        job = world.job()
        assert job.clear
        stopped = msgspec.structs.replace(job.clear, stopped_at=world.clock.now())
        world.save(msgspec.structs.replace(job, clear=stopped))

    world.fill(200, ("longer",))
    world.archived("E2", parts=1, on="acknowledged")
    world.save(msgspec.structs.replace(world.job(), manifest=world.job("E2").manifest))
    with pytest.raises(Ended):
        world.clear(table=Between(world.table, stop))
    assert 0 < len(world.tombstones()) <= 100


def test_a_clear_begins_once_however_many_parts_race(world: World):
    world.archived(parts=5)
    done = at_once(
        5,
        lambda number: clear_part(world.clearer(), ORGANIZATION, "E1", number + 1, world.later),
    )
    assert done == [True] * 5
    clear = world.job().clear
    assert clear
    assert (clear.status, clear.began_at) == ("clearing", world.clock.now())
    assert world.reconcile() == Receipt(exported=20, cleared=20)


def test_a_clear_that_is_cancelled_before_it_begins_clears_nothing(world: World):
    """Whoever writes the job first wins: the other sees it."""
    world.archived()
    cancelled = msgspec.structs.replace(world.job(), status="cancelled")

    class Cancelling(MemoryTable):
        def transact(self, writes: Any) -> None:
            if world.job().status == "running":
                world.save(cancelled)
            super().transact(writes)

    table = Cancelling(
        world.table.journal, world.table._partitions, world.table._sorted, world.table._lock
    )
    with pytest.raises(Ended):
        world.clear(table=table)
    assert sum(world.live().values()) == 20


def test_a_repeat_writes_nothing(world: World):
    world.archived()
    world.clear()
    tokens = [entry.token for entry in world.entries()]
    written = world.table.write_units
    world.clear()
    assert world.table.write_units == written
    assert [entry.token for entry in world.entries()] == tokens


def test_a_late_clear_of_what_was_put_back_fails_on_the_token(world: World):
    """I8: the undo's fresh token is what a zombie of the clear does not know."""
    world.archived()
    before = world.entries()
    zombie = [tombstone(entry, "E1", world.clock.now()) for entry in before]
    world.clear()
    for entry, old in zip(world.entries(), before, strict=True):
        world.table.update(revival(entry, old.payload))
    for write in zombie:
        assert isinstance(write.when, Equals)
        with pytest.raises(ConditionFailed):
            world.table.update(write)
    world.clear()
    assert sum(world.live().values()) == 20
    assert world.reconcile() == Receipt(exported=20, retained_changed=20)


def test_writes_begin_soon_after_the_holds_were_read(world: World):
    """A hold is confirmed after a minute: what read the holds before it has written by then."""
    world.archived(parts=1)
    slow = list[int]()

    class Slow(MemoryTable):
        def get_many(self, keys: Any) -> Any:
            if len(slow) < 2:
                slow.append(1)
                world.clock.go_on(seconds=11)
                place_hold(world.ledger, ORGANIZATION, "late", HoldRequest(user_id="ann"))
            return super().get_many(keys)

    table = Slow(
        world.table.journal, world.table._partitions, world.table._sorted, world.table._lock
    )
    world.clear(table=table)
    assert sum(world.live().values()) == 20, "it wrote by holds that were 11 seconds old"
    assert world.reconcile() == Receipt(exported=20, retained_held=20)


def test_when_time_is_up_it_says_so_and_goes_on(world: World):
    world.fill(250, ("long",))
    world.archived(parts=1)
    table = Ticking(world)
    calls = 0
    while True:
        calls += 1
        until = world.clock.now()
        world.clock.go_on(seconds=-1)
        if clear_part(world.clearer(table), ORGANIZATION, "E1", 1, until):
            break
        assert calls < 10
        table.batches += 1
    assert calls > 2
    assert world.reconcile() == Receipt(exported=270, cleared=270)


class Ticking(MemoryTable):
    """The clock goes on by a second after so many batches."""

    def __init__(self, world: World) -> None:
        table = world.table
        super().__init__(table.journal, table._partitions, table._sorted, table._lock)
        self.world = world
        self.batches = self.left = 1

    def get_many(self, keys: Any) -> Any:
        self.left -= 1
        if not self.left:
            self.left = self.batches + 1
            self.world.clock.go_on(seconds=1)
        return super().get_many(keys)


def test_a_list_is_checked_before_anything_is_cleared_by_it(world: World):
    """I2: the first entry of a broken list is as little cleared as the last."""
    world.archived(parts=1)
    manifest = world.job().manifest
    assert manifest
    place = (manifest.file.key, manifest.file.version or "")
    data = world.archive.versions[place]
    world.archive.versions[place] = data[:-20] + b"0" + data[-19:]
    with pytest.raises(ArchiveDiffers):
        world.clear()
    assert sum(world.live().values()) == 20


def test_what_is_not_listed_is_never_touched(world: World):
    """I2: all writes to entries go to keys that the manifest lists, and are conditions on w."""
    world.archived(entries=world.entries()[:5])
    table = world.table
    start = len(table.journal)
    world.clear()
    written = {
        key
        for request in table.journal[start:]
        if request.write_units
        for key in request.keys
        if key.pk.startswith("D#")
    }
    assert written == {each.place(ORGANIZATION) for each in world.listed()}


def test_what_a_clear_costs(world: World):
    """One read of a hundred entries, three of what forbids, and one write each."""
    world.fill(100, ("long",))
    world.archived(parts=1)
    start = len(world.table.journal)
    world.clear()
    counted = Counter(world.table.operations()[start:])
    batches = 2
    assert counted["update"] == 120
    assert counted["get_many"] == batches
    assert counted["page"] == batches + 1, "and one for the audit trail: the clear begins"
    assert counted["get"] == 1 + 2 + 2 * batches, "the test asks for the parts, too"
    assert (counted["put"], counted["transact"]) == (0, 1)


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
def test_a_fault_at_any_call_then_a_repeat_clears_each_entry_once(fault: Fault):
    calls = 1
    while True:
        world = World()
        world.fill(3, ("plain", "b/c"))
        job = world.archived(parts=2)
        before = world.live()
        table = FaultyTable(world.table, at({calls: fault}))
        try:
            world.clear(table=table)
        except (StorageError, Crashed):
            assert job.counts
            world.clear()
        assert world.reconcile() == Receipt(exported=6, cleared=6)
        assert not world.live()
        assert archived_contents(world) == before
        assert len({entry.key for entry in world.tombstones()}) == 6
        if not table.hits:
            break
        calls += 1
    assert calls > 15


@pytest.mark.parametrize("seed", range(6))
def test_many_faults_at_once(seed: int):
    world = World()
    world.fill(12)
    world.archived(parts=3)
    chances = {Fault.BUSY: 0.05, Fault.LOST: 0.05, Fault.TWICE: 0.05, Fault.CRASH: 0.02}
    table = FaultyTable(
        world.table, seeded(seed, chances, frozenset({"get", "get_many", "update"}))
    )
    for _ in range(100):
        try:
            world.clear(table=table)
        except (StorageError, Crashed):
            continue
        break
    assert world.reconcile() == Receipt(exported=60, cleared=60)


def test_a_busy_storage_is_waited_for(world: World):
    world.archived(parts=1)
    world.clear(table=FaultyTable(world.table, first(Fault.BUSY, "update", 5)))
    assert world.reconcile() == Receipt(exported=20, cleared=20)
    assert 0 < world.clock.slept < 20


def test_a_bucket_that_fails_is_asked_again(world: World):
    world.archived()
    asked = 0

    def failing(_: str) -> None:
        nonlocal asked
        asked += 1
        if asked in {1, 3, 6, 10}:
            raise StorageError

    world.archive.before = failing
    for _ in range(3):
        with pytest.raises(StorageError):
            world.clear()
    with pytest.raises(StorageError):
        world.clear()
    world.clear()
    assert world.reconcile() == Receipt(exported=20, cleared=20)


def test_another_organizations_entries_are_not_there(world: World):
    """I6: the keys are made from the job's organization, whatever a manifest says."""
    world.archived()
    other = [Entry.of({**e.item, "PK": e.key.pk.replace("acme", "other")}) for e in world.entries()]
    for entry in other:
        world.table.poke(entry.item)
    world.clear()
    assert all(not Entry.of(world.table.peek(each.key) or {}).is_tombstone for each in other)
    assert {entry.key.pk.split("#")[1] for entry in world.tombstones()} == {ORGANIZATION}
    assert len(CONVERSATIONS) * 4 == len(world.tombstones())
