"""Run: an export from its admission to its end, inside one process and in bounded time."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from chatledger.aws.s3 import AlreadyThere, Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.errors import ChatledgerError, StorageError
from chatledger.export import job as jobs
from chatledger.export import places
from chatledger.export.finish import finish, framing_bytes
from chatledger.export.job import Counts, Failure, Job, Progress
from chatledger.export.plan import Plan, make_plan
from chatledger.export.sink import CountingSink
from chatledger.export.spec import Spec, spec_of
from chatledger.export.write_part import Written, fill, write_part
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest
from chatledger.timestamps import day_of

# What a request may take; the gateway cuts it off at 30 seconds.
IN_REQUEST = timedelta(seconds=20)
_LOOK_EVERY = timedelta(seconds=1)


class OutOfTime(ChatledgerError):
    """It is too much for one request: repeating it as it is would not help."""

    code = "payload_too_large"


class Ended(Exception):
    """Somebody ended the job meanwhile (cancelled it, or finished the same run)."""


@dataclass(frozen=True, slots=True)
class Exporter:
    """Where exports are read from and written to."""

    ledger: Ledger
    bucket: Bucket


def admit(ledger: Ledger, organization: str, request: ExportRequest, export_id: str) -> Job:
    """The job under this id: a new one, or the one that is there already."""
    now = ledger.now()
    job = Job(
        export_id=export_id,
        organization=organization,
        request=request.model_dump(mode="json"),
        created_at=now,
        run_until=now + IN_REQUEST,
    )
    try:
        return jobs.save(ledger.table, job)
    except ConditionFailed:
        there = jobs.load(ledger.table, organization, export_id)
        if not there:
            raise StorageError from None
        return there


def count(ledger: Ledger, organization: str, spec: Spec) -> Counts:
    """What the export would hold, counted by writing it to nowhere."""
    checkpoint = _out_of_time(ledger, ledger.now() + IN_REQUEST)
    plan = make_plan(ledger, organization, spec.selection)
    conversations = messages = filled = 0
    sink = CountingSink()
    for part in plan.parts:
        before = conversations
        found = fill(ledger, spec, plan, part, sink, checkpoint)
        conversations, messages = conversations + found[0], messages + found[1]
        filled += conversations > before
    return Counts(conversations, messages, sink.size + framing_bytes(spec, filled))


def run(exporter: Exporter, job: Job) -> Job:
    """Runs the job to its end, going on where an earlier run of it stopped.

    A job that ended, or that another request is running just now, is answered as it is. Raises
    ``StorageError`` where the storage did not answer; a repeat goes on.
    """
    ledger = exporter.ledger
    if job.ended or (job.status == "running" and ledger.now() < job.run_until):
        return job
    try:
        job = _save(ledger, job, status="running", run_until=ledger.now() + IN_REQUEST)
        return _run(exporter, job, spec_of(ExportRequest.model_validate(job.request)))
    except OutOfTime as error:
        return _fail(ledger, job, error)
    except StorageError:
        _give_up(ledger, job)
        raise
    except (ConditionFailed, Ended):
        return _reload(ledger, job)


def _run(exporter: Exporter, job: Job, spec: Spec) -> Job:
    ledger, bucket = exporter.ledger, exporter.bucket
    plan = _planned(exporter, job, spec)
    job = _save(ledger, job, progress=Progress(parts_total=len(plan.parts)))
    checkpoint = _checkpoint(ledger, job)
    written: list[Written] = []
    for part in plan.parts:
        written.append(write_part(ledger, bucket, job.export_id, spec, plan, part, checkpoint))
        job = _save(ledger, job, progress=_progress(plan, written))
        checkpoint = _checkpoint(ledger, job)
    checkpoint()
    file = finish(bucket, job.export_id, spec, plan, written, day_of(job.created_at))
    progress = _progress(plan, written)
    counts = Counts(progress.conversations, progress.messages, file.bytes)
    now = ledger.now()
    return _save(ledger, job, status="succeeded", counts=counts, files=(file,), finished_at=now)


def _planned(exporter: Exporter, job: Job, spec: Spec) -> Plan:
    """The plan that is there, or a new one; of two runs at once, the first one's."""
    place = places.plan(job.organization, job.export_id)
    if made := exporter.bucket.get(place):
        return msgspec.json.decode(made, type=Plan)
    plan = make_plan(exporter.ledger, job.organization, spec.selection)
    try:
        exporter.bucket.put(place, msgspec.json.encode(plan), "application/json", once=True)
    except AlreadyThere:
        return _planned(exporter, job, spec)
    return plan


def _progress(plan: Plan, written: Sequence[Written]) -> Progress:
    return Progress(
        conversations=sum(part.conversations for part in written),
        messages=sum(part.messages for part in written),
        parts_done=len(written),
        parts_total=len(plan.parts),
    )


def _checkpoint(ledger: Ledger, job: Job) -> Checkpoint:
    """Ends the writing when time is up or, looked at each second, the job is no longer ours."""
    out_of_time = _out_of_time(ledger, job.run_until)
    look_at = ledger.now() + _LOOK_EVERY

    def check() -> None:
        nonlocal look_at
        out_of_time()
        if ledger.now() >= look_at:
            now = jobs.load(ledger.table, job.organization, job.export_id)
            if not now or now.token != job.token:
                raise Ended
            look_at = ledger.now() + _LOOK_EVERY

    return check


def _out_of_time(ledger: Ledger, until: datetime) -> Checkpoint:
    def check() -> None:
        if ledger.now() > until:
            raise OutOfTime(
                f"More than can be read in {IN_REQUEST.seconds} seconds. "
                "Ask for fewer days, or name conversations or users."
            )

    return check


def _give_up(ledger: Ledger, job: Job) -> None:
    """Leaves the job as it is, to be gone on with at once by a repeat of its request."""
    with suppress(ConditionFailed, StorageError):
        current = _reload(ledger, job)
        if not current.ended:
            _save(ledger, current, run_until=ledger.now())


def _fail(ledger: Ledger, job: Job, error: ChatledgerError) -> Job:
    try:
        current = _reload(ledger, job)
        if current.ended:
            return current
        failure = Failure(error.code, error.message)
        return _save(ledger, current, status="failed", error=failure, finished_at=ledger.now())
    except ConditionFailed:
        return _reload(ledger, job)


def _reload(ledger: Ledger, job: Job) -> Job:
    return jobs.find(ledger.table, job.organization, job.export_id)


def _save(ledger: Ledger, job: Job, **changes: object) -> Job:
    return jobs.save(ledger.table, msgspec.structs.replace(job, **changes))
