"""Plan: freezes what an export sees, and lists the parts it is written in."""

from typing import Any

from chatledger.api.app import exports_bucket, ledger
from chatledger.api.step import step
from chatledger.export.exporter import Exporter
from chatledger.export.steps import plan_export


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    organization, export_id = event["organization"], event["export_id"]
    with step(event):
        return {
            "organization": organization,
            "export_id": export_id,
            **plan_export(Exporter(ledger(), exports_bucket()), organization, export_id),
        }
