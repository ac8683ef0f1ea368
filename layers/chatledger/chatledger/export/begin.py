"""Beginning: an export is admitted, and written here or handed over to the workflow.

The order is such that a crash anywhere is completed by a repeat of the request, or by the sweeper:
a clear has the lease before its job is there, and the job is in the index of what runs before it
is there itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import msgspec

from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.states import StateMachine
from chatledger.aws.table import ConditionFailed
from chatledger.errors import Conflict, StorageError
from chatledger.export import jobs
from chatledger.export.exporter import Exporter
from chatledger.export.job import Clear, Failure, Job
from chatledger.export.promise import taken
from chatledger.export.run import run
from chatledger.export.since import goes_on_from
from chatledger.jobs import lease, running
from chatledger.jobs.holder import has_ended
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest

_LOOK_EVERY_SECONDS = 0.3


@dataclass(frozen=True, slots=True)
class Wanted:
    """What somebody asks for; ``since`` is the position that the request's cursor holds."""

    organization: str
    export_id: str
    request: ExportRequest
    actor: Actor = SYSTEM
    since: Mapping[int, int] | None = None
    file_name: str | None = None


def export(exporter: Exporter, machine: StateMachine, wanted: Wanted, wait: timedelta) -> Job:
    """The export under this id, new or there already, as it stands after ``wait`` at most.

    Raises ``Conflict`` where it would
    clear and another clear or undo runs, and ``Gone`` where nothing goes on from the position:
    then nothing changes.
    """
    ledger = exporter.ledger
    until = ledger.now() + wait
    runs_here = bool(wait) and not wanted.request.clear
    job = _admitted(ledger, wanted, until if runs_here else None)
    if runs_here and _is_free(job, ledger.now(), until):
        job = run(exporter, job, until)
        job = job if job.ended else hand_over(ledger, machine, job)
    elif not job.ended and not _is_run_elsewhere(job, ledger.now()):
        job = hand_over(ledger, machine, job)
    return _awaited(ledger, job, until) if wait else job


def hand_over(ledger: Ledger, machine: StateMachine, job: Job) -> Job:
    """Starts the workflow, which goes on from what is committed; harmless to repeat."""
    if job.execution:
        return job
    ids = {"organization": job.organization, "export_id": job.export_id}
    machine.start(job.export_id, {**ids, "from": "plan"})

    def handed_over(current: Job) -> Job:
        if current.ended or current.execution:
            return current
        return msgspec.structs.replace(current, execution=job.export_id, run_until=None)

    return jobs.change(ledger.table, job.organization, job.export_id, handed_over)


def _admitted(ledger: Ledger, wanted: Wanted, run_until: datetime | None) -> Job:
    organization, export_id, request = wanted.organization, wanted.export_id, wanted.request
    if there := jobs.load(ledger.table, organization, export_id):
        return _with_lease(ledger, there)
    job = Job(
        export_id=export_id,
        organization=organization,
        request=request.model_dump(mode="json") | {"anonymize": request.anonymizes},
        created_at=ledger.now(),
        run_until=run_until,
        clear=Clear(on=request.clear_on) if request.clear else None,
        file_name=wanted.file_name,
        **goes_on_from(ledger, organization, request, wanted.since),
    )
    _take_lease(ledger, job)
    if request.anonymizes and (made := taken(ledger, organization, request, export_id)):
        job = msgspec.structs.replace(job, pseudonyms_of=made)
    running.enter(ledger.table, "export", organization, export_id, job.created_at)
    try:
        job = jobs.save(ledger.table, job, wanted.actor)
    except ConditionFailed:
        there = jobs.load(ledger.table, organization, export_id)
        if not there:
            raise StorageError from None
        job = there
    return _with_lease(ledger, job)


def _take_lease(ledger: Ledger, job: Job) -> None:
    """Of a clear that waits for nobody; raises ``Conflict`` while another job has it."""
    if job.clear and job.clear.on == "verified" and not job.ended:
        ended = partial(has_ended, ledger.table, job.organization)
        lease.take(ledger.table, job.organization, job.export_id, ended)


def _with_lease(ledger: Ledger, job: Job) -> Job:
    """The job, which has the lease.

    Until it was there, its lease looked like one whose job had ended: if another took it in just
    that moment, this job fails before it has begun.
    """
    try:
        _take_lease(ledger, job)
    except Conflict as refused:
        failure = Failure(refused.code, refused.message)
        now = ledger.now()

        def failed(current: Job) -> Job:
            if current.ended or (current.clear and current.clear.has_begun):
                return current
            return msgspec.structs.replace(current, status="failed", error=failure, finished_at=now)

        jobs.change(ledger.table, job.organization, job.export_id, failed)
        raise
    return job


def _is_free(job: Job, now: datetime, until: datetime) -> bool:
    """Whether nobody is on it: a job that was just made is this request's own."""
    if job.ended or job.execution:
        return False
    return job.run_until in {None, until} or not _is_run_elsewhere(job, now)


def _is_run_elsewhere(job: Job, now: datetime) -> bool:
    """Another request runs it; if that one died, the sweeper goes on."""
    return job.run_until is not None and now < job.run_until


def _awaited(ledger: Ledger, job: Job, until: datetime) -> Job:
    """The job at its end, or when time is up, or when its clear waits for the caller."""
    while not _rests(job) and ledger.now() < until:
        ledger.sleep(_LOOK_EVERY_SECONDS)
        job = jobs.find(ledger.table, job.organization, job.export_id)
    return job


def _rests(job: Job) -> bool:
    return job.ended or (job.clear is not None and job.clear.status == "awaiting_acknowledgement")
