"""Import: an uploaded archive is read and put back, in steps that each can be repeated.

How far it is stands in the job, so a step that dies costs a few seconds' work. What was put back
carries the import's id: counted again, it counts as restored again.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import msgspec

from chatledger.aws.bucket import Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.export.job import Failure
from chatledger.export.manifest import BrokenManifest
from chatledger.formats.archive import BrokenArchive
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore import places
from chatledger.restore.finish import fail
from chatledger.restore.job import Counts, Job
from chatledger.restore.look import Restoring
from chatledger.restore.put_back import put_back
from chatledger.restore.records import Reader, Unit
from chatledger.restore.shares import Group, groups
from chatledger.restore.source import Listing, UploadedManifest, uploaded_manifest, windows

_SAVE_EVERY = timedelta(seconds=3)
_AT_ONCE = 8


def import_file(
    ledger: Ledger, uploads: Bucket, organization: str, restore_id: str, until: datetime
) -> bool:
    """Whether all of the file was gone through; if not, ``until`` has come: call it again.

    A file that is no archive, or not its manifest's, fails the job, and what was put back stays.
    Raises ``Ended`` where the job is over.
    """
    job = restores.load(ledger.table, organization, restore_id)
    if not job or job.ended:
        raise Ended
    try:
        job = _save(ledger, job, status="running")
        return _Import(ledger, uploads, job).run(until)
    except ConditionFailed:
        raise StorageError from None  # Another attempt at this step is still alive.


class _Import:
    """One run of the step; ``job`` is as far as it has come, saved from time to time."""

    def __init__(self, ledger: Ledger, uploads: Bucket, job: Job) -> None:
        self.ledger = ledger
        self.uploads = uploads
        self.job = job
        self.saved_at = ledger.now()

    def run(self, until: datetime) -> bool:
        try:
            done = self._run(until)
        except (BrokenArchive, BrokenManifest) as error:
            fail(self.ledger, self.job, Failure(error.code, error.message))
            return True
        self.job = _save(self.ledger, self.job)
        return done

    def _run(self, until: datetime) -> bool:
        job = self.job
        manifest = uploaded_manifest(self.uploads, job.organization, job.restore_id)
        header = manifest.header if manifest else None
        restoring = Restoring(
            ledger=self.ledger,
            organization=job.organization,
            import_id=job.restore_id,
            epoch=header.epoch if header else None,
            source=header.organization if header else "",
        )
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for group in groups(self._units(manifest)):
                self._passed(group, put_back(restoring, group.shares.values(), pool))
                if self.ledger.now() >= until:
                    return False
        return True

    def _units(self, manifest: UploadedManifest | None) -> Iterator[Unit]:
        job = self.job
        key = places.archive(job.organization, job.restore_id)
        size = self.uploads.size(key)
        if not size:
            raise BrokenArchive("There is no archive. Start another import and upload one.")
        begun = job.position
        listing = Listing(manifest.entries(begun.listed), begun.listed) if manifest else None
        number = job.progress.conversations + job.progress.messages
        pieces = windows(self.uploads, key, begun.offset, size)
        return Reader(begun, number, listing).units(pieces)

    def _passed(self, group: Group, counts: Counts) -> None:
        self.job = msgspec.structs.replace(
            self.job,
            position=group.after,
            progress=self.job.progress + group.progress,
            counts=self.job.counts + counts,
        )
        if self.ledger.now() >= self.saved_at + _SAVE_EVERY:
            self.job = _save(self.ledger, self.job)
            self.saved_at = self.ledger.now()


def _save(ledger: Ledger, job: Job, **changes: object) -> Job:
    return restores.save(ledger.table, msgspec.structs.replace(job, **changes))
