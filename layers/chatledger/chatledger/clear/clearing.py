"""Clear: each entry that the verified archive lists becomes a tombstone, if nobody wrote it since.

Nothing remembers how far a clear is: a repeat goes through its part again and finds tombstones.
"""

import random
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial

import msgspec

from chatledger.aws.bucket import Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.clear.batches import batches
from chatledger.clear.covering import Holds
from chatledger.clear.holds import all_holds
from chatledger.clear.outcomes import Looker
from chatledger.clear.stopping import WRITE_WITHIN
from chatledger.errors import Conflict, StorageError
from chatledger.export import jobs
from chatledger.export.job import Clear, Job
from chatledger.export.kept import open_archive
from chatledger.export.manifest import ListedEntry
from chatledger.jobs import lease
from chatledger.jobs.ended import Ended
from chatledger.ledger.entries import Entry, tombstone
from chatledger.ledger.ledger import Ledger

_WRITERS = 8
_ATTEMPTS = 6
_CLEARABLE = ("pending", "clearing")


class LeaseLost(Conflict):
    """Another job has the lease, though this one has not ended."""


@dataclass(frozen=True, slots=True)
class Clearer:
    """Where entries are cleared, and where the archive that allows it lies."""

    ledger: Ledger
    archive: Bucket


def clear_part(
    clearer: Clearer, organization: str, export_id: str, part: int, until: datetime
) -> bool:
    """Clears the part's entries; False where time was up and it must be called again.

    Raises ``Ended`` when the job is over or stopped, ``LeaseLost``, ``ArchiveDiffers``, and
    ``StorageError``, after which a repeat goes on.
    """
    job = _begun(clearer.ledger, organization, export_id)
    if not job.manifest:
        raise Ended
    kept = open_archive(clearer.archive, job.manifest)
    listed = kept.part(part)
    kept.check_list(listed)
    with ThreadPoolExecutor(_WRITERS) as pool:
        clear = _Batch(clearer.ledger, organization, export_id, pool)
        for batch in batches(kept.entries(listed)):
            if clearer.ledger.now() >= until:
                return False
            clear.patiently(batch)
    return True


def _begun(ledger: Ledger, organization: str, export_id: str) -> Job:
    """The job, which says from now on that entries may be gone; the first part to come says so."""

    def begun(job: Job) -> Job:
        clear = _allowed(job)
        _check_lease(ledger, organization, export_id)
        if clear.has_begun:
            return job
        begins = msgspec.structs.replace(clear, status="clearing", began_at=ledger.now())
        return msgspec.structs.replace(job, clear=begins)

    return jobs.change(ledger.table, organization, export_id, begun)


def _allowed(job: Job | None) -> Clear:
    """Raises ``Ended`` where nothing may be cleared (any more)."""
    clear = job.clear if job else None
    if not job or not clear or job.ended or clear.stopped_at or clear.status not in _CLEARABLE:
        raise Ended
    return clear


def _check_lease(ledger: Ledger, organization: str, export_id: str) -> None:
    if lease.holder(ledger.table, organization) != export_id:
        raise LeaseLost("Another clear or undo runs here. Start this one again when it has ended.")


class _TooLate(StorageError):
    """Too much time went by since the holds were read."""


@dataclass(frozen=True, slots=True)
class _Batch:
    ledger: Ledger
    organization: str
    export_id: str
    pool: ThreadPoolExecutor

    def patiently(self, listed: Sequence[ListedEntry]) -> None:
        """Starts the batch over where the storage was busy, or slow."""
        for attempt in range(1, _ATTEMPTS):
            try:
                return self.clear(listed)
            except StorageError:  # The last attempt's is raised.
                self.ledger.sleep(random.uniform(0, 0.1 * 2**attempt))  # noqa: S311
        return self.clear(listed)

    def clear(self, listed: Sequence[ListedEntry]) -> None:
        """Everything that forbids to clear is read first, and does not get old."""
        ledger, organization = self.ledger, self.organization
        begun_at = ledger.now()
        _allowed(jobs.load(ledger.table, organization, self.export_id))
        _check_lease(ledger, organization, self.export_id)
        holds = Holds(ledger, organization, all_holds(ledger.table, organization))
        seen = Looker(ledger, organization, self.export_id, holds).look(listed)
        clearable = [each.entry for each in seen if each.entry and each.outcome == "clearable"]
        # Asked for one by one: the first failure is raised.
        for _ in self.pool.map(partial(self._write, begun_at), clearable):
            pass

    def _write(self, begun_at: datetime, entry: Entry) -> None:
        now = self.ledger.now()
        if now > begun_at + WRITE_WITHIN:
            raise _TooLate
        try:
            self.ledger.table.update(tombstone(entry, self.export_id, now))
        except ConditionFailed:
            return  # Written since: it stays. Or our own write, whose answer was lost.
