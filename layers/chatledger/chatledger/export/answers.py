"""How an export job looks in answers: the contract's fields, the links signed on the way out."""

from datetime import timedelta
from typing import Any

import msgspec

from chatledger.aws.s3 import LINK_SECONDS, Bucket
from chatledger.errors import Conflict, NotFound
from chatledger.export.job import File, Job, newest
from chatledger.export.run import count
from chatledger.export.spec import spec_of
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest
from chatledger.timestamps import format_time

# Of the contract's job, what this version never has anything to say of.
_NOT_YET = ("manifest", "archive", "data_card", "redactions", "cursor", "clear")


def job_answer(ledger: Ledger, bucket: Bucket, job: Job) -> dict[str, Any]:
    """The job as it stands now; its links live 15 minutes, or less if the function's rights end."""
    now = ledger.now()
    job = job.as_of(now)
    expires_at = format_time(now + timedelta(seconds=LINK_SECONDS))
    return {
        "export_id": job.export_id,
        "status": job.status,
        "format": job.request["format"],
        "created_at": format_time(job.created_at),
        "finished_at": format_time(job.finished_at) if job.finished_at else None,
        "progress": msgspec.to_builtins(job.progress),
        "counts": msgspec.to_builtins(job.counts),
        "files": [_file(bucket, file, expires_at) for file in job.files_at(now)],
        **dict.fromkeys(_NOT_YET),
        "error": msgspec.to_builtins(job.error),
        "request": job.request,
    }


def jobs_answer(
    ledger: Ledger, bucket: Bucket, organization: str, after: str | None, limit: int
) -> tuple[dict[str, Any], str | None]:
    """Jobs, newest first, and the id after which there are more."""
    found, last = newest(ledger.table, organization, after, limit)
    return {"exports": [job_answer(ledger, bucket, job) for job in found], "limit": limit}, last


def dry_run_answer(ledger: Ledger, organization: str, request: ExportRequest) -> dict[str, Any]:
    """What the export would hold; nothing is written."""
    counts = count(ledger, organization, spec_of(request))
    return {"dry_run": True, "format": request.format, "counts": msgspec.to_builtins(counts)}


def download_link(ledger: Ledger, bucket: Bucket, job: Job) -> str:
    """A link to the job's file; raises ``Conflict`` before it is there, ``NotFound`` after."""
    now = ledger.now()
    if not job.as_of(now).ended:
        raise Conflict(f"Export {job.export_id} is {job.status}. Ask again when it has succeeded.")
    files = job.files_at(now)
    if not files:
        raise NotFound(f"Export {job.export_id} has no file (any more). Start a new export.")
    return bucket.link(files[0].key, files[0].name)


def _file(bucket: Bucket, file: File, expires_at: str) -> dict[str, Any]:
    return {
        "name": file.name,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "url": bucket.link(file.key, file.name),
        "expires_at": expires_at,
    }
