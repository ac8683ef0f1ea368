"""How an export job looks in answers: the contract's fields, the links signed on the way out."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.aws.bucket import LINK_SECONDS, Bucket
from chatledger.errors import Conflict, NotFound
from chatledger.export.count import count
from chatledger.export.job import Clear, File, Home, Job, Progress, Receipt
from chatledger.export.jobs import newest
from chatledger.export.part_progress import live_progress
from chatledger.export.since import goes_on_from
from chatledger.export.spec import spec_of
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest
from chatledger.timestamps import format_time

# Of the contract's job, what this version never has anything to say of.
_NOT_YET = ("data_card",)

# Seals a position, the epoch and the last slot of each shard, into a cursor of this organization.
Seal = Callable[[str, str, Mapping[str, int]], str]


@dataclass(frozen=True, slots=True)
class Links:
    """The buckets from which the function that answers may read: it signs links to these only.

    ``seal``: how it seals cursors, where it may.
    """

    exports: Bucket | None = None
    archive: Bucket | None = None
    seal: Seal | None = None

    def to(self, file: File) -> str | None:
        bucket = self.exports if file.home == "exports" else self.archive
        return bucket.link(file.key, file.name, file.version) if bucket else None


def job_answer(
    ledger: Ledger, links: Links, job: Job, progress: Progress | None = None
) -> dict[str, Any]:
    """The job as it stands now; its links live 15 minutes, or less if the function's rights end.

    ``progress`` is the live one, where the function may read it.
    """
    now = ledger.now()
    return {
        "export_id": job.export_id,
        "status": job.status,
        "format": job.request["format"],
        "created_at": format_time(job.created_at),
        "finished_at": _time(job.finished_at),
        "progress": msgspec.to_builtins(progress or job.progress),
        "counts": msgspec.to_builtins(job.counts),
        "files": [_file(links, file, now) for file in job.files_at(now)],
        "manifest": _manifest(links, job, now),
        "archive": _archive(links, job, now),
        "cursor": _cursor(links, job),
        "cleared_before": _cleared_before(job),
        "redactions": job.redactions,
        **dict.fromkeys(_NOT_YET),
        "clear": _clear(job.clear, job) if job.clear else None,
        "error": msgspec.to_builtins(job.error),
        "request": job.request,
    }


def shown(ledger: Ledger, links: Links, job: Job) -> dict[str, Any]:
    """The same with the live progress of one that runs."""
    return job_answer(ledger, links, job, live_progress(ledger.table, job))


def jobs_answer(
    ledger: Ledger, links: Links, organization: str, after: str | None, limit: int
) -> tuple[dict[str, Any], str | None]:
    """Jobs, newest first, and the id after which there are more."""
    found, last = newest(ledger.table, organization, after, limit)
    answers = [shown(ledger, links, job) for job in found]
    for answer in answers:
        if answer["archive"]:
            answer["archive"]["files"] = []  # A hundred jobs of a hundred links fit no answer.
        if len(answer["files"]) > 1:
            answer["files"] = []
    return {"exports": answers, "limit": limit}, last


def dry_run_answer(
    ledger: Ledger,
    organization: str,
    request: ExportRequest,
    since: Mapping[int, int] | None = None,
) -> dict[str, Any]:
    """What the export would hold; nothing is written. Raises ``Gone``."""
    after = goes_on_from(ledger, organization, request, since).get("since")
    counted = count(ledger, organization, spec_of(request, ledger.now()), after)
    return {
        "dry_run": True,
        "format": request.format,
        "counts": msgspec.to_builtins(counted.counts),
        "would_clear": counted.to_clear,
    }


def download_link(ledger: Ledger, exports: Bucket, job: Job) -> str:
    """A link to the job's file; raises ``NotFound`` when it is gone.

    Raises ``Conflict`` before it is there, and where there are several.
    """
    if not job.ended and not job.written_at:
        raise Conflict(f"Export {job.export_id} is {job.status}. Ask again when it has succeeded.")
    files = job.files_at(ledger.now())
    if not files:
        raise NotFound(f"Export {job.export_id} has no file (any more). {_where_else(job)}")
    first, *more = files
    if more:
        raise Conflict(
            f"Export {job.export_id} has {len(files)} files, and this downloads one. "
            "GET /exports/{export_id} has a link to each in files."
        )
    return exports.link(first.key, first.name)


def _where_else(job: Job) -> str:
    if job.clear and job.clear.has_begun:
        return (
            "What it cleared is in its archive, whose links GET /exports/{export_id} has; "
            "POST its undo to put it back."
        )
    return "Start a new export."


def _cursor(links: Links, job: Job) -> str | None:
    """Where the next one goes on, once this one is written."""
    if not job.slots or job.epoch is None or not links.seal:
        return None
    return links.seal(job.organization, job.epoch, job.slots)


def _cleared_before(job: Job) -> list[dict[str, Any]] | None:
    if job.cleared_before is None:
        return None
    return [
        {"export_id": export_id, "messages": messages}
        for export_id, messages in job.cleared_before.items()
    ]


def _file(links: Links, file: File, now: datetime) -> dict[str, Any]:
    url = links.to(file)
    return {
        "name": file.name,
        "bytes": file.bytes,
        "sha256": file.sha256,
        "url": url,
        "expires_at": format_time(now + timedelta(seconds=LINK_SECONDS)) if url else None,
    }


def _manifest(links: Links, job: Job, now: datetime) -> dict[str, Any] | None:
    if not job.manifest or not _is_there(job, job.manifest.file.home, now):
        return None
    file, signature = job.manifest.file, job.manifest.signature
    return {
        "url": links.to(file),
        "signature_url": links.to(signature) if signature else None,
        "signature_bytes": signature.bytes if signature else None,
        "signature_sha256": signature.sha256 if signature else None,
        "root_hash": job.manifest.root_hash,
        "bytes": file.bytes,
        "sha256": file.sha256,
    }


def _archive(links: Links, job: Job, now: datetime) -> dict[str, Any] | None:
    if not job.archive or not _is_there(job, "archive", now):
        return None
    return {
        **msgspec.to_builtins(job.archive.counts),
        "parts": job.archive.parts,
        "files": [_file(links, file, now) for file in job.archive.files],
    }


def _is_there(job: Job, home: Home, now: datetime) -> bool:
    """Files for people go after seven days; an archive whose clear began never does."""
    if home == "exports":
        return bool(job.files_at(now))
    return not job.files_removed_at or (job.clear is not None and job.clear.has_begun)


def _clear(clear: Clear, job: Job) -> dict[str, Any]:
    unknown: dict[str, Any] = dict.fromkeys(Receipt.__struct_fields__)
    if job.archive:
        unknown["exported"] = job.archive.counts.messages
    return {
        "on": clear.on,
        "status": clear.status,
        **(msgspec.to_builtins(clear.receipt) if clear.receipt else unknown),
        "undo_until": _time(clear.undo_until),
    }


def _time(moment: datetime | None) -> str | None:
    return format_time(moment) if moment else None
