"""What an export says of itself once its files are written: it has ended, or its clear comes."""

from datetime import datetime

import msgspec

from chatledger.aws.table import ConditionFailed, Table
from chatledger.errors import ChatledgerError, Conflict, StorageError
from chatledger.export import jobs
from chatledger.export.finish import Finished
from chatledger.export.job import MAX_FILES, Clear, Failure, Job, Receipt
from chatledger.export.watch import check_wanted
from chatledger.ledger import streams
from chatledger.ledger.ledger import Ledger

_ROUNDS = 20


def with_files(job: Job, finished: Finished, now: datetime) -> Job:
    """The job with what came out; where there is something to clear, it goes on."""
    written = msgspec.structs.replace(
        job,
        counts=finished.counts,
        files=finished.files,
        progress=finished.progress,
        manifest=finished.manifest,
        archive=finished.archive,
        written_at=job.written_at or now,
        epoch=finished.epoch,
        slots=finished.slots,
        redactions=finished.redactions if job.request["anonymize"] else None,
        cleared_before=finished.cleared if job.since is not None else None,
        run_until=None,
    )
    if not written.clear:
        return msgspec.structs.replace(written, status="succeeded", finished_at=now)
    if not (finished.manifest and finished.manifest.parts):
        clear = msgspec.structs.replace(written.clear, status="cleared", receipt=Receipt())
        return msgspec.structs.replace(written, status="succeeded", clear=clear, finished_at=now)
    return msgspec.structs.replace(written, clear=_to_clear(written.clear))


def record_files(ledger: Ledger, job: Job, finished: Finished) -> Job:
    """Writes that down and, in the same transaction, moves the job's stream on.

    Raises ``Ended``, ``StorageError``, and ``Conflict`` where another export moved the stream
    first, or there are too many files: then this one has failed.
    """
    table, now = ledger.table, ledger.now()
    for _ in range(_ROUNDS):
        current = check_wanted(jobs.load(table, job.organization, job.export_id))
        if current.written_at:
            return current
        written = with_files(current, finished, now)
        try:
            _check_files(finished)
            return _saved(table, written)
        except ConditionFailed:
            continue
        except Conflict as refused:
            fail(ledger, job, refused)
            raise
    raise StorageError("The export is changing all the time. Repeat in a second.")


def _check_files(finished: Finished) -> None:
    if len(finished.files) > MAX_FILES:
        raise Conflict(
            f"The export has {len(finished.files):,} files, and at most {MAX_FILES} can be "
            "named. Ask for fewer days, or for a format that makes one file."
        )


def _saved(table: Table, written: Job) -> Job:
    if written.stream is None:
        return jobs.save(table, written)
    there = streams.load(table, written.organization, written.stream)
    if there and there.export_id == written.export_id:
        raise ConditionFailed  # Another attempt at this step moved it, and wrote the job.
    if (there.export_id if there else None) != written.follows:
        raise Conflict(
            "Another export of this name went on from the same place and was first, so this one "
            'would say everything twice. Ask again: since "last" goes on after that one.'
        )
    place = (written.organization, written.stream, there, written.export_id)
    moved = streams.moved(*place, written.epoch or "", written.slots or {})
    return jobs.save(table, written, beside=[moved])


def fail(ledger: Ledger, job: Job, refused: ChatledgerError) -> None:
    """The job says why, unless it has ended or its files are written."""
    failure, now = Failure(refused.code, refused.message), ledger.now()

    def failed(current: Job) -> Job:
        if current.ended or current.written_at:
            return current
        return msgspec.structs.replace(current, status="failed", error=failure, finished_at=now)

    jobs.change(ledger.table, job.organization, job.export_id, failed)


def _to_clear(clear: Clear) -> Clear:
    if clear.on == "verified":
        return clear
    return msgspec.structs.replace(clear, status="awaiting_acknowledgement")
