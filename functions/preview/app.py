"""POST /exports/preview, GET /statistics, and the same under /crm: a look before an export.

It writes no file, and can delete nothing.
"""

from typing import Any

from chatledger.api.app import (
    Answer,
    body,
    caller,
    exports_bucket,
    handle,
    ledger,
    ok,
    pseudonym_secret,
    query,
    resolver,
)
from chatledger.api.cursors import position_in
from chatledger.export.exporter import Exporter
from chatledger.models.exports import ExportRequest
from chatledger.models.queries import StatisticsQuery
from chatledger.preview.preview import preview
from chatledger.preview.statistics import statistics

app = resolver()


@app.post("/exports/preview")
@app.post("/crm/ai-conversations/preview")
def post_preview() -> Answer:
    request, organization = body(ExportRequest), caller().organization
    since = position_in(ledger(), organization, request)
    exporter = Exporter(ledger(), exports_bucket(), pseudonym_secret=pseudonym_secret)
    return ok(preview(exporter, organization, request, caller().actor, since))


@app.get("/statistics")
@app.get("/crm/ai-conversations/statistics")
def get_statistics() -> Answer:
    return ok(statistics(ledger(), caller().organization, query(StatisticsQuery).request))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
