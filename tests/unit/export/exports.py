"""Exports to test with: what they are of, where they are written, and two ways to run one."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from chatledger.clear.clearing import Clearer, clear_part
from chatledger.clear.reconcile import Reconciler, reconcile
from chatledger.clear.verify import verify_part
from chatledger.export import jobs
from chatledger.export.begin import Wanted, export
from chatledger.export.exporter import Exporter
from chatledger.export.job import Home, Job
from chatledger.export.steps import finish_export, plan_export, write_export_part
from chatledger.formats.archive import read_archive
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.exports import ExportRequest
from tests.fakes.chats import batch, ledger_on
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable

ORGANIZATION = "acme"
START = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
NOW = datetime(2026, 11, 22, 10, tzinfo=UTC)
CONVERSATIONS = ("plain", "with#hash", "with space", "émoji 🙂", "a", "a!", "b/c")
NEVER = datetime(2100, 1, 1, tzinfo=UTC)
WAIT = timedelta(seconds=20)


@dataclass
class Clock:
    """Stands still unless it is told to go on; each look at it may take a while."""

    at: datetime = NOW
    each: timedelta = timedelta(0)

    def now(self) -> datetime:
        self.at += self.each
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


def talk(conversation_id: str, count: int = 10) -> list[Message]:
    """Messages every seven minutes, over midnight."""
    return [
        Message(
            id=f"m{number}",
            conversation_id=conversation_id,
            timestamp=START + timedelta(minutes=7 * number),
            role=("user", "assistant")[number % 2],
            content=f"text {number} of {conversation_id}",
            ai_service="mistral" if number % 2 else None,
        )
        for number in range(count)
    ]


def ledger_at(clock: Clock, table: Any = None) -> Ledger:
    return ledger_on(table or MemoryTable(), now=clock.now, sleep=clock.sleep)


def filled_ledger(clock: Clock | None = None) -> Ledger:
    ledger = ledger_at(clock or Clock())
    for place, conversation_id in enumerate(CONVERSATIONS):
        about = {"app_id": "shop" if place % 2 else "help", "status": "active"}
        append(ledger, ORGANIZATION, batch(talk(conversation_id), users=["ann"], **about))
    return ledger


def exporter_of(ledger: Ledger) -> Exporter:
    archive = MemoryBucket("archive", versioned=True)
    return Exporter(
        ledger, MemoryBucket("exports"), archive, MemorySigner(), lambda: b"pseudonyms" * 6
    )


def bucket_of(exporter: Exporter, home: Home = "exports") -> MemoryBucket:
    bucket = exporter.bucket(home)
    assert isinstance(bucket, MemoryBucket)
    return bucket


def request(format: str = "jsonl", **asked: Any) -> ExportRequest:
    anonymize = {} if format == "archive" else {"anonymize": False}
    return ExportRequest.model_validate({"format": format, **anonymize, **asked})


def begun(exporter: Exporter, asked: ExportRequest, export_id: str = "E1") -> Job:
    """Admitted and handed over, as without ``Prefer: wait``."""
    return export(exporter, MemoryStates(), Wanted(ORGANIZATION, export_id, asked), timedelta(0))


def in_request(exporter: Exporter, asked: ExportRequest, export_id: str = "E1") -> Job:
    return export(exporter, MemoryStates(), Wanted(ORGANIZATION, export_id, asked), WAIT)


def in_workflow(
    exporter: Exporter,
    asked: ExportRequest,
    export_id: str = "E1",
    until: Callable[[], datetime] = lambda: NEVER,
) -> dict[str, Any]:
    """What the state machine does; the answer of its last step before a clear."""
    begun(exporter, asked, export_id)
    return steps(exporter, export_id, until)


def steps(
    exporter: Exporter, export_id: str = "E1", until: Callable[[], datetime] = lambda: NEVER
) -> dict[str, Any]:
    place = plan_export(exporter, ORGANIZATION, export_id)
    listed = bucket_of(exporter).objects[place["key"]]
    for each in json.loads(listed):
        while not write_export_part(exporter, ORGANIZATION, export_id, each["part"], until()):
            pass
    return finish_export(exporter, ORGANIZATION, export_id, NEVER)


def job_of(exporter: Exporter, export_id: str = "E1") -> Job:
    return jobs.find(exporter.ledger.table, ORGANIZATION, export_id)


def file_of(exporter: Exporter, job: Job) -> bytes:
    """The job's file, which is what the job says of it."""
    (file,) = job.files
    data = bucket_of(exporter).objects[file.key]
    assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    assert job.counts
    assert job.counts.bytes == len(data)
    return data


def exported(exporter: Exporter, asked: ExportRequest, export_id: str = "E1") -> tuple[Job, bytes]:
    job = in_request(exporter, asked, export_id)
    assert job.status == "succeeded", job.error
    return job, file_of(exporter, job)


def opened(data: bytes, format: str, compression: str) -> bytes:
    if format == "archive" or compression == "gzip":
        return gzip.decompress(data)
    if compression == "zstd":
        from backports import zstd

        return zstd.decompress(data)
    return data


def lines(data: bytes) -> dict[str, list[str]]:
    """Conversation id → message ids, of a jsonl file."""
    objects = [json.loads(line) for line in data.splitlines()]
    return {
        each["conversation_id"]: [message["message_id"] for message in each["messages"]]
        for each in objects
    }


def records(data: bytes) -> list[Any]:
    """What an archive holds, in its order."""
    return list(read_archive(io.BytesIO(data)))


def cleared(exporter: Exporter, export_id: str, **asked: Any) -> Job:
    """An export-and-clear, run to its end."""
    what_next = in_workflow(exporter, request("archive", clear=True, **asked), export_id)
    ledger, archive = exporter.ledger, bucket_of(exporter, "archive")
    assert what_next["next"] == "verify"
    for each in json.loads(archive.objects[what_next["key"]]):
        part = each["part"]
        verify_part(ledger.table, archive, MemorySigner(), ORGANIZATION, export_id, part)
        assert clear_part(Clearer(ledger, archive), ORGANIZATION, export_id, part, NEVER)
    reconciler = Reconciler(ledger, archive, bucket_of(exporter))
    assert reconcile(reconciler, ORGANIZATION, export_id, NEVER)
    return job_of(exporter, export_id)
