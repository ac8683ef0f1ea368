"""Beginning an export: in the request while the caller waits, then in the workflow; the lease."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.errors import Conflict, StorageError
from chatledger.export import chunk as chunks
from chatledger.export import jobs
from chatledger.export.begin import Wanted, export
from chatledger.export.exporter import Exporter
from chatledger.export.job import Clear, Job
from chatledger.export.steps import finish_export, plan_export, write_export_part
from chatledger.jobs import lease, running
from chatledger.models.exports import ExportRequest
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_states import MemoryStates
from tests.unit.export.exports import (
    NEVER,
    NOW,
    ORGANIZATION,
    WAIT,
    Clock,
    bucket_of,
    exporter_of,
    file_of,
    filled_ledger,
    job_of,
    request,
    steps,
)

CLEAR = request("archive", clear=True)


def ask(
    exporter: Exporter,
    machine: MemoryStates,
    asked: ExportRequest,
    export_id: str = "E1",
    wait: timedelta = timedelta(0),
) -> Job:
    return export(exporter, machine, Wanted(ORGANIZATION, export_id, asked), wait)


def running_ids(exporter: Exporter) -> list[str]:
    return [job.job_id for job in running.all_running(exporter.ledger.table)]


def ended(exporter: Exporter, export_id: str, **changes: Any) -> None:
    job = job_of(exporter, export_id)
    changed = msgspec.structs.replace(job, **{"status": "succeeded", **changes})
    jobs.save(exporter.ledger.table, changed)


def test_without_a_wait_the_workflow_does_it_all():
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    job = ask(exporter, machine, request())
    assert (job.status, job.execution) == ("queued", "E1")
    assert machine.started == {
        "E1": {"organization": ORGANIZATION, "export_id": "E1", "from": "plan"}
    }
    assert running_ids(exporter) == ["E1"]
    assert not bucket_of(exporter).objects


def test_with_a_wait_it_is_done_here_and_nothing_is_started():
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    job = ask(exporter, machine, request(), wait=WAIT)
    assert job.status == "succeeded"
    assert not machine.started
    assert running_ids(exporter) == ["E1"]  # The sweeper sees that it has ended.


def test_what_is_too_much_for_a_request_is_handed_over(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    whole = exporter_of(filled_ledger())
    expected = file_of(whole, ask(whole, MemoryStates(), request("csv"), wait=WAIT))
    clock = Clock()
    exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()
    clock.each = timedelta(seconds=0.4)
    job = ask(exporter, machine, request("csv"), wait=WAIT)
    assert (job.status, job.execution, job.run_until) == ("running", "E1", None)
    written = {key: data for key, data in bucket_of(exporter).objects.items() if "parts/" in key}
    assert written, "what was committed stays"
    assert list(machine.started) == ["E1"]
    clock.each = timedelta(0)
    steps(exporter)
    assert file_of(exporter, job_of(exporter)) == expected
    kept = bucket_of(exporter).objects
    assert {key: kept[key] for key in written} == written, "and is not written again"


def test_a_request_that_runs_out_of_time_commits_no_short_chunk():
    whole = exporter_of(filled_ledger())
    ask(whole, MemoryStates(), request("csv"), wait=WAIT)
    clock = Clock()
    exporter = exporter_of(filled_ledger(clock))
    clock.each = timedelta(seconds=1)
    ask(exporter, MemoryStates(), request("csv"), wait=WAIT)
    assert not [key for key in bucket_of(exporter).objects if "parts/" in key]


def test_a_repeat_while_another_request_runs_it_waits_for_that_one():
    clock = Clock()
    exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()
    repeats: list[Job] = []

    def meanwhile(_: str) -> None:
        bucket_of(exporter).before = lambda _: None
        repeats.append(ask(exporter, machine, request()))

    bucket_of(exporter).before = meanwhile
    job = ask(exporter, machine, request(), wait=WAIT)
    assert job.status == "succeeded"
    assert [each.ended for each in repeats] == [False]
    assert not machine.started


def test_a_repeat_of_a_request_that_died_goes_on_with_it():
    clock = Clock()
    exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()

    def die(call: str) -> None:
        if call == "put":
            raise Crashed

    bucket_of(exporter).before = die
    with pytest.raises(Crashed):
        ask(exporter, machine, request(), wait=WAIT)
    bucket_of(exporter).before = lambda _: None
    assert ask(exporter, machine, request()).status == "queued"  # It may be alive yet.
    assert not machine.started
    clock.at += timedelta(seconds=21)
    assert ask(exporter, machine, request()).execution == "E1"
    steps(exporter)
    assert ask(exporter, machine, request(), wait=WAIT).status == "succeeded"


def test_a_storage_error_leaves_a_job_that_a_repeat_completes():
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    expected = file_of(exporter, ask(exporter, machine, request(), "whole", WAIT))

    def busy(call: str) -> None:
        if call == "read":
            raise StorageError

    bucket_of(exporter).before = busy
    with pytest.raises(StorageError):
        ask(exporter, machine, request(), wait=WAIT)
    bucket_of(exporter).before = lambda _: None
    assert file_of(exporter, ask(exporter, machine, request(), wait=WAIT)) == expected


@pytest.mark.parametrize("wait", [timedelta(0), WAIT])
@pytest.mark.parametrize("asked", [request("csv"), CLEAR])
def test_a_crash_at_any_call_to_the_table_is_made_good_by_a_repeat(
    asked: ExportRequest, wait: timedelta
):
    for call in itertools.count(1):
        clock = Clock()
        exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()
        table = FaultyTable(exporter.ledger.table, at({call: Fault.CRASH}))
        crashing = replace(exporter, ledger=replace(exporter.ledger, table=table))
        crashed = False
        try:
            ask(crashing, machine, asked, wait=wait)
        except Crashed:
            crashed = True
        clock.at += timedelta(seconds=21)
        ask(exporter, machine, asked)
        job = job_of(exporter)
        assert job.ended or list(machine.started) == ["E1"]
        assert running_ids(exporter) == ["E1"]
        if not job.ended:
            steps(exporter)
        assert file_of(exporter, job_of(exporter))
        if not crashed:
            break
    assert call > 5


def test_one_clear_at_a_time_and_a_refused_one_changes_nothing():
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    ask(exporter, machine, CLEAR)
    with pytest.raises(Conflict, match="E1"):
        ask(exporter, machine, CLEAR, "E2")
    assert jobs.load(exporter.ledger.table, ORGANIZATION, "E2") is None
    assert running_ids(exporter) == ["E1"]
    assert list(machine.started) == ["E1"]
    assert ask(exporter, machine, CLEAR).execution == "E1"
    ask(exporter, machine, request("archive"), "E3")  # That one clears nothing.
    ended(exporter, "E1")
    assert ask(exporter, machine, CLEAR, "E2").execution == "E2"
    assert lease.holder(exporter.ledger.table, ORGANIZATION) == "E2"


def test_a_clear_to_be_acknowledged_takes_no_lease_yet():
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    ask(exporter, machine, CLEAR)
    asked = request("archive", clear=True, clear_on="acknowledged")
    assert ask(exporter, machine, asked, "E2").clear == Clear(on="acknowledged")
    assert lease.holder(exporter.ledger.table, ORGANIZATION) == "E1"


def test_a_lease_that_was_taken_before_the_job_was_there_is_asked_for_again():
    """Between its lease and its job, a clear looks like one that has ended."""
    exporter, machine = exporter_of(filled_ledger()), MemoryStates()
    memory = exporter.ledger.table

    class Overtaken(FaultyTable):
        def transact(self, writes: Any) -> None:
            if not jobs.load(memory, ORGANIZATION, "E1"):
                ask(exporter, machine, CLEAR, "E2")
            super().transact(writes)

    overtaken = replace(exporter, ledger=replace(exporter.ledger, table=Overtaken(memory, at({}))))
    with pytest.raises(Conflict, match="E2"):
        ask(overtaken, machine, CLEAR)
    assert (job_of(exporter, "E1").status, job_of(exporter, "E2").status) == ("failed", "queued")
    assert list(machine.started) == ["E2"]
    assert lease.holder(memory, ORGANIZATION) == "E2"


def test_a_clear_is_waited_for_in_the_workflow():
    clock = Clock()
    exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()
    looks = itertools.count(1)

    def sleep(seconds: float) -> None:
        clock.sleep(seconds)
        if next(looks) == 5:
            ended(exporter, "E1")

    waiting = replace(exporter, ledger=replace(exporter.ledger, sleep=sleep))
    job = ask(waiting, machine, CLEAR, wait=WAIT)
    assert job.ended
    assert clock.at - NOW < timedelta(seconds=2)
    ended(exporter, "E1", status="running")
    started = clock.at
    assert ask(exporter, machine, CLEAR, wait=WAIT).status == "running"
    assert WAIT <= clock.at - started < WAIT + timedelta(seconds=1)


def test_nobody_waits_for_a_clear_that_waits_for_them():
    clock = Clock()
    exporter, machine = exporter_of(filled_ledger(clock)), MemoryStates()
    asked = request("archive", clear=True, clear_on="acknowledged")
    ask(exporter, machine, asked)
    steps(exporter)
    before = clock.at
    job = ask(exporter, machine, asked, wait=WAIT)
    assert job.clear
    assert job.clear.status == "awaiting_acknowledgement"
    assert clock.at == before


def test_a_sweeper_may_start_what_a_request_still_runs(monkeypatch: pytest.MonkeyPatch):
    """Both write the same file; whoever comes first ends the job."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    whole = exporter_of(filled_ledger())
    expected = file_of(whole, ask(whole, MemoryStates(), request("csv"), wait=WAIT))
    for call in (3, 6, 9, 12, 15, 18):
        exporter, machine = exporter_of(filled_ledger()), MemoryStates()
        numbers = itertools.count(1)

        def meanwhile(_: str) -> None:
            if next(numbers) == call:  # noqa: B023 - used within its round
                bucket_of(exporter).before = lambda _: None  # noqa: B023
                plan_export(exporter, ORGANIZATION, "E1")  # noqa: B023
                write_export_part(exporter, ORGANIZATION, "E1", 1, NEVER)  # noqa: B023
                finish_export(exporter, ORGANIZATION, "E1", NEVER)  # noqa: B023

        bucket_of(exporter).before = meanwhile
        job = ask(exporter, machine, request("csv"), wait=WAIT)
        assert job.status == "succeeded"
        assert file_of(exporter, job) == expected
