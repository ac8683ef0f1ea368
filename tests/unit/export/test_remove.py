"""DELETE: cancels until a clear begins, and never takes the only copy of what was cleared."""

from typing import Any

import msgspec
import pytest

from chatledger.aws.table import ConditionFailed
from chatledger.errors import Conflict, NotFound
from chatledger.export import jobs
from chatledger.export.answers import Links, download_link, job_answer, jobs_answer
from chatledger.export.exporter import Exporter
from chatledger.export.job import FILES_KEPT, Job
from chatledger.export.remove import remove
from tests.unit.export.exports import (
    NOW,
    ORGANIZATION,
    begun,
    bucket_of,
    exported,
    exporter_of,
    filled_ledger,
    in_workflow,
    job_of,
    request,
)


@pytest.fixture
def exporter() -> Exporter:
    return exporter_of(filled_ledger())


def removed(exporter: Exporter) -> Job:
    buckets = bucket_of(exporter), bucket_of(exporter, "archive")
    return remove(exporter.ledger, *buckets, ORGANIZATION, "E1")


def clearing(exporter: Exporter, so_far: str, **changes: Any) -> Job:
    """The job as a clear that has come so far would leave it."""
    in_workflow(exporter, request("csv", clear=True))
    job = job_of(exporter)
    assert job.clear
    clear = msgspec.structs.replace(job.clear, status=so_far, began_at=NOW)
    return jobs.save(
        exporter.ledger.table, msgspec.structs.replace(job, **{"clear": clear, **changes})
    )


def answer(exporter: Exporter, job: Job) -> dict[str, Any]:
    links = Links(exporter.exports, exporter.archive)
    return job_answer(exporter.ledger, links, job)


def test_a_finished_export_loses_its_files(exporter: Exporter):
    exported(exporter, request("archive"))
    job = removed(exporter)
    assert job.status == "succeeded"
    assert not bucket_of(exporter).objects
    told = answer(exporter, job)
    assert (told["files"], told["manifest"], told["counts"]["messages"]) == ([], None, 70)
    with pytest.raises(NotFound):
        download_link(exporter.ledger, exporter.exports, job)


@pytest.mark.parametrize("on", ["verified", "acknowledged"])
def test_what_never_began_to_clear_goes_with_its_archive(exporter: Exporter, on: str):
    in_workflow(exporter, request("csv", clear=True, clear_on=on))
    assert bucket_of(exporter, "archive").versions
    job = removed(exporter)
    assert job.status == "cancelled"
    assert not bucket_of(exporter).objects
    assert not bucket_of(exporter, "archive").versions
    told = answer(exporter, job)
    assert (told["files"], told["manifest"], told["archive"]) == ([], None, None)


def test_a_clear_that_began_is_not_cancelled(exporter: Exporter):
    clearing(exporter, "clearing")
    before = dict(bucket_of(exporter).objects)
    with pytest.raises(Conflict, match="clearing"):
        removed(exporter)
    assert bucket_of(exporter).objects == before
    assert job_of(exporter).files_removed_at is None


@pytest.mark.parametrize(
    ("status", "clear"),
    [
        ("succeeded", "cleared"),
        ("clear_incomplete", "incomplete"),
        ("succeeded", "undoing"),
        ("succeeded", "undone"),
    ],
)
def test_an_archive_that_justified_a_clear_stays(exporter: Exporter, status: str, clear: str):
    clearing(exporter, clear, status=status)
    kept = dict(bucket_of(exporter, "archive").versions)
    job = removed(exporter)
    assert not bucket_of(exporter).objects
    assert bucket_of(exporter, "archive").versions == kept
    told = answer(exporter, job)
    assert told["files"] == []
    assert told["manifest"]["url"].startswith("memory:archives/")
    assert told["archive"]["messages"] == 70
    assert len(told["archive"]["files"]) == told["archive"]["parts"]


def test_whichever_comes_first_of_clearing_and_cancelling_wins(exporter: Exporter):
    in_workflow(exporter, request("csv", clear=True))
    before = job_of(exporter)
    removed(exporter)
    assert before.clear
    begins = msgspec.structs.replace(before.clear, status="clearing", began_at=NOW)
    with pytest.raises(ConditionFailed):
        jobs.save(exporter.ledger.table, msgspec.structs.replace(before, clear=begins))


def test_files_can_be_had_as_soon_as_they_are_written(exporter: Exporter):
    begun(exporter, request("csv", clear=True, clear_on="acknowledged"))
    with pytest.raises(Conflict, match="Ask again"):
        download_link(exporter.ledger, exporter.exports, job_of(exporter))
    in_workflow(exporter, request("csv", clear=True, clear_on="acknowledged"))
    told = answer(exporter, job_of(exporter))
    assert told["status"] == "running"
    assert told["clear"]["status"] == "awaiting_acknowledgement"
    assert told["clear"]["exported"] == 70
    assert told["clear"]["cleared"] is None
    assert [file["name"] for file in told["files"]] == ["ai_conversations_export_2026-11-22.csv"]
    assert download_link(exporter.ledger, exporter.exports, job_of(exporter))


def test_files_expire_and_a_kept_archive_does_not(exporter: Exporter):
    job = clearing(exporter, "cleared", status="succeeded", written_at=NOW - FILES_KEPT)
    told = answer(exporter, job)
    assert told["files"] == []
    assert told["manifest"]["url"]
    assert told["archive"]["files"][0]["url"]


def test_who_may_not_read_a_bucket_signs_no_link_to_it(exporter: Exporter):
    job = clearing(exporter, "cleared", status="succeeded")
    told = job_answer(exporter.ledger, Links(exporter.exports), job)
    assert told["files"][0]["url"]
    assert told["manifest"]["url"] is None
    assert [file["url"] for file in told["archive"]["files"]] == [None]
    assert told["manifest"]["root_hash"]
    assert job_answer(exporter.ledger, Links(), job)["files"][0]["url"] is None


def test_a_list_names_no_parts(exporter: Exporter):
    clearing(exporter, "cleared", status="succeeded")
    links = Links(exporter.exports, exporter.archive)
    answers, _ = jobs_answer(exporter.ledger, links, ORGANIZATION, None, 10)
    assert [each["archive"]["files"] for each in answers["exports"]] == [[]]
    assert answers["exports"][0]["archive"]["parts"] == 1
