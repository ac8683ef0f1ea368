"""DELETE /exports/{export_id}: cancels a running export, removes a finished one's files."""

from typing import Any

from chatledger.api.app import (
    Answer,
    archive_bucket,
    caller,
    exports_bucket,
    handle,
    ledger,
    ok,
    path,
    resolver,
)
from chatledger.export.answers import Links, job_answer
from chatledger.export.remove import remove

app = resolver()


@app.delete("/exports/<export_id>")
def delete_export(export_id: str) -> Answer:
    organization, export_id = caller().organization, path("export_id")
    buckets = exports_bucket(), archive_bucket()
    job = remove(ledger(), *buckets, organization, export_id, caller().actor)
    return ok(job_answer(ledger(), Links(), job))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
