"""GET /exports, /exports/{export_id}, /exports/{export_id}/download: what exports there are."""

from typing import Any

from chatledger.api.app import (
    Answer,
    archive_bucket,
    caller,
    exports_bucket,
    found,
    handle,
    ledger,
    ok,
    path,
    query,
    resolver,
)
from chatledger.api.cursors import seal_slots
from chatledger.api.tokens import seal, unseal
from chatledger.export.answers import Links, download_link, jobs_answer, shown
from chatledger.export.jobs import find
from chatledger.export.links_given import record_download, record_links
from chatledger.models.queries import ListExportsQuery

app = resolver()


@app.get("/exports")
def get_exports() -> Answer:
    asked, organization = query(ListExportsQuery), caller().organization
    after = unseal("exports", organization, asked.cursor)["after"] if asked.cursor else None
    answer, last = jobs_answer(ledger(), _links(), organization, after, asked.limit)
    record_links(ledger(), organization, caller().actor, answer["exports"])
    cursor = seal("exports", organization, {"after": last}) if last else None
    return ok(answer | {"next_cursor": cursor})


@app.get("/exports/<export_id>")
def get_export(export_id: str) -> Answer:
    organization = caller().organization
    answer = shown(ledger(), _links(), find(ledger().table, organization, path("export_id")))
    record_links(ledger(), organization, caller().actor, [answer])
    return ok(answer)


@app.get("/exports/<export_id>/download")
def get_download(export_id: str) -> Answer:
    organization = caller().organization
    job = find(ledger().table, organization, path("export_id"))
    link = download_link(ledger(), exports_bucket(), job)
    record_download(ledger(), organization, caller().actor, job.export_id)
    return found(link)


def _links() -> Links:
    return Links(exports_bucket(), archive_bucket(), seal_slots)


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
