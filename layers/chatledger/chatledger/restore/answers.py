"""How an import looks in answers: the contract's fields, the links signed on the way out."""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.aws.bucket import LINK_SECONDS, Bucket
from chatledger.ledger.ledger import Ledger
from chatledger.restore import places
from chatledger.restore.job import Job
from chatledger.restore.jobs import newest_imports
from chatledger.timestamps import format_time


def import_answer(ledger: Ledger, uploads: Bucket, job: Job) -> dict[str, Any]:
    """The import as it stands; while it waits for its file, with fresh links to upload it to."""
    waits = job.status == "awaiting_upload"
    return {
        "import_id": job.restore_id,
        "status": job.status,
        "format": job.format,
        "name": job.name,
        "created_at": format_time(job.created_at),
        "finished_at": format_time(job.finished_at) if job.finished_at else None,
        "upload": _upload(uploads, job, ledger.now()) if waits else None,
        "progress": msgspec.to_builtins(job.progress),
        "counts": msgspec.to_builtins(job.counts),
        "error": msgspec.to_builtins(job.error),
    }


def imports_answer(
    ledger: Ledger, uploads: Bucket, organization: str, after: str | None, limit: int
) -> tuple[dict[str, Any], str | None]:
    """Imports, newest first, and the id after which there are more."""
    found, last = newest_imports(ledger.table, organization, after, limit)
    answers = [import_answer(ledger, uploads, job) for job in found]
    return {"imports": answers, "limit": limit}, last


def _upload(uploads: Bucket, job: Job, now: datetime) -> dict[str, Any]:
    organization, import_id = job.organization, job.restore_id
    archive = places.archive(organization, import_id)
    manifest = places.manifest(organization, import_id)
    return {
        "url": uploads.upload_link(archive, places.MEDIA_TYPE),
        "manifest_url": uploads.upload_link(manifest, places.MEDIA_TYPE),
        "headers": {"Content-Type": places.MEDIA_TYPE},
        "expires_at": format_time(now + timedelta(seconds=LINK_SECONDS)),
    }
