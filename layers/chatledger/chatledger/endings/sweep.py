"""Sweep: looks at every job that is not known to have ended, and sees to it that it ends.

What nobody started is started; what its execution left is ended; what waited for somebody too
long is given up. It relies on nothing but the index of jobs: alone it would suffice.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from chatledger.aws.bucket import Bucket
from chatledger.aws.states import StateMachine
from chatledger.aws.table import ConditionFailed
from chatledger.clear.acknowledge import Acknowledger, carry_through
from chatledger.clear.executions import execution_of, input_of
from chatledger.clear.reconcile import Reconciler
from chatledger.clear.stopping import SURELY_QUIET
from chatledger.endings.ended import Execution, end_export, end_restore, fail_export
from chatledger.errors import Conflict
from chatledger.export import jobs as exports
from chatledger.export.begin import hand_over
from chatledger.export.job import ACKNOWLEDGE_WITHIN, Clear, Failure
from chatledger.export.job import Job as ExportJob
from chatledger.jobs import lease, running
from chatledger.jobs.holder import has_ended
from chatledger.jobs.running import RunningJob
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore import places, undo
from chatledger.restore.admit import begin as begin_import
from chatledger.restore.finish import fail as fail_restore
from chatledger.restore.job import Job as RestoreJob

# A job is entered in the index just before it is there.
_THERE_WITHIN = timedelta(hours=1)
_BEGUN_WITHIN = timedelta(minutes=5)
UPLOAD_WITHIN = timedelta(days=7)
_GOES_ON = ("RUNNING", "PENDING_REDRIVE")
# One that is long to count leaves time for the others; the next sweep goes on with it.
_FOR_ONE = timedelta(minutes=2)
_STOPPED_AT_ONCE = 100


@dataclass(frozen=True, slots=True)
class Sweeper:
    """``failed`` is told of each job that could not be looked at: the others are, all the same."""

    reconciler: Reconciler
    export_machine: StateMachine
    restore_machine: StateMachine
    failed: Callable[[RunningJob, Exception], None]

    @property
    def ledger(self) -> Ledger:
        return self.reconciler.ledger

    @property
    def uploads(self) -> Bucket:
        return self.reconciler.exports


class SomeFailed(Exception):
    """Jobs could not be looked at; each was told to ``failed``."""


def sweep(sweeper: Sweeper, until: datetime) -> int:
    """Looks at each job once, until time is up; answers how many. Raises ``SomeFailed``.

    The next sweep goes on where time was up, so that nobody's jobs wait behind another's.
    """
    looked = failures = 0
    last: RunningJob | None = None
    stopped: list[RunningJob] = []
    table = sweeper.ledger.table
    for job in running.all_running(table, after=running.stopped_at(table)):
        now = sweeper.ledger.now()
        if now >= until:
            break
        last = job
        looked += 1
        look = _sweep_export if job.kind == "export" else _sweep_restore
        try:
            if not look(sweeper, job, min(until, now + _FOR_ONE)):
                stopped.append(job)
        except ConditionFailed:
            continue  # Somebody is at it just now.
        except Exception as error:
            sweeper.failed(job, error)
            failures += 1
    else:
        last = None
    running.stop_at(table, last)
    failures += _end_stopped(sweeper, stopped[:_STOPPED_AT_ONCE], until)
    if failures:
        raise SomeFailed(f"{failures} jobs could not be looked at; the log says which.")
    return looked


def _end_stopped(sweeper: Sweeper, stopped: list[RunningJob], until: datetime) -> int:
    """Clears that were told to stop, once nothing of them can write any more; answers failures."""
    failures = 0
    if stopped:
        sweeper.ledger.sleep(SURELY_QUIET.total_seconds())
    for job in stopped:
        now = sweeper.ledger.now()
        if now >= until:
            break
        try:
            _sweep_export(sweeper, job, min(until, now + _FOR_ONE))
        except ConditionFailed:
            continue  # Somebody is at it just now.
        except Exception as error:
            sweeper.failed(job, error)
            failures += 1
    return failures


def _sweep_export(sweeper: Sweeper, entered: RunningJob, until: datetime) -> bool:
    """False where its clear was told to stop, and is to be counted a little later."""
    ledger = sweeper.ledger
    job = exports.load(ledger.table, entered.organization, entered.job_id)
    if not job or job.ended:
        _leave(ledger, entered, is_there=job is not None)
        return True
    if job.clear and job.clear.status == "awaiting_acknowledgement":
        _look_at_waiting(sweeper, job, job.clear)
        return True
    if job.run_until and ledger.now() < job.run_until:
        return True  # A request runs it.
    name = execution_of(job)
    status = sweeper.export_machine.status(name)
    if status is None:
        _start_export(sweeper, job)
    elif status not in _GOES_ON:
        over = Execution(entered.organization, entered.job_id, name)
        return end_export(sweeper.reconciler, over, until, patient=False)
    return True


def _look_at_waiting(sweeper: Sweeper, job: ExportJob, clear: Clear) -> None:
    """An acknowledgement that got as far as the lease is carried through; too late, it ends."""
    ledger = sweeper.ledger
    if lease.holder(ledger.table, job.organization) == job.export_id:
        machine, archive = sweeper.export_machine, sweeper.reconciler.archive.name
        carry_through(Acknowledger(ledger, machine, archive), job)
    elif ledger.now() >= (job.written_at or job.created_at) + ACKNOWLEDGE_WITHIN:
        exports.save(
            ledger.table,
            msgspec.structs.replace(
                job,
                status="succeeded",
                clear=msgspec.structs.replace(clear, status="not_acknowledged"),
                finished_at=ledger.now(),
            ),
        )


def _start_export(sweeper: Sweeper, job: ExportJob) -> None:
    """What a request left before its execution began; a clear has the lease before that."""
    ledger, machine = sweeper.ledger, sweeper.export_machine
    if job.clear and (job.clear.on == "verified" or job.is_acknowledged):
        ended = partial(has_ended, ledger.table, job.organization)
        try:
            lease.take(ledger.table, job.organization, job.export_id, ended)
        except Conflict as refused:
            fail_export(ledger, job, Failure(refused.code, refused.message))
            return
    if job.execution:
        machine.start(job.execution, input_of(job, sweeper.reconciler.archive.name))
    else:
        hand_over(ledger, machine, job)


def _sweep_restore(sweeper: Sweeper, entered: RunningJob, _until: datetime) -> bool:
    ledger = sweeper.ledger
    job = restores.load(ledger.table, entered.organization, entered.job_id)
    if not job or job.ended:
        _leave(ledger, entered, is_there=job is not None)
    elif job.status == "awaiting_upload":
        _look_for_upload(sweeper, job)
    elif job.kind == "undo" and job.status == "queued":
        _go_on_undoing(sweeper, job)
    else:
        status = sweeper.restore_machine.status(job.execution)
        if status is None and job.kind == "undo":
            _go_on_undoing(sweeper, job)
        elif status is None:
            sweeper.restore_machine.start(job.execution, job.execution_input)
        elif status not in _GOES_ON:
            end_restore(ledger, Execution(job.organization, job.restore_id, job.execution))
    return True


def _look_for_upload(sweeper: Sweeper, job: RestoreJob) -> None:
    """Whose event was lost is started here; what never came is given up."""
    ledger = sweeper.ledger
    if sweeper.uploads.size(places.archive(job.organization, job.restore_id)) is not None:
        uploaded = places.Uploaded(job.organization, job.restore_id)
        begin_import(ledger, sweeper.restore_machine, uploaded)
    elif ledger.now() >= job.created_at + UPLOAD_WITHIN:
        why = Failure("gone", "Nothing was uploaded within seven days. Start another import.")
        fail_restore(ledger, job, why)


def _go_on_undoing(sweeper: Sweeper, job: RestoreJob) -> None:
    with suppress(Conflict):  # Another clear or undo runs: this one has failed, and says so.
        undo.go_on(sweeper.ledger, sweeper.restore_machine, job)


def _leave(ledger: Ledger, entered: RunningJob, *, is_there: bool) -> None:
    """Leaves the index once the job has ended, or if it never came.

    Not at once: a job that ended is entered before it begins again, as an undo may.
    """
    within = _BEGUN_WITHIN if is_there else _THERE_WITHIN
    if ledger.now() >= entered.entered_at + within:
        running.leave(ledger.table, entered)
