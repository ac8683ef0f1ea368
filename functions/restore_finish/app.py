"""Restore finish: an undo or an import whose steps are done says so."""

from typing import Any

from chatledger.api.app import ledger
from chatledger.api.step import step
from chatledger.restore.finish import finish


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    organization, restore_id = event["organization"], event["restore_id"]
    with step(event):
        finish(ledger(), organization, restore_id)
    return {"organization": organization, "restore_id": restore_id, "done": True}
