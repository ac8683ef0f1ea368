"""Ended: what is left of a job whose execution is over is brought to its end.

Harmless to repeat, and it may run several times at once: called by the state machine itself, by
the rule on ended executions, and by the sweeper.
"""

from dataclasses import dataclass
from datetime import datetime

import msgspec

from chatledger.aws.table import ConditionFailed
from chatledger.clear.executions import execution_of
from chatledger.clear.reconcile import Reconciler, end_clear, reconcile
from chatledger.clear.stopping import is_quiet, stop
from chatledger.errors import StorageError
from chatledger.export import jobs as exports
from chatledger.export.job import Failure, Job
from chatledger.export.kept import ArchiveDiffers
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore.finish import fail as fail_restore

_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Execution:
    """An execution that is over, by its name."""

    organization: str
    job_id: str
    name: str


def end_export(
    reconciler: Reconciler, execution: Execution, until: datetime, *, patient: bool = True
) -> bool:
    """Ends the export; False where that takes another call.

    A clear that had begun is told to stop, and counted half a minute later; who is not ``patient``
    comes back instead of waiting. Raises ``StorageError``: repeat.
    """
    ledger = reconciler.ledger
    for _ in range(_ATTEMPTS):
        job = exports.load(ledger.table, execution.organization, execution.job_id)
        if not job or job.ended or execution.name != execution_of(job):
            return True
        clear = job.clear
        if clear and clear.status == "awaiting_acknowledgement":
            return True  # All is written, and waits for somebody.
        try:
            if not clear or not clear.has_begun:
                _fail_export(ledger, job)
                return True
            job = stop(ledger, job, clear)
        except ConditionFailed:
            continue  # Somebody wrote the job meanwhile.
        if patient or (job.clear and is_quiet(job.clear, ledger.now())):
            return _count(reconciler, execution, until)
        return False
    raise StorageError


def _count(reconciler: Reconciler, execution: Execution, until: datetime) -> bool:
    try:
        return reconcile(reconciler, execution.organization, execution.job_id, until)
    except Ended:
        return True
    except ArchiveDiffers:
        return _end_uncounted(reconciler.ledger, execution)


def _end_uncounted(ledger: Ledger, execution: Execution) -> bool:
    """Without a manifest nobody can say what was cleared, but the job ends all the same."""
    job = exports.load(ledger.table, execution.organization, execution.job_id)
    if job and job.clear and not job.ended:
        try:
            end_clear(ledger, job, job.clear, None)
        except ConditionFailed:
            return False
    return True


def _fail_export(ledger: Ledger, job: Job) -> None:
    if job.written_at:
        what = "Its archive is written, but was not verified to its end, so nothing was cleared."
    elif job.clear:
        what = "It could not be written to its end, so nothing was cleared."
    else:
        what = "It could not be written to its end."
    why = _failure(f"{what} Start a new export; if that fails too, report it.")
    fail_export(ledger, job, why)


def fail_export(ledger: Ledger, job: Job, failure: Failure) -> None:
    """Raises ``ConditionFailed`` if somebody wrote the job meanwhile."""
    failed = msgspec.structs.replace(job, status="failed", error=failure, finished_at=ledger.now())
    exports.save(ledger.table, failed)


def end_restore(ledger: Ledger, execution: Execution) -> None:
    """Ends the undo or import as failed. Raises ``StorageError``: repeat."""
    for _ in range(_ATTEMPTS):
        job = restores.load(ledger.table, execution.organization, execution.job_id)
        if not job or job.ended or job.status == "awaiting_upload":
            return
        if execution.name != job.execution:
            return
        try:
            fail_restore(
                ledger,
                job,
                _failure("It stopped before its end. What it put back stays; repeat it."),
            )
        except ConditionFailed:
            continue  # Somebody wrote the job meanwhile.
        return
    raise StorageError


def _failure(why: str) -> Failure:
    return Failure("internal_error", why)
