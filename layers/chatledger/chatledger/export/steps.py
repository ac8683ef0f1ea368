"""The workflow's steps of writing an export: plan, write part, finish.

Each may be called again at any time, by a retry or by an execution that goes on where a request
or another execution stopped. Raises ``Ended`` when the job is over: then nothing is left to do.
"""

from datetime import datetime
from typing import Any

import msgspec

from chatledger.documents.read import ContentGone
from chatledger.errors import Conflict
from chatledger.export import jobs, places
from chatledger.export.exporter import Exporter
from chatledger.export.finish import finish
from chatledger.export.job import Job, Progress
from chatledger.export.outcome import fail, record_files
from chatledger.export.plan import parts_list, planned
from chatledger.export.spec import spec_of_job
from chatledger.export.watch import check_wanted, in_workflow
from chatledger.export.write_part import PartWriter
from chatledger.jobs.ended import Ended


def plan_export(exporter: Exporter, organization: str, export_id: str) -> dict[str, str]:
    """Makes the plan; answers where the list of its parts lies."""
    job = _wanted(exporter, organization, export_id)
    plan = planned(exporter, job, spec_of_job(job))
    place = places.parts_list(organization, export_id)
    exporter.exports.put(place, parts_list(len(plan.parts)), "application/json")
    progress = Progress(parts_total=len(plan.parts))
    _change(exporter, job, status="running", progress=progress)
    return {"bucket": exporter.exports.name, "key": place}


def write_export_part(
    exporter: Exporter, organization: str, export_id: str, number: int, until: datetime
) -> bool:
    """Writes the part of this number; False: time was up, and it must be called again."""
    job = _wanted(exporter, organization, export_id)
    spec = spec_of_job(job)
    plan = planned(exporter, job, spec)
    watch = in_workflow(exporter.ledger, job, until)
    try:
        return PartWriter(exporter, export_id, spec, plan, plan.parts[number - 1], watch).write()
    except ContentGone as gone:
        fail(exporter.ledger, job, gone)
        raise Ended from None


def finish_export(
    exporter: Exporter, organization: str, export_id: str, until: datetime
) -> dict[str, Any]:
    """Makes the files; answers what comes next, and where the list of the archive's parts lies.

    Next is "verify", or "end": the job has ended, or waits for its acknowledgement.
    """
    job = _wanted(exporter, organization, export_id)
    if not job.written_at:
        spec = spec_of_job(job)
        plan = planned(exporter, job, spec)
        watch = in_workflow(exporter.ledger, job, until)
        finished = finish(exporter, job, spec, plan, watch.checkpoint)
        try:
            job = record_files(exporter.ledger, job, finished)
        except Conflict:
            raise Ended from None  # It has failed, and says why.
    return _next(exporter, job)


def _next(exporter: Exporter, job: Job) -> dict[str, Any]:
    waits = job.clear is not None and job.clear.status == "awaiting_acknowledgement"
    # What was acknowledged meanwhile, another execution clears.
    if job.ended or waits or job.is_acknowledged or not job.manifest:
        return {"next": "end"}
    bucket = exporter.bucket("archive").name
    return {"next": "verify", "bucket": bucket, "key": job.manifest.parts_key}


def _wanted(exporter: Exporter, organization: str, export_id: str) -> Job:
    """Raises ``Ended``."""
    return check_wanted(jobs.load(exporter.ledger.table, organization, export_id))


def _change(exporter: Exporter, job: Job, **changes: object) -> None:
    """Changes what has not changed already; raises ``Ended``."""

    def changed(current: Job) -> Job:
        check_wanted(current)
        if current.written_at:
            return current
        return msgspec.structs.replace(current, **changes)

    jobs.change(exporter.ledger.table, job.organization, job.export_id, changed)
