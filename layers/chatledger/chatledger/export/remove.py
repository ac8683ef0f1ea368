"""Remove: a running export is cancelled, a finished one's files go; the job stays to be read."""

import msgspec

from chatledger.aws.s3 import Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.export import job as jobs
from chatledger.export import places
from chatledger.export.job import Job
from chatledger.ledger.ledger import Ledger

_ATTEMPTS = 20


def remove(ledger: Ledger, bucket: Bucket, organization: str, export_id: str) -> Job:
    """First the job says so, then the objects go: no answer ever names a file that is gone."""
    for _ in range(_ATTEMPTS):
        job = jobs.find(ledger.table, organization, export_id)
        try:
            removed = jobs.save(ledger.table, _removed(ledger, job))
        except ConditionFailed:
            continue  # Its runner saved progress meanwhile.
        bucket.delete_under(places.folder(organization, export_id))
        return removed
    raise StorageError("The export is changing all the time. Repeat in a second.")


def _removed(ledger: Ledger, job: Job) -> Job:
    now = ledger.now()
    if not job.ended:
        job = msgspec.structs.replace(job, status="cancelled", finished_at=now)
    return msgspec.structs.replace(job, files_removed_at=job.files_removed_at or now)
