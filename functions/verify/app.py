"""Verify: reads a part of an archive back and compares it with the manifest; it writes nothing."""

from typing import Any

from chatledger.api.app import archive_bucket, ledger, signer
from chatledger.api.step import step
from chatledger.clear.verify import verify_part


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    organization, export_id, part = event["organization"], event["export_id"], event["part"]
    with step(event):
        verify_part(ledger().table, archive_bucket(), signer(), organization, export_id, part)
    return {"organization": organization, "export_id": export_id, "part": part, "done": True}
