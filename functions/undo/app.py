"""POST /exports/{export_id}/undo: begins to put back what an export cleared."""

from typing import Any

from chatledger.api.app import (
    Answer,
    accepted,
    body,
    caller,
    claimed,
    handle,
    ledger,
    location,
    ok,
    path,
    resolver,
    restore_machine,
    wait_seconds,
)
from chatledger.errors import IdempotencyMismatch
from chatledger.export.answers import Links, job_answer
from chatledger.export.jobs import find
from chatledger.models.imports import UndoRequest
from chatledger.restore.undo import undo, wait_for_end
from chatledger.settings import settings

app = resolver()


@app.post("/exports/<export_id>/undo")
def post_undo(export_id: str) -> Answer:
    body(UndoRequest)
    organization, export_id = caller().organization, path("export_id")
    if claimed(export_id=export_id)["export_id"] != export_id:
        raise IdempotencyMismatch("This Idempotency-Key was used for another export. Use another.")
    archive = settings().archive_bucket
    begun = undo(ledger(), restore_machine(), archive, organization, export_id, caller().actor)
    undone = wait_for_end(ledger(), begun, wait_seconds())
    # This function may read no file: its answer has no links.
    answer = job_answer(ledger(), Links(), find(ledger().table, organization, export_id))
    if wait_seconds() and undone.ended:
        return ok(answer)
    return accepted(answer, location(f"/exports/{export_id}"))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
