"""Remove: a running export is cancelled, a finished one's files go; the job stays to be read.

An archive whose clear began is the only copy of what was cleared: it stays, whatever is asked.
"""

import msgspec

from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.bucket import Bucket
from chatledger.errors import Conflict
from chatledger.export import jobs, places
from chatledger.export.job import Job
from chatledger.ledger.ledger import Ledger


def remove(
    ledger: Ledger,
    exports: Bucket,
    archive: Bucket,
    organization: str,
    export_id: str,
    actor: Actor = SYSTEM,
) -> Job:
    """First the job says so, then the objects go: no answer ever names a file that is gone.

    Raises ``NotFound``; ``Conflict`` from the beginning of a clear to the job's end.
    """
    job = jobs.change(
        ledger.table, organization, export_id, lambda current: _removed(ledger, current), actor
    )
    exports.delete_under(places.folder(organization, export_id))
    # The job has ended, so what did not begin by now never will.
    if job.clear and not job.clear.has_begun:
        archive.delete_versions_under(places.folder(organization, export_id, "archive"))
    return job


def _removed(ledger: Ledger, job: Job) -> Job:
    if job.clear and job.clear.has_begun and not job.ended:
        raise Conflict(
            f"Export {job.export_id} is clearing what it exported, which is not stopped "
            "half-way. Repeat when it has ended; to put back what it cleared, POST its undo."
        )
    now = ledger.now()
    if not job.ended:
        job = msgspec.structs.replace(job, status="cancelled", finished_at=now)
        if job.clear:
            clear = msgspec.structs.replace(job.clear, status="cancelled")
            job = msgspec.structs.replace(job, clear=clear)
    return msgspec.structs.replace(job, files_removed_at=job.files_removed_at or now)
