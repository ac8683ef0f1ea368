"""Reconcile: every entry that the archive lists is read again and counted, and the job ends.

The receipt counts messages: exported = cleared + retained (changed, held) + cleared elsewhere +
not cleared. Where anything was not cleared though nothing kept it, the job ends as
``clear_incomplete`` and raises an alarm.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import islice

import msgspec

from chatledger.aws import metrics
from chatledger.aws.bucket import Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.clear.batches import batches
from chatledger.clear.covering import Holds
from chatledger.clear.holds import all_holds
from chatledger.clear.outcomes import Looker
from chatledger.clear.stopping import stop, wait_until_quiet
from chatledger.errors import StorageError
from chatledger.export import jobs, places
from chatledger.export.job import UNDO_WITHIN, Clear, Failure, Job, Manifest, Receipt
from chatledger.export.kept import ArchiveDiffers, KeptArchive, open_archive
from chatledger.export.manifest import ListedEntry
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import microseconds

_READERS = 8
_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Reconciler:
    """Where entries are counted: the archive's manifest lists them, a note says how far it is."""

    ledger: Ledger
    archive: Bucket
    exports: Bucket


class _Tally(msgspec.Struct, frozen=True):
    """What was counted before an entry: ``entries`` of the part ``part`` are behind it."""

    part: int = 1
    entries: int = 0
    receipt: Receipt = Receipt()


def reconcile(reconciler: Reconciler, organization: str, export_id: str, until: datetime) -> bool:
    """Counts and ends the job; False where time was up and it must be called again.

    Raises ``Ended`` where there is nothing to count, ``StorageError``, after which a repeat goes
    on, and ``ArchiveDiffers`` where the manifest cannot be read back.
    """
    ledger = reconciler.ledger
    for _ in range(_ATTEMPTS):
        job = jobs.load(ledger.table, organization, export_id)
        if not job or not job.clear or not job.manifest or not job.clear.has_begun or job.ended:
            raise Ended
        if job.clear.stopped_at:
            wait_until_quiet(ledger, job.clear)
        receipt = _counted(reconciler, job, job.clear, job.manifest, until)
        if receipt is None:
            return False
        try:
            if _may_still_change(receipt) and not job.clear.stopped_at:
                stop(ledger, job, job.clear)
            else:
                end_clear(ledger, job, job.clear, receipt)
                return True
        except ConditionFailed:
            continue  # Somebody wrote the job meanwhile.
    raise StorageError


def _may_still_change(receipt: Receipt) -> bool:
    """Whether a step that runs twice could still clear something.

    Nothing can touch what is cleared or was written since; but what is live at its archived token
    is counted again when no write can be under way any more.
    """
    return bool(receipt.retained_held or receipt.not_cleared)


def end_clear(ledger: Ledger, job: Job, clear: Clear, receipt: Receipt | None) -> Job:
    """Ends the job with its receipt; without one, nobody knows what was cleared.

    Raises ``ConditionFailed`` if somebody wrote the job meanwhile.
    """
    now = ledger.now()
    complete = receipt is not None and receipt.not_cleared == 0
    if not complete:
        metrics.count("ClearIncomplete")  # Before the job says so: an alarm too many is no harm.
    left = msgspec.structs.replace(
        clear,
        status="cleared" if complete else "incomplete",
        receipt=receipt,
        undo_until=now + UNDO_WITHIN if receipt is None or receipt.cleared else None,
    )
    ended = msgspec.structs.replace(
        job,
        status="succeeded" if complete else "clear_incomplete",
        clear=left,
        error=None if complete else _incomplete(receipt),
        finished_at=now,
    )
    return jobs.save(ledger.table, ended)


def _incomplete(receipt: Receipt | None) -> Failure:
    if receipt is None:
        what = "The manifest cannot be read back, so nobody knows what was cleared of it."
    else:
        what = f"{receipt.not_cleared:,} messages were not cleared though nothing keeps them."
    return Failure(
        "internal_error", f"{what} The archive is kept. Undo this clear, or start a new one."
    )


def _counted(
    reconciler: Reconciler, job: Job, clear: Clear, manifest: Manifest, until: datetime
) -> Receipt | None:
    """The receipt, counted on from the note that an earlier call left; None if time was up."""
    ledger, note = reconciler.ledger, _note(job, clear)
    made = reconciler.exports.get(note)
    tally = msgspec.json.decode(made, type=_Tally) if made else _Tally()
    kept = open_archive(reconciler.archive, manifest)
    with ThreadPoolExecutor(_READERS) as pool:
        for counted in _tallies(ledger, job, kept, tally, pool):
            tally = counted
            if ledger.now() >= until:
                reconciler.exports.put(note, msgspec.json.encode(tally), "application/json")
                return None
    if tally.receipt.exported != kept.header.messages:
        raise ArchiveDiffers("The manifest's entries are not the messages that its header counts.")
    return tally.receipt


def _note(job: Job, clear: Clear) -> str:
    """What was counted before the clear was stopped does not hold after it."""
    when = microseconds(clear.stopped_at) if clear.stopped_at else 0
    return f"{places.folder(job.organization, job.export_id)}reconciled-{when}.json"


def _tallies(
    ledger: Ledger, job: Job, kept: KeptArchive, tally: _Tally, pool: ThreadPoolExecutor
) -> Iterator[_Tally]:
    """The tally after each few batches, which are read at once, and after each part."""
    receipt = tally.receipt
    for part in kept.header.parts[tally.part - 1 :]:
        behind = tally.entries if part.number == tally.part else 0
        left = batches(islice(kept.entries(part), behind, None))
        while some := list(islice(left, _READERS)):
            holds = Holds(ledger, job.organization, all_holds(ledger.table, job.organization))
            looker = Looker(ledger, job.organization, job.export_id, holds)
            receipt = _sum([receipt, *pool.map(partial(_count, looker), some)])
            behind += sum(map(len, some))
            yield _Tally(part.number, behind, receipt)
        yield _Tally(part.number + 1, 0, receipt)


def _count(looker: Looker, listed: Sequence[ListedEntry]) -> Receipt:
    """What became of a batch of entries, in messages."""
    counts = Counter[str]()
    for seen in looker.look(listed):
        left = seen.outcome in {"clearable", "missing"}
        counts["not_cleared" if left else seen.outcome] += seen.listed.n
    return Receipt(exported=counts.total(), **counts)


def _sum(receipts: Sequence[Receipt]) -> Receipt:
    names = Receipt.__struct_fields__
    return Receipt(**{name: sum(getattr(each, name) for each in receipts) for name in names})
