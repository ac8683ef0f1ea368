"""Acknowledge: the client proves that it has the archive, and the clear that waited for it begins.

Taking the lease is what decides: from there on, a repeat or the sweeper carries it through.
"""

import hmac
from dataclasses import dataclass
from functools import partial

import msgspec

from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.states import StateMachine
from chatledger.aws.table import ConditionFailed
from chatledger.clear.executions import (
    clear_execution,
    execution_of,
    input_of,
)
from chatledger.errors import Conflict, Gone, InvalidRequest, StorageError
from chatledger.export import jobs
from chatledger.export.job import ACKNOWLEDGE_WITHIN, Job, Manifest
from chatledger.jobs import lease
from chatledger.jobs.holder import has_ended
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import format_time

_ATTEMPTS = 6


@dataclass(frozen=True, slots=True)
class Acknowledger:
    """``archive_bucket``: the name of the bucket in which the list of the archive's parts lies."""

    ledger: Ledger
    machine: StateMachine
    archive_bucket: str


def acknowledge(
    acknowledger: Acknowledger,
    organization: str,
    export_id: str,
    root_hash: str,
    actor: Actor = SYSTEM,
) -> Job:
    """The job, whose clear begins; the same again for a repeat.

    Raises ``Conflict`` where no clear waits, or another one runs; ``Gone`` after seven days;
    ``InvalidRequest`` for another root hash: then nothing changes.
    """
    ledger = acknowledger.ledger
    for _ in range(_ATTEMPTS):
        job = jobs.find(ledger.table, organization, export_id)
        manifest = _awaited(job)
        if not job.is_acknowledged:
            _check_in_time(ledger, job)
        if not hmac.compare_digest(root_hash.lower(), manifest.root_hash):
            raise InvalidRequest(
                "This is not the manifest's root hash. Download the manifest and compute SHA-256 "
                "of its header as it stands in the first line; nothing was cleared."
            )
        if job.ended:
            return job
        try:
            return carry_through(acknowledger, job, actor)
        except ConditionFailed:
            continue  # Somebody wrote the job meanwhile.
    raise StorageError


def carry_through(acknowledger: Acknowledger, job: Job, actor: Actor = SYSTEM) -> Job:
    """Takes the lease, says so in the job, starts the execution; each of it once.

    Raises ``Conflict`` while another clear or undo runs, ``ConditionFailed`` if somebody wrote
    the job meanwhile.
    """
    table = acknowledger.ledger.table
    ended = partial(has_ended, table, job.organization)
    lease.take(table, job.organization, job.export_id, ended)
    if job.clear and not job.is_acknowledged:
        now = acknowledger.ledger.now()
        clear = msgspec.structs.replace(job.clear, status="pending", acknowledged_at=now)
        job = msgspec.structs.replace(job, clear=clear, execution=clear_execution(job))
        job = jobs.save(table, job, actor)
    acknowledger.machine.start(execution_of(job), input_of(job, acknowledger.archive_bucket))
    return job


def _awaited(job: Job) -> Manifest:
    """Raises ``Conflict`` unless its clear waits, or waited, to be acknowledged."""
    clear, manifest = job.clear, job.manifest
    if not clear or clear.on != "acknowledged":
        raise Conflict(
            "This export waits for no acknowledgement. One with "
            '"clear": true and "clear_on": "acknowledged" does.'
        )
    if clear.status == "not_acknowledged":
        raise Gone("Seven days have gone by, so nothing was cleared. Start a new export.")
    if job.ended and not job.is_acknowledged:
        raise Conflict(f"This export is {job.status}; nothing was cleared. Start a new export.")
    if not manifest or (clear.status == "pending" and not job.is_acknowledged):
        raise Conflict("Its archive is not written yet. Acknowledge it when its clear awaits it.")
    return manifest


def _check_in_time(ledger: Ledger, job: Job) -> None:
    until = (job.written_at or job.created_at) + ACKNOWLEDGE_WITHIN
    if ledger.now() >= until:
        raise Gone(
            f"It was to be acknowledged until {format_time(until)}; nothing was cleared. "
            "Start a new export."
        )
