"""Undo part: puts one part of an archive back whose entries a clear has taken."""

from typing import Any

from chatledger.api.app import archive_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.restore.undo_part import undo_part


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    organization, restore_id, part = event["organization"], event["restore_id"], event["part"]
    with step(event) as said:
        until = time_is_up_at(ledger().now(), context)
        done = undo_part(ledger(), archive_bucket(), organization, restore_id, part, until)
        said["done"] = done
    ids = {"organization": organization, "restore_id": restore_id}
    return {**ids, "export_id": event["export_id"], "part": part, "done": done}
