"""Undo: asking for it, and going on with one that was asked for.

The order is such that a crash anywhere is completed by a repeat, or by the sweeper: the undo is in
the index of running jobs before it is there, it is there before it has the lease, and it has the
lease before its execution starts.
"""

from datetime import timedelta

import msgspec

from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.states import StateMachine
from chatledger.aws.table import ConditionFailed
from chatledger.errors import Conflict, Gone, StorageError
from chatledger.export import jobs as exports
from chatledger.export.job import UNDO_WITHIN, Failure, Manifest
from chatledger.export.job import Job as ExportJob
from chatledger.jobs import holder, lease, running
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore.job import Job, PartsList

_ROUNDS = 5
_LOOK_EVERY = 0.3  # seconds


def undo(
    ledger: Ledger,
    machine: StateMachine,
    archive_bucket: str,
    organization: str,
    export_id: str,
    actor: Actor = SYSTEM,
) -> Job:
    """The export's undo, begun if it was not; one that failed is begun anew.

    ``archive_bucket``: the name of the bucket in which the list of the archive's parts lies.
    Raises ``NotFound``, ``Gone``, and ``Conflict`` where there is nothing to undo (yet), or
    another clear or undo runs.
    """
    for _ in range(_ROUNDS):
        export = exports.find(ledger.table, organization, export_id)
        manifest = _check(ledger, export)
        parts = PartsList(archive_bucket, manifest.parts_key)
        try:
            job = _admitted(ledger, organization, export_id, parts, actor)
            return go_on(ledger, machine, job)
        except ConditionFailed:
            continue  # Somebody asks for the same just now, or it just ended.
    raise StorageError


def go_on(ledger: Ledger, machine: StateMachine, job: Job) -> Job:
    """Takes an undo from wherever it stopped to its execution; harmless to repeat.

    Raises ``Conflict`` where another clear or undo runs, and then this one has failed;
    ``ConditionFailed`` where somebody changed it meanwhile.
    """
    if job.status == "queued":
        job = _with_lease(ledger, job)
    if job.status == "running":
        job = _say_undoing(ledger, job)
    if job.status == "running":
        machine.start(job.execution, job.execution_input)
    return job


def wait_for_end(ledger: Ledger, job: Job, seconds: float) -> Job:
    """The job as it stands when it has ended, or so much later."""
    until = ledger.now() + timedelta(seconds=seconds)
    while not job.ended and ledger.now() < until:
        ledger.sleep(_LOOK_EVERY)
        job = restores.find(ledger.table, job.organization, job.restore_id)
    return job


def undo_id(export_id: str) -> str:
    """An export has one undo."""
    return f"{export_id}-undo"


def _check(ledger: Ledger, export: ExportJob) -> Manifest:
    """The manifest of what there is to undo."""
    clear = export.clear
    if not clear:
        raise Conflict(f"Export {export.export_id} was asked to clear nothing. Nothing to undo.")
    if not export.ended:
        raise Conflict(
            f"Export {export.export_id} has not ended. Repeat when it has; as long as it has not "
            "begun to clear, DELETE cancels it."
        )
    if not clear.has_begun or not export.manifest:
        raise Conflict(f"Export {export.export_id} ended without clearing. Nothing to undo.")
    until = clear.undo_until or (export.finished_at or export.created_at) + UNDO_WITHIN
    if ledger.now() >= until:
        raise Gone("The time to undo it is over. Restore its archive: POST /imports.")
    return export.manifest


def _admitted(
    ledger: Ledger, organization: str, export_id: str, parts: PartsList, actor: Actor
) -> Job:
    """The job that is there, or a new one; a failed one is queued for another execution."""
    restore_id, now = undo_id(export_id), ledger.now()
    there = restores.load(ledger.table, organization, restore_id)
    if there and there.status != "failed":
        return there
    running.enter(ledger.table, "restore", organization, restore_id, now)
    job = Job(
        restore_id=restore_id,
        organization=organization,
        kind="undo",
        created_at=there.created_at if there else now,
        status="queued",
        export_id=export_id,
        parts=parts,
        attempt=there.attempt + 1 if there else 1,
        asked_at=now,
        token=there.token if there else None,
    )
    return restores.save(ledger.table, job, actor)


def _with_lease(ledger: Ledger, job: Job) -> Job:
    table, organization = ledger.table, job.organization
    try:
        lease.take(
            table,
            organization,
            job.restore_id,
            lambda other: holder.has_ended(table, organization, other),
        )
    except Conflict as refused:
        failure = Failure(refused.code, refused.message)
        _save(ledger, job, status="failed", error=failure, finished_at=ledger.now())
        raise
    return _save(ledger, job, status="running")


def _say_undoing(ledger: Ledger, job: Job) -> Job:
    """Says so in the export, whose clear it is; the job as it stands now, which may have ended.

    The job is written in between, as it is, so that whoever ends it meanwhile starts over: either
    "undoing" is not said any more, or the end says what comes after it.
    """
    export = exports.find(ledger.table, job.organization, job.export_id or "")
    job = restores.find(ledger.table, job.organization, job.restore_id)
    said = not export.clear or export.clear.status in {"undoing", "undone"}
    if export.clear and not said and job.status == "running":
        job = restores.save(ledger.table, job)
        clear = msgspec.structs.replace(export.clear, status="undoing")
        exports.save(ledger.table, msgspec.structs.replace(export, clear=clear))
    return job


def _save(ledger: Ledger, job: Job, **changes: object) -> Job:
    return restores.save(ledger.table, msgspec.structs.replace(job, **changes))
