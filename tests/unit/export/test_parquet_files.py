"""An export of several files: each chunk is one, named and counted, whatever fails."""

import io
import itertools
from importlib import import_module
from typing import Any

import msgspec
import pytest

from chatledger.errors import Conflict, StorageError
from chatledger.export import chunk as chunks
from chatledger.export import outcome
from chatledger.export.answers import Links, job_answer, jobs_answer
from chatledger.export.count import count
from chatledger.export.exporter import Exporter
from chatledger.export.job import MAX_FILES, File, Job
from chatledger.export.spec import spec_of
from chatledger.export.steps import plan_export, write_export_part
from chatledger.export.write_part import Chunk
from chatledger.ledger.append import append
from tests.fakes.chats import batch, ledger_on, noise
from tests.fakes.faults import Crashed
from tests.fakes.memory_table import MemoryTable
from tests.unit.export.exports import (
    CONVERSATIONS,
    NEVER,
    ORGANIZATION,
    begun,
    bucket_of,
    exported,
    exporter_of,
    filled_ledger,
    in_request,
    in_workflow,
    job_of,
    request,
    steps,
    talk,
)

PYARROW: Any = import_module("pyarrow.parquet")  # it does not say its types
PARQUET = request("parquet")
Rows = list[dict[str, Any]]


def files_of(exporter: Exporter, job: Job) -> list[Rows]:
    """The rows of each file, which is what the job says of it."""
    assert job.status == "succeeded", job.error
    assert job.counts
    objects = bucket_of(exporter).objects
    assert [len(objects[file.key]) for file in job.files] == [file.bytes for file in job.files]
    assert job.counts.bytes == sum(file.bytes for file in job.files)
    names = [file.name for file in job.files]
    assert names == [
        f"ai_conversations_export_2026-11-22-{number:04}.parquet"
        for number in range(1, len(names) + 1)
    ]
    return [PYARROW.read_table(io.BytesIO(objects[file.key])).to_pylist() for file in job.files]


def said(files: list[Rows]) -> list[tuple[str, str]]:
    return [(row["conversation_id"], row["message_id"]) for rows in files for row in rows]


def test_however_it_is_cut_every_message_is_there_once(cut: None):
    ledger = filled_ledger()
    exporter = exporter_of(ledger)
    job = in_request(exporter, PARQUET)
    assert job.counts
    assert (job.counts.conversations, job.counts.messages) == (7, 70)
    here = files_of(exporter, job)
    assert len(here) in {1, len(CONVERSATIONS)}
    assert sorted(said(here)) == sorted(
        (each, f"m{number}") for each in CONVERSATIONS for number in range(10)
    )
    assert in_workflow(exporter, PARQUET, "E2") == {"next": "end"}
    there = job_of(exporter, "E2")
    assert files_of(exporter, there) == here
    assert there.counts == job.counts
    assert [file.sha256 for file in there.files] == [file.sha256 for file in job.files]
    assert count(ledger, ORGANIZATION, spec_of(PARQUET)).counts == job.counts


def test_an_export_of_nothing_is_a_file_without_rows():
    exporter = exporter_of(ledger_on(MemoryTable()))
    job, data = exported(exporter, PARQUET)
    assert [file.name.rpartition("-")[2] for file in job.files] == ["0001.parquet"]
    table = PYARROW.read_table(io.BytesIO(data))
    assert (table.num_rows, table.num_columns) == (0, 28)
    assert count(exporter.ledger, ORGANIZATION, spec_of(PARQUET)).counts == job.counts


def test_a_conversation_larger_than_a_file_is_counted_once(monkeypatch: pytest.MonkeyPatch):
    ledger = filled_ledger()
    long = [
        msgspec.structs.replace(each, content=noise(4000, number))
        for number, each in enumerate(talk("long", 400))
    ]
    append(ledger, ORGANIZATION, batch(long))
    monkeypatch.setattr(chunks, "HELD_BYTES", 100_000)
    exporter = exporter_of(ledger)
    job = in_request(exporter, PARQUET)
    found = files_of(exporter, job)
    assert job.counts
    assert (job.counts.conversations, job.counts.messages) == (8, 470)
    assert job.progress.messages == 470
    assert len(found) > 3
    assert sorted(said(found)) == sorted(set(said(found)))
    assert len(said(found)) == 470
    objects = bucket_of(exporter).objects
    committed = [
        msgspec.json.decode(data, type=Chunk)
        for key, data in objects.items()
        if key.endswith(".json") and "/parts/" in key
    ]
    pieces = [piece for each in committed for piece in each.asked_for(spec_of(PARQUET))]
    assert len(pieces) == len(found) > len(committed)
    assert sum(piece.messages for piece in pieces) == 470
    assert count(ledger, ORGANIZATION, spec_of(PARQUET)).counts == job.counts


def test_a_clear_has_its_archive_beside_the_files(cut: None):
    exporter = exporter_of(filled_ledger())
    in_workflow(exporter, request("parquet", clear=True))
    job = job_of(exporter)
    assert job.archive
    assert job.archive.counts.messages == 70
    objects = bucket_of(exporter).objects
    rows = [PYARROW.read_table(io.BytesIO(objects[file.key])).num_rows for file in job.files]
    assert sum(rows) == 70


def test_a_crash_anywhere_leaves_what_a_retry_completes_once(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    ledger = filled_ledger()
    expected = files_of(exporter := exporter_of(ledger), in_request(exporter, PARQUET))
    for call in itertools.count(1):
        exporter = exporter_of(filled_ledger())
        begun(exporter, PARQUET)
        numbers = itertools.count(1)

        def before(_: str, numbers: Any = numbers, call: int = call) -> None:
            if next(numbers) == call:
                raise Crashed

        bucket_of(exporter).before = before
        try:
            steps(exporter)
            break
        except Crashed:
            bucket_of(exporter).before = lambda _: None
        steps(exporter)
        assert files_of(exporter, job_of(exporter)) == expected, call
    assert call > 15


def test_storage_that_does_not_answer_is_said_as_such():
    exporter = exporter_of(filled_ledger())
    begun(exporter, PARQUET)
    plan_export(exporter, ORGANIZATION, "E1")

    def busy(call: str) -> None:
        if call == "put":
            raise StorageError("busy")

    bucket_of(exporter).before = busy
    with pytest.raises(StorageError, match="busy"):
        write_export_part(exporter, ORGANIZATION, "E1", 1, NEVER)


def test_a_list_of_exports_leaves_out_the_links_of_many_files(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    exporter = exporter_of(filled_ledger())
    job = in_request(exporter, PARQUET)
    links = Links(exporter.exports, exporter.archive)
    answer, _ = jobs_answer(exporter.ledger, links, ORGANIZATION, None, 10)
    assert answer["exports"][0]["files"] == []
    assert len(job_answer(exporter.ledger, links, job)["files"]) == len(CONVERSATIONS)


def test_more_files_than_a_job_can_name_fail_with_the_way_out(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
    monkeypatch.setattr(outcome, "MAX_FILES", 6)
    exporter = exporter_of(filled_ledger())
    with pytest.raises(Conflict, match="has 7 files"):
        in_request(exporter, PARQUET)
    job = job_of(exporter)
    assert (job.status, job.files) == ("failed", ())
    assert job.error
    assert "fewer days" in job.error.error


def test_files_of_the_largest_job_fit_into_its_item():
    """Beside a request of 200 KB, in an item of 400 KB."""
    key = f"exports/acme/01JD0000000000000000000000/parts/00016-0031-{'0' * 26}"
    name = "ai_conversations_export_2026-11-28-0500.parquet"
    file = File(name, key, 24 * 2**20, "0" * 64)
    assert len(msgspec.json.encode([file] * MAX_FILES)) < 180 * 1024
