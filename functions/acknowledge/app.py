"""POST /exports/{export_id}/acknowledge: begins a clear that waited for the root hash."""

from typing import Any

from chatledger.api.app import (
    Answer,
    accepted,
    body,
    caller,
    export_machine,
    handle,
    ledger,
    location,
    path,
    resolver,
)
from chatledger.clear.acknowledge import Acknowledger, acknowledge
from chatledger.export.answers import Links, job_answer
from chatledger.models.holds import AcknowledgeRequest
from chatledger.settings import settings

app = resolver()


@app.post("/exports/<export_id>/acknowledge")
def post_acknowledge(export_id: str) -> Answer:
    organization, root_hash = caller().organization, body(AcknowledgeRequest).root_hash
    acknowledger = Acknowledger(ledger(), export_machine(), settings().archive_bucket)
    job = acknowledge(acknowledger, organization, path("export_id"), root_hash, caller().actor)
    # This function may read no file: its answer has no links.
    return accepted(job_answer(ledger(), Links(), job), location(f"/exports/{job.export_id}"))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
