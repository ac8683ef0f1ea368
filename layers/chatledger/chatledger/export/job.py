"""The export job: what was asked, how far it is, what came out; one small item of the table."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Absent, Condition, Equals, Table
from chatledger.aws.wire import Item
from chatledger.errors import NotFound
from chatledger.identifiers import new_token
from chatledger.ledger import keys

FILES_KEPT = timedelta(days=7)
ENDED = ("succeeded", "failed", "cancelled")


class Progress(msgspec.Struct, frozen=True):
    conversations: int = 0
    messages: int = 0
    parts_done: int = 0
    parts_total: int = 0


class Counts(msgspec.Struct, frozen=True):
    conversations: int = 0
    messages: int = 0
    bytes: int = 0


class File(msgspec.Struct, frozen=True):
    """A finished file; ``key`` is its object in the exports bucket."""

    name: str
    key: str
    bytes: int
    sha256: str


class Failure(msgspec.Struct, frozen=True):
    code: str
    error: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``request`` is the body as it was validated; ``run_until`` is when its runner has given up.

    ``token`` is the item's ``w``: a writer holds the job as it loaded it, or starts over.
    """

    export_id: str
    organization: str
    request: dict[str, Any]
    created_at: datetime
    run_until: datetime
    status: str = "queued"
    progress: Progress = Progress()
    counts: Counts | None = None
    files: tuple[File, ...] = ()
    error: Failure | None = None
    finished_at: datetime | None = None
    files_removed_at: datetime | None = None
    token: bytes | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    def as_of(self, now: datetime) -> "Job":
        """The job as it truly stands: one whose runner died before it could say so has failed."""
        if self.ended or now <= self.run_until:
            return self
        return msgspec.structs.replace(self, status="failed", error=INTERRUPTED)

    def files_at(self, now: datetime) -> tuple[File, ...]:
        """The files that are still there."""
        expired = self.finished_at is None or now >= self.finished_at + FILES_KEPT
        return () if expired or self.files_removed_at else self.files


INTERRUPTED = Failure(
    "internal_error",
    "The export was interrupted. Send the same request again under its Idempotency-Key to go on "
    "where it stopped, or start a new one.",
)


def load(table: Table, organization: str, export_id: str) -> Job | None:
    item = table.get(keys.job(organization, export_id))
    return _job_of(item) if item else None


def find(table: Table, organization: str, export_id: str) -> Job:
    """Raises ``NotFound``."""
    job = load(table, organization, export_id)
    if not job:
        raise NotFound(f"There is no export {export_id[:64]!r} here. GET /exports lists them.")
    return job


def newest(
    table: Table, organization: str, after: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """Jobs, newest first, and the id after which there are more."""
    page = table.page(
        keys.jobs(organization),
        after=keys.escape(after) if after else None,
        newest_first=True,
        limit=limit,
    )
    jobs = [_job_of(item) for item in page.items]
    return jobs, jobs[-1].export_id if page.after and jobs else None


def save(table: Table, job: Job) -> Job:
    """Writes it if nobody did since it was loaded; raises ``ConditionFailed`` otherwise."""
    when: Condition = Equals("w", job.token) if job.token else Absent()
    token = new_token()
    table.put(_item(job, token), when)
    return msgspec.structs.replace(job, token=token)


def _item(job: Job, token: bytes) -> Item:
    key = keys.job(job.organization, job.export_id)
    body = msgspec.json.encode(msgspec.structs.replace(job, token=None))
    return {"PK": key.pk, "SK": key.sk, "job": body, "w": token}


def _job_of(item: Item) -> Job:
    job = msgspec.json.decode(wire.binary(item, "job"), type=Job)
    return msgspec.structs.replace(job, token=wire.binary(item, "w"))
