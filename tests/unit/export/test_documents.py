"""Documents come out by the same steps as conversations, each whole, as it is now."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from chatledger.audit.record import SYSTEM
from chatledger.documents import listing
from chatledger.documents.document import load
from chatledger.documents.read import ContentGone, exported_line
from chatledger.documents.store import Library, store
from chatledger.export import chunk as chunks
from chatledger.export.answers import Links, dry_run_answer, job_answer
from chatledger.export.exporter import Exporter
from chatledger.export.job import Counts, Job
from chatledger.export.part_progress import live_progress
from chatledger.export.project import documents_of
from chatledger.export.steps import plan_export, write_export_part
from chatledger.jobs.ended import Ended
from chatledger.models.documents import DocumentRequest
from chatledger.models.exports import ExportRequest
from chatledger.selection import Selection
from tests.fakes.chats import noise
from tests.fakes.memory_bucket import MemoryBucket
from tests.unit.audit.trails import records
from tests.unit.export.exports import (
    NOW,
    ORGANIZATION,
    Clock,
    begun,
    exported,
    exporter_of,
    file_of,
    in_request,
    in_workflow,
    job_of,
    ledger_at,
    opened,
    steps,
)
from tests.unit.export.test_memory import HollowBucket, peak_of

MB = 2**20
Found = list[tuple[str, str]]


@dataclass
class World:
    clock: Clock = field(default_factory=Clock)
    bucket: MemoryBucket = field(default_factory=lambda: MemoryBucket("kept", versioned=True))

    def __post_init__(self) -> None:
        self.library = Library(ledger_at(self.clock), self.bucket)

    def store(
        self, document_id: str, app_id: str = "biology", organization: str = ORGANIZATION, **of: Any
    ) -> None:
        of = {"text": f"text of {document_id}", **of}
        wanted = {"document_id": document_id, "app_id": app_id, **of}
        store(self.library, organization, DocumentRequest.model_validate(wanted))

    @property
    def exporter(self) -> Exporter:
        """With buckets of its own."""
        return replace(exporter_of(self.library.ledger), documents=self.bucket)

    def exported(self, **asked: Any) -> tuple[Job, bytes]:
        return exported(self.exporter, of_documents(**asked))


def of_documents(**asked: Any) -> ExportRequest:
    return ExportRequest.model_validate({"dataset": "documents", "anonymize": False, **asked})


def found(data: bytes) -> Found:
    rows = [json.loads(line) for line in data.splitlines()]
    return [(row["document_id"], row["text"]) for row in rows]


def ids(data: bytes) -> list[str]:
    return [document_id for document_id, _ in found(data)]


@pytest.fixture
def world() -> World:
    """Nine documents, one an hour, of two apps; the tenth belongs to somebody else."""
    made = World(Clock(NOW - timedelta(hours=9)))
    vectors = [{"text": "a", "embedding": [0.1, 0.2]}, {"text": "b", "embedding": [3.0, -1e-9]}]
    for number in range(9):
        of = {"chunks": vectors, "metadata": {"page": number}, "filename": f"{number}.pdf"}
        made.store(f"d#{number}", "chemistry" if number % 3 == 2 else "biology", **of)
        made.clock.at += timedelta(hours=1)
    made.store("not ours", organization="somebody")
    return made


@pytest.fixture(params=["one part", "several parts", "and a chunk a document"])
def cut(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param != "one part":
        monkeypatch.setattr(listing, "PART_DOCUMENTS", 2)
    if request.param == "and a chunk a document":
        monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)


def test_a_job_of_documents_says_so(world: World):
    job, data = world.exported()
    assert ids(data) == [f"d#{number}" for number in range(9)]
    assert job.counts == Counts(0, 0, len(data), 9)
    assert [file.name for file in job.files] == ["documents_export_2026-11-22.jsonl"]
    answer = job_answer(world.library.ledger, Links(), job)
    counts = {"conversations": 0, "messages": 0, "documents": 9}
    assert answer["counts"] == {**counts, "bytes": len(data)}
    assert answer["progress"] == {**counts, "parts_done": 1, "parts_total": 1}
    assert (answer["cursor"], answer["redactions"], answer["archive"]) == (None, None, None)
    admitted, ended = records(world.library.ledger.table, ORGANIZATION)[-2:]
    assert admitted.subject == {
        "export_id": "E1",
        "format": "jsonl",
        "dataset": "documents",
        "anonymize": "false",
    }
    assert ended.counts["documents"] == 9


def test_an_export_of_conversations_says_nothing_of_documents(world: World):
    asked = ExportRequest.model_validate({"anonymize": False})
    job, _ = exported(world.exporter, asked)
    answer = job_answer(world.library.ledger, Links(), job)
    assert "documents" not in {*answer["counts"], *answer["progress"]}


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_however_it_is_cut_and_by_whom_the_file_says_the_same(
    world: World, cut: None, compression: str
):
    asked = of_documents(compression=compression)
    job, data = exported(world.exporter, asked)
    by_steps = world.exporter
    assert in_workflow(by_steps, asked, "E2") == {"next": "end"}
    again = job_of(by_steps, "E2")
    assert file_of(by_steps, again) == data
    assert ids(opened(data, "jsonl", compression)) == [f"d#{number}" for number in range(9)]
    assert (again.counts, again.progress) == (job.counts, job.progress)


def test_a_step_whose_time_is_up_goes_on_after_the_last_document(world: World, cut: None):
    _, data = world.exported()
    in_steps = world.exporter
    in_workflow(in_steps, of_documents(), "E2", lambda: NOW - timedelta(days=1))
    assert file_of(in_steps, job_of(in_steps, "E2")) == data


@pytest.mark.parametrize(
    ("asked", "numbers"),
    [
        ({"filters": {"app_id": ["chemistry"]}}, [2, 5, 8]),
        ({"filters": {"app_id": ["chemistry", "biology"]}}, range(9)),
        ({"filters": {"app_id": "nothing"}}, []),
        ({"start_date": "2026-11-22T05:00:00Z"}, range(4, 9)),
        ({"end_date": "2026-11-22T04:00:00Z"}, range(4)),
        ({"end_date": "2026-11-21"}, []),
        ({"start_date": "2026-11-22T03:00:00Z", "filters": {"app_id": "chemistry"}}, [2, 5, 8]),
    ],
)
def test_documents_are_chosen_by_app_and_by_when_they_were_first_stored(
    world: World, asked: dict[str, Any], numbers: list[int]
):
    world.store("d#0", text="changed now, but not new")
    job, data = world.exported(**asked)
    assert ids(data) == [f"d#{number}" for number in numbers]
    dry = dry_run_answer(world.library.ledger, ORGANIZATION, of_documents(**asked, dry_run=True))
    assert job.counts
    assert dry["counts"] == {
        "conversations": 0,
        "messages": 0,
        "documents": len(numbers),
        "bytes": len(data),
    }


def test_parts_hold_all_that_is_chosen_and_are_bounded_both_ways(
    world: World, monkeypatch: pytest.MonkeyPatch
):
    def ranges() -> list[tuple[str, str]]:
        return list(listing.ranges(world.library.ledger.table, ORGANIZATION, Selection()))

    assert ranges() == [("d%230", "d%238")]
    monkeypatch.setattr(listing, "PART_DOCUMENTS", 4)
    assert ranges() == [("d%230", "d%233"), ("d%234", "d%237"), ("d%238", "d%238")]
    one = load(world.library.ledger.table, ORGANIZATION, "d#0")
    assert one
    monkeypatch.setattr(listing, "PART_BYTES", 2 * one.line_bytes + 10)
    assert len(ranges()) == 5
    monkeypatch.setattr(listing, "PART_BYTES", 1)  # A document is never split.
    assert len(ranges()) == 9


@dataclass
class Meanwhile:
    """Once, just before a document's content is read, something happens to it."""

    bucket: MemoryBucket
    happens: Callable[[], None]

    def __call__(self, call: str) -> None:
        if call == "read":
            self.bucket.before = lambda _: None
            self.happens()


@pytest.mark.parametrize(("app_id", "first"), [("biology", [("d#0", "new")]), ("chemistry", [])])
def test_a_document_that_is_replaced_under_its_reader_comes_as_it_is_now(
    world: World, app_id: str, first: Found
):
    world.bucket.before = Meanwhile(
        world.bucket, lambda: world.store("d#0", app_id=app_id, text="new")
    )
    _, data = world.exported(filters={"app_id": "biology"})
    others = [(f"d#{number}", f"text of d#{number}") for number in (1, 3, 4, 6, 7)]
    assert found(data) == first + others


def test_content_that_is_gone_is_no_empty_line_and_the_job_names_its_document(world: World):
    document = load(world.library.ledger.table, ORGANIZATION, "d#0")
    assert document
    world.bucket.delete(document.content.key, document.content.version)
    with pytest.raises(ContentGone, match="'d#0'"):
        exported_line(world.library, ORGANIZATION, document, Selection())
    exporter = world.exporter
    job = in_request(exporter, of_documents())
    begun(exporter, of_documents(), "E2")
    with pytest.raises(Ended):
        steps(exporter, "E2")
    for failed in (job, job_of(exporter, "E2")):
        assert (failed.status, failed.files) == ("failed", ())
        assert failed.error
        assert "document 'd#0'" in failed.error.error
        assert "POST it to /documents again" in failed.error.error
    world.store("d#0")
    assert in_request(exporter, of_documents(), "E3").status == "succeeded"


def test_progress_counts_documents_while_it_runs(world: World, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(listing, "PART_DOCUMENTS", 5)
    exporter = world.exporter
    begun(exporter, of_documents())
    plan_export(exporter, ORGANIZATION, "E1")
    write_export_part(exporter, ORGANIZATION, "E1", 1, NOW + timedelta(hours=1))
    so_far = live_progress(exporter.ledger.table, job_of(exporter))
    assert (so_far.documents, so_far.conversations, so_far.parts_done) == (5, 0, 1)
    assert steps(exporter) == {"next": "end"}
    assert job_of(exporter).progress.documents == 9


def test_a_project_without_documents_is_an_empty_file():
    exporter = World().exporter
    wanted = documents_of(ORGANIZATION, "biology", "E1", SYSTEM)
    job = in_request(exporter, wanted.request)
    assert (job.status, file_of(exporter, job)) == ("succeeded", b"")


def peak(count: int) -> int:
    """Of the step that writes so many documents of a megabyte."""
    world = World()
    for number in range(count):
        world.store(f"d{number:03}", text=noise(MB, number))
    exporter = replace(world.exporter, exports=HollowBucket("exports"))
    begun(exporter, of_documents())
    plan_export(exporter, ORGANIZATION, "E1")
    until = NOW + timedelta(days=1)
    return peak_of(lambda: write_export_part(exporter, ORGANIZATION, "E1", 1, until))


def test_one_document_at_a_time_is_in_memory():
    less, more = peak(12), peak(48)
    assert more - less < 5 * MB, (less, more)
    assert more < 40 * MB
