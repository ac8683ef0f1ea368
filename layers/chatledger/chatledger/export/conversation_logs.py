"""Conversation logs: what the files of logs are, and an export in their form."""

from datetime import timedelta
from typing import Any

from chatledger.audit.record import Actor
from chatledger.aws.bucket import Bucket
from chatledger.errors import PayloadTooLarge
from chatledger.export.begin import Wanted
from chatledger.export.exporter import Exporter
from chatledger.export.job import Job
from chatledger.identifiers import as_folder
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest

COUNT_WITHIN = timedelta(seconds=20)
# Of an answer; and of its event, in which it stands as a string: AWS takes 6 MB.
MAX_ANSWER_BYTES = 4 * 1024 * 1024
_MAX_EVENT_BYTES = 5_500_000


def logs_of(
    organization: str,
    start_date: str | None,
    end_date: str | None,
    export_id: str,
    actor: Actor,
) -> Wanted:
    """An export of all that the ledger holds in the range, as it is."""
    asked = {"format": "conversation_logs", "anonymize": False}
    dates = {"start_date": start_date, "end_date": end_date}
    request = ExportRequest.model_validate({**asked, **dates})
    return Wanted(organization, export_id, request, actor)


def content_for_answer(exporter: Exporter, job: Job) -> str | None:
    """The export's file, if it is there and fits an answer."""
    if job.status != "succeeded" or job.files[0].bytes > MAX_ANSWER_BYTES:
        return None
    content = exporter.exports.get(job.files[0].key)
    if content is None:
        return None  # Somebody deleted the export just now.
    escapes = sum(content.count(each) for each in (b'"', b"\\", b"\n"))
    return content.decode() if len(content) + escapes <= _MAX_EVENT_BYTES else None


def folder(organization: str) -> str:
    """Where the organization's log files lie, by year, month and day."""
    return f"logs/conversations/{as_folder(organization)}/"


def summary(archive: Bucket, ledger: Ledger, organization: str) -> dict[str, Any]:
    """How many files of logs there are, of how many bytes, in which directories.

    Raises ``PayloadTooLarge`` where there are more than can be counted within a request.
    """
    until = ledger.now() + COUNT_WITHIN
    files = size = 0
    directories = dict[str, None]()
    for key, length in archive.objects_under(folder(organization)):
        files, size = files + 1, size + length
        directories[key.rpartition("/")[0]] = None
        if ledger.now() > until:
            raise PayloadTooLarge(
                f"More log files than can be counted in {COUNT_WITHIN.seconds} seconds: above "
                f"{files:,}. Remove old ones, or list the archive bucket itself."
            )
    return {
        "success": True,
        "total_files": files,
        "total_size_bytes": size,
        "directories": list(directories),
    }
