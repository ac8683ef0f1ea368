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
from chatledger.api.tokens import seal, unseal
from chatledger.export.answers import Links, download_link, jobs_answer, shown
from chatledger.export.job import find
from chatledger.models.queries import ListExportsQuery

app = resolver()


@app.get("/exports")
def get_exports() -> Answer:
    asked, organization = query(ListExportsQuery), caller().organization
    after = unseal("exports", organization, asked.cursor)["after"] if asked.cursor else None
    answer, last = jobs_answer(ledger(), _links(), organization, after, asked.limit)
    cursor = seal("exports", organization, {"after": last}) if last else None
    return ok(answer | {"next_cursor": cursor})


@app.get("/exports/<export_id>")
def get_export(export_id: str) -> Answer:
    job = find(ledger().table, caller().organization, path("export_id"))
    return ok(shown(ledger(), _links(), job))


@app.get("/exports/<export_id>/download")
def get_download(export_id: str) -> Answer:
    job = find(ledger().table, caller().organization, path("export_id"))
    return found(download_link(ledger(), exports_bucket(), job))


def _links() -> Links:
    return Links(exports_bucket(), archive_bucket())


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
