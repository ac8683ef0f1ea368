"""The workflow's steps: the same bytes as in a request, whatever fails and however often."""

import itertools
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.errors import StorageError
from chatledger.export import chunk as chunks
from chatledger.export import jobs
from chatledger.export import plan as plans
from chatledger.export.exporter import Exporter
from chatledger.export.job import Counts, Home, Progress
from chatledger.export.part_progress import live_progress
from chatledger.export.remove import remove
from chatledger.export.steps import finish_export, plan_export, write_export_part
from chatledger.jobs.ended import Ended
from chatledger.ledger.append import append
from tests.fakes.chats import batch
from tests.fakes.faults import Crashed, Fault, FaultyTable, at, first
from tests.unit.export.exports import (
    CONVERSATIONS,
    NEVER,
    NOW,
    ORGANIZATION,
    Clock,
    begun,
    bucket_of,
    exported,
    exporter_of,
    file_of,
    filled_ledger,
    in_workflow,
    job_of,
    ledger_at,
    lines,
    opened,
    request,
    steps,
    talk,
)

EVERY_FORM = [
    *itertools.product(["json", "csv", "jsonl", "txt"], ["none", "gzip", "zstd"]),
    *itertools.product(["ml", "anythingllm"], ["none", "gzip"]),
    *((each, "none") for each in ("openai", "sharegpt", "alpaca", "uiuc", "xlsx", "archive")),
]


def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Several parts, and in each a chunk per conversation."""
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 2)


@pytest.mark.parametrize(("format", "compression"), EVERY_FORM)
def test_the_workflow_writes_the_same_bytes_as_a_request(cut: None, format: str, compression: str):
    ledger = filled_ledger()
    asked = request(format, compression=compression)
    job, here = exported(exporter_of(ledger), asked)
    exporter = exporter_of(ledger)
    assert in_workflow(exporter, asked, "E2") == {"next": "end"}
    there = job_of(exporter, "E2")
    assert file_of(exporter, there) == here
    assert (there.counts, there.progress, there.status) == (job.counts, job.progress, "succeeded")


@pytest.mark.parametrize(("format", "compression"), EVERY_FORM)
def test_where_it_is_cut_changes_no_content(
    format: str, compression: str, monkeypatch: pytest.MonkeyPatch
):
    ledger, asked = filled_ledger(), request(format, compression=compression)
    _, whole = exported(exporter_of(ledger), asked)
    small(monkeypatch)
    exporter = exporter_of(ledger)
    _, cut = exported(exporter, asked, "E2")
    assert len([key for key in bucket_of(exporter).objects if "parts/" in key]) > 14
    assert opened(cut, format, compression) == opened(whole, format, compression)


@pytest.mark.parametrize("format", ["json", "csv", "xlsx"])
def test_a_clear_writes_the_same_file_and_its_archive_beside_it(cut: None, format: str):
    ledger = filled_ledger()
    _, plain = exported(exporter_of(ledger), request(format))
    _, archive = exported(exporter_of(ledger), request("archive"), "E2")
    exporter = exporter_of(ledger)
    what_next = in_workflow(exporter, request(format, clear=True), "E3")
    job = job_of(exporter, "E3")
    assert file_of(exporter, job) == plain
    assert job.manifest
    assert job.archive
    assert what_next == {"next": "verify", "bucket": "archive", "key": job.manifest.parts_key}
    kept = bucket_of(exporter, "archive")
    parts = [kept.versions[file.key, str(file.version)] for file in job.archive.files]
    assert b"".join(parts) == archive
    assert (job.status, job.archive.counts.messages) == ("running", 70)


def test_a_function_whose_time_is_up_goes_on_where_it_stopped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 10**9)
    ledger, asked = filled_ledger(), request("csv")
    _, expected = exported(exporter_of(ledger), asked)
    exporter, calls = exporter_of(ledger), itertools.count(1)

    def at_once() -> Any:
        next(calls)
        return NOW

    in_workflow(exporter, asked, "E2", at_once)
    # A call for each conversation, and one that finds that there are no more.
    assert next(calls) - 1 == len(CONVERSATIONS) + 1
    assert file_of(exporter, job_of(exporter, "E2")) == expected


def test_time_is_looked_at_where_nothing_matches():
    exporter = exporter_of(filled_ledger())
    asked = request(filters={"status": ["resolved"]})
    begun(exporter, asked)
    plan_export(exporter, ORGANIZATION, "E1")
    assert not write_export_part(exporter, ORGANIZATION, "E1", 1, NOW)
    assert steps(exporter) == {"next": "end"}
    assert job_of(exporter).counts == Counts(0, 0, 0)


def crashed_at(call: int, exporter: Exporter, home: Home) -> bool:
    """Whether the steps died before this call to the bucket; they end before it otherwise."""
    numbers = itertools.count(1)

    def before(_: str) -> None:
        if next(numbers) == call:
            raise Crashed

    bucket_of(exporter, home).before = before
    try:
        steps(exporter)
    except Crashed:
        return True
    finally:
        bucket_of(exporter, home).before = lambda _: None
    return False


@pytest.mark.parametrize("home", ["exports", "archive"])
@pytest.mark.parametrize("kind", ["csv", "archive", "csv and clear", "archive and clear"])
def test_a_crash_before_any_call_to_a_bucket_leaves_what_a_retry_completes(
    kind: str, home: Home, monkeypatch: pytest.MonkeyPatch
):
    small(monkeypatch)
    asked = request(kind.split(maxsplit=1)[0], clear=kind.endswith("clear"))
    exporter = exporter_of(filled_ledger())
    begun(exporter, asked)
    expected = outcome(exporter)
    for call in itertools.count(1):
        exporter = exporter_of(filled_ledger())
        begun(exporter, asked)
        crashed = crashed_at(call, exporter, home)
        assert outcome(exporter) == expected, call
        if not crashed:
            break
    assert call > (15 if home == "exports" else 8 if asked.clear else 0)


def outcome(exporter: Exporter) -> tuple[bytes, Any, Any]:
    """The file, its counts and the archive's, once a retry has completed what was left."""
    if not job_of(exporter).ended:
        steps(exporter)
    job = job_of(exporter)
    return file_of(exporter, job), job.counts, job.archive and job.archive.counts


@pytest.mark.parametrize("fault", [Fault.BUSY, Fault.LOST, Fault.TWICE, Fault.CRASH])
def test_a_fault_of_any_call_to_the_table_leaves_what_a_retry_completes(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
):
    small(monkeypatch)
    ledger, asked = filled_ledger(), request("csv", clear=True)
    _, expected = exported(exporter_of(ledger), request("csv"), "E0")
    for call in itertools.count(1):
        exporter = exporter_of(ledger)
        bare = begun(exporter, asked, f"E{call}")
        table = FaultyTable(ledger.table, at({call: fault}))
        faulty = Exporter(
            replace(ledger, table=table), exporter.exports, exporter.archive, exporter.signer
        )
        try:
            steps(faulty, bare.export_id)
        except (Crashed, StorageError):
            steps(exporter, bare.export_id)
        job = job_of(exporter, bare.export_id)
        assert file_of(exporter, job) == expected
        ended = msgspec.structs.replace(job, status="cancelled")
        jobs.save(ledger.table, ended)  # The lease is free for the next.
        if not table.hits:
            break
    assert call > 20


def test_two_that_write_the_same_part_make_one_file(monkeypatch: pytest.MonkeyPatch):
    """A slow function whose execution was started anew meets its successor in every chunk."""
    small(monkeypatch)
    ledger, asked = filled_ledger(), request("json", compression="gzip")
    _, expected = exported(exporter_of(ledger), asked)
    exporter = exporter_of(ledger)
    begun(exporter, asked, "E2")
    bucket, numbers, inside = bucket_of(exporter), itertools.count(1), False

    def successor_first(call: str) -> None:
        nonlocal inside
        if call == "put" and not inside and next(numbers) % 3 == 0:
            inside = True
            steps(exporter, "E2")
            inside = False

    bucket.before = successor_first
    with pytest.raises(Ended):
        steps(exporter, "E2")
    assert next(numbers) > 3
    assert file_of(exporter, job_of(exporter, "E2")) == expected


def test_who_was_cut_short_by_time_does_not_confuse_who_was_not(monkeypatch: pytest.MonkeyPatch):
    """One commits a short chunk while another writes a long one: the short one stands."""
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 10**9)
    ledger, asked = filled_ledger(), request("jsonl")
    _, expected = exported(exporter_of(ledger), asked)
    exporter = exporter_of(ledger)
    begun(exporter, asked, "E2")
    plan_export(exporter, ORGANIZATION, "E2")
    bucket, inside = bucket_of(exporter), False

    def short_one_first(call: str) -> None:
        nonlocal inside
        if call == "put" and not inside:
            inside = True
            write_export_part(exporter, ORGANIZATION, "E2", 1, NOW)
            inside = False
            bucket.before = lambda _: None

    bucket.before = short_one_first
    assert write_export_part(exporter, ORGANIZATION, "E2", 1, NEVER)
    finish_export(exporter, ORGANIZATION, "E2", NEVER)
    assert file_of(exporter, job_of(exporter, "E2")) == expected


@pytest.mark.parametrize("asked", [{"format": "csv"}, {"format": "csv", "clear": True}])
def test_a_cancelled_export_stops_at_every_step(
    asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    small(monkeypatch)
    for call in itertools.count(1):
        clock = Clock(each=timedelta(seconds=1))
        exporter = exporter_of(filled_ledger(clock))
        begun(exporter, request(**asked))
        cancelled = False
        numbers = itertools.count(1)
        bucket, archive = bucket_of(exporter), bucket_of(exporter, "archive")

        def before(_: str) -> None:
            nonlocal cancelled
            if next(numbers) == call:  # noqa: B023 - used within its round
                bucket.before = lambda _: None  # noqa: B023
                remove(exporter.ledger, bucket, archive, ORGANIZATION, "E1")  # noqa: B023
                cancelled = True

        bucket.before = before
        try:
            steps(exporter)
        except (Ended, StorageError):  # What it reads may be gone.
            with pytest.raises(Ended):
                steps(exporter)
        if not cancelled:
            break
        job = job_of(exporter)
        assert job.status in {"cancelled", "succeeded"}
        assert not job.files_at(clock.at)
        # What was begun may still appear; nothing names it, and a second DELETE removes it.
        remove(exporter.ledger, bucket, archive, ORGANIZATION, "E1")
        assert not bucket.objects
        assert not archive.versions
    assert call > 20


def test_what_is_committed_after_the_plan_is_not_seen():
    exporter = exporter_of(filled_ledger())
    begun(exporter, request())
    plan_export(exporter, ORGANIZATION, "E1")
    append(exporter.ledger, ORGANIZATION, batch(talk("plain", 12)[10:]))
    append(exporter.ledger, ORGANIZATION, batch(talk("new one")))
    steps(exporter)
    job = job_of(exporter)
    assert job.counts
    assert job.counts.messages == 70
    assert len(lines(file_of(exporter, job))["plain"]) == 10


def test_progress_is_told_while_a_part_is_written_and_is_exact(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 2)
    clock = Clock(each=timedelta(seconds=0.5))
    exporter = exporter_of(filled_ledger(clock))
    job = begun(exporter, request("csv"))
    table = exporter.ledger.table
    assert live_progress(table, job) == Progress()
    plan_export(exporter, ORGANIZATION, "E1")
    total = job_of(exporter).progress.parts_total
    assert total >= 3
    seen = [live_progress(table, job_of(exporter))]
    for number in range(1, total + 1):
        while not write_export_part(exporter, ORGANIZATION, "E1", number, NOW):
            seen.append(live_progress(table, job_of(exporter)))
        seen.append(live_progress(table, job_of(exporter)))
        assert seen[-1].parts_done == number
    assert seen[0] == Progress(parts_total=total)
    assert seen[-1] == Progress(7, 70, total, total)
    assert [each.messages for each in seen] == sorted(each.messages for each in seen)
    assert len({each.messages for each in seen}) == 8
    finish_export(exporter, ORGANIZATION, "E1", NEVER)
    assert live_progress(table, job_of(exporter)) == seen[-1]


def test_progress_is_told_within_a_chunk_every_two_seconds():
    clock = Clock(each=timedelta(seconds=0.25))
    exporter = exporter_of(filled_ledger(clock))
    begun(exporter, request("csv"))
    plan_export(exporter, ORGANIZATION, "E1")
    table = exporter.ledger.table
    table.journal.clear()  # type: ignore[attr-defined]
    write_export_part(exporter, ORGANIZATION, "E1", 1, NEVER)
    told = [each for each in table.journal if each.operation == "update"]  # type: ignore[attr-defined]
    assert 2 < len(told) < 7 + 2


def test_a_busy_table_does_not_fail_a_part_for_its_progress():
    ledger = filled_ledger()
    exporter = exporter_of(ledger)
    begun(exporter, request("csv"))
    plan_export(exporter, ORGANIZATION, "E1")

    busy = FaultyTable(ledger.table, first(Fault.BUSY, "update", times=100))
    deaf = Exporter(replace(ledger, table=busy), exporter.exports, signer=exporter.signer)
    assert write_export_part(deaf, ORGANIZATION, "E1", 1, NEVER)


def test_a_step_of_no_job_ends():
    exporter = exporter_of(ledger_at(Clock()))
    with pytest.raises(Ended):
        plan_export(exporter, ORGANIZATION, "nobody")
    with pytest.raises(Ended):
        write_export_part(exporter, ORGANIZATION, "nobody", 1, NEVER)
    with pytest.raises(Ended):
        finish_export(exporter, ORGANIZATION, "nobody", NEVER)


def test_finishing_before_all_is_written_waits():
    exporter = exporter_of(filled_ledger())
    begun(exporter, request())
    plan_export(exporter, ORGANIZATION, "E1")
    with pytest.raises(StorageError, match="not written yet"):
        finish_export(exporter, ORGANIZATION, "E1", NEVER)
