"""Finish: a restore whose steps are done says so, an undo in its export as well."""

import msgspec

from chatledger.aws.table import ConditionFailed
from chatledger.errors import ChatledgerError, StorageError
from chatledger.export import jobs as exports
from chatledger.export.job import Clear, ClearStatus, Failure
from chatledger.export.job import Job as ExportJob
from chatledger.jobs import progress
from chatledger.ledger.ledger import Ledger
from chatledger.restore import jobs as restores
from chatledger.restore.job import Counts, Job

_ROUNDS = 5


class PartsMissing(ChatledgerError):
    """A part of the archive has not said that it is done."""


def finish(ledger: Ledger, organization: str, restore_id: str) -> None:
    """Ends the job as succeeded; one that has ended is left as it is.

    The export says it first: a crash in between leaves the job to be ended by a repeat.
    """
    for _ in range(_ROUNDS):
        job = restores.load(ledger.table, organization, restore_id)
        if not job or job.ended:
            return
        try:
            if job.kind == "undo":
                job = _undone(ledger, job)
            _end(ledger, job, status="succeeded")
        except ConditionFailed:
            continue
        return
    raise StorageError


def fail(ledger: Ledger, job: Job, failure: Failure) -> None:
    """Ends the job as failed. Raises ``ConditionFailed`` where somebody changed it meanwhile.

    Of an undo that stopped half-way, some is back and some is not: until it is asked for again,
    its export is cleared incompletely.
    """
    if job.ended:
        return
    if job.kind == "undo" and job.status == "running":
        _say_incomplete(ledger, job)
    _end(ledger, job, status="failed", error=failure)


def _undone(ledger: Ledger, job: Job) -> Job:
    """The job with what its parts counted."""
    export = exports.find(ledger.table, job.organization, job.export_id or "")
    parts = export.manifest.parts if export.manifest else 0
    said = progress.reported(ledger.table, job.organization, job.restore_id)
    figures = [said.get(part, (0, 0, 0)) for part in range(1, parts + 1)]
    if not all(done for _, _, done in figures):
        raise PartsMissing("Some of the archive was not gone through. Ask for the undo again.")
    _say_undone(ledger, job)
    restored, left = sum(each[0] for each in figures), sum(each[1] for each in figures)
    counts = Counts(restored=restored, left_alone=left)
    return msgspec.structs.replace(job, counts=counts)


def _say_undone(ledger: Ledger, job: Job) -> None:
    export = exports.find(ledger.table, job.organization, job.export_id or "")
    if export.clear and export.clear.status != "undone":
        _say(ledger, export, export.clear, "undone")


def _say_incomplete(ledger: Ledger, job: Job) -> None:
    """Written even where it says so already: who is about to say "undoing" must not come later."""
    export = exports.find(ledger.table, job.organization, job.export_id or "")
    if export.clear and export.clear.status != "undone":
        _say(ledger, export, export.clear, "incomplete")


def _say(ledger: Ledger, export: ExportJob, clear: Clear, status: ClearStatus) -> None:
    said = msgspec.structs.replace(clear, status=status)
    exports.save(ledger.table, msgspec.structs.replace(export, clear=said))


def _end(ledger: Ledger, job: Job, **changes: object) -> None:
    ended = msgspec.structs.replace(job, finished_at=ledger.now(), **changes)
    restores.save(ledger.table, ended)
