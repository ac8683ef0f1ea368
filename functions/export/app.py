"""POST /exports: writes a slice of the ledger to a file; it can delete nothing."""

from typing import Any

from chatledger.api.app import (
    Answer,
    accepted,
    body,
    caller,
    claimed,
    created,
    exports_bucket,
    handle,
    ledger,
    location,
    ok,
    resolver,
    wait_seconds,
)
from chatledger.export.answers import dry_run_answer, job_answer
from chatledger.export.run import Exporter, admit, run
from chatledger.identifiers import new_ulid
from chatledger.models.exports import ExportRequest

app = resolver()


@app.post("/exports")
def post_exports() -> Answer:
    request, organization = body(ExportRequest), caller().organization
    if request.dry_run:
        return ok(dry_run_answer(ledger(), organization, request))
    export_id = claimed(export_id=new_ulid())["export_id"]
    bucket = exports_bucket()
    job = run(Exporter(ledger(), bucket), admit(ledger(), organization, request, export_id))
    answer, place = job_answer(ledger(), bucket, job), location(f"/exports/{export_id}")
    # Only who said that they wait is told of the end; everybody else is told where to ask.
    if wait_seconds() and job.ended:
        return created(answer, place)
    return accepted(answer, place)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
