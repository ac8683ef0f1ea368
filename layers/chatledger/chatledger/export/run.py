"""Run: an export inside its request, for as long as the caller waits.

What is committed when time is over stays, and the workflow goes on from it.
"""

from contextlib import suppress
from datetime import datetime

import msgspec

from chatledger.aws.table import ConditionFailed
from chatledger.documents.read import ContentGone
from chatledger.errors import StorageError
from chatledger.export import jobs
from chatledger.export.exporter import Exporter
from chatledger.export.finish import finish
from chatledger.export.job import Job, Progress
from chatledger.export.outcome import fail, record_files
from chatledger.export.plan import planned
from chatledger.export.spec import Spec, spec_of_job
from chatledger.export.watch import OutOfTime, Watch, in_request
from chatledger.export.write_part import PartWriter
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger


def run(exporter: Exporter, job: Job, until: datetime) -> Job:
    """The job after this run: at its end, or still running where time was up.

    Raises ``StorageError`` where the storage did not answer; a repeat goes on. Raises ``Conflict``
    where another export of the same stream was first: this one has failed.
    """
    ledger = exporter.ledger
    try:
        _run(exporter, job, spec_of_job(job), until)
    except StorageError:
        _give_up(ledger, job)
        raise
    except ContentGone as gone:
        fail(ledger, job, gone)
    except (OutOfTime, ConditionFailed, Ended):
        pass  # Handed over, or somebody else is on it, or ended it.
    return _reload(ledger, job)


def _run(exporter: Exporter, job: Job, spec: Spec, until: datetime) -> None:
    ledger = exporter.ledger
    plan = planned(exporter, job, spec)
    progress = Progress(parts_total=len(plan.parts))
    job = _save(ledger, job, status="running", run_until=until, progress=progress)
    watch: Watch = in_request(ledger, job, until)
    for part in plan.parts:
        PartWriter(exporter, job.export_id, spec, plan, part, watch).write()
    finished = finish(exporter, job, spec, plan, watch.checkpoint)
    record_files(ledger, job, finished)


def _give_up(ledger: Ledger, job: Job) -> None:
    """Leaves the job as it is, to be gone on with at once by a repeat of its request."""
    with suppress(ConditionFailed, StorageError):
        current = _reload(ledger, job)
        if not current.ended:
            _save(ledger, current, run_until=None)


def _reload(ledger: Ledger, job: Job) -> Job:
    return jobs.find(ledger.table, job.organization, job.export_id)


def _save(ledger: Ledger, job: Job, **changes: object) -> Job:
    return jobs.save(ledger.table, msgspec.structs.replace(job, **changes))
