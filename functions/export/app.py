"""POST /exports, also under /crm, and a project's exports: a slice of the ledger, or documents.

Written here, or by the workflow that this starts. It can delete nothing: a clear is the workflow's.
"""

from datetime import timedelta
from typing import Any

from chatledger.api.app import (
    MAX_WAIT_SECONDS,
    Answer,
    accepted,
    archive_bucket,
    body,
    caller,
    claimed,
    created,
    export_machine,
    exports_bucket,
    found,
    handle,
    ledger,
    location,
    ok,
    path,
    pseudonym_secret,
    resolver,
    signer,
    wait_seconds,
)
from chatledger.api.cursors import position_in, seal_slots
from chatledger.export.answers import Links, download_link, dry_run_answer, job_answer
from chatledger.export.begin import Wanted, export
from chatledger.export.exporter import Exporter
from chatledger.export.links_given import record_download, record_links
from chatledger.export.project import conversations_of, documents_of
from chatledger.identifiers import new_ulid
from chatledger.models.exports import ExportRequest

app = resolver()


@app.post("/exports")
@app.post("/crm/ai-conversations/export")
def post_exports() -> Answer:
    request, organization = body(ExportRequest), caller().organization
    since = position_in(ledger(), organization, request)
    if request.dry_run:
        return ok(dry_run_answer(ledger(), organization, request, since))
    export_id = claimed(export_id=new_ulid())["export_id"]
    wait, who = timedelta(seconds=wait_seconds()), caller().actor
    wanted = Wanted(organization, export_id, request, who, since)
    job = export(exporter(), export_machine(), wanted, wait)
    answer = job_answer(ledger(), Links(exports_bucket(), archive_bucket(), seal_slots), job)
    record_links(ledger(), organization, who, [answer])
    place = location(f"/exports/{export_id}")
    # Only who said that they wait is told of the end; everybody else is told where to ask.
    return created(answer, place) if wait and job.ended else accepted(answer, place)


@app.get("/projects/<app_id>/conversations/export")
def get_project_conversations(app_id: str) -> Answer:
    who = caller()
    return _whole(conversations_of(who.organization, path("app_id"), new_ulid(), who.actor))


@app.get("/projects/<app_id>/documents/export")
def get_project_documents(app_id: str) -> Answer:
    who = caller()
    return _whole(documents_of(who.organization, path("app_id"), new_ulid(), who.actor))


def _whole(wanted: Wanted) -> Answer:
    """The file, or where to ask for it."""
    job = export(exporter(), export_machine(), wanted, timedelta(seconds=MAX_WAIT_SECONDS))
    if job.status == "succeeded":
        link = download_link(ledger(), exports_bucket(), job)
        record_download(ledger(), wanted.organization, wanted.actor, job.export_id)
        return found(link)
    return accepted(job_answer(ledger(), Links(), job), location(f"/exports/{job.export_id}"))


def exporter() -> Exporter:
    return Exporter(
        ledger(),
        exports_bucket(),
        signer=signer(),
        pseudonym_secret=pseudonym_secret,
        documents=archive_bucket(),
    )


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
