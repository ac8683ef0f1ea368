"""Finish: joins the chunks into the file, and writes the manifest of an archive."""

from typing import Any

from chatledger.api.app import archive_bucket, exports_bucket, ledger, signer
from chatledger.api.step import step, time_is_up_at
from chatledger.export.exporter import Exporter
from chatledger.export.steps import finish_export


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    exporter = Exporter(ledger(), exports_bucket(), archive_bucket(), signer())
    organization, export_id = event["organization"], event["export_id"]
    until = time_is_up_at(ledger().now(), context)
    with step(event) as said:
        what_next = finish_export(exporter, organization, export_id, until)
        said["next"] = what_next["next"]
    return {"organization": organization, "export_id": export_id, **what_next}
