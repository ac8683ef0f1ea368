"""Reconcile: counts what has become of every archived message, and ends the job."""

from typing import Any

from chatledger.api.app import archive_bucket, exports_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.clear.reconcile import Reconciler, reconcile


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    organization, export_id = event["organization"], event["export_id"]
    with step(event) as said:
        reconciler = Reconciler(ledger(), archive_bucket(), exports_bucket())
        until = time_is_up_at(ledger().now(), context)
        done = reconcile(reconciler, organization, export_id, until)
        said["done"] = done
    return {"organization": organization, "export_id": export_id, "done": done}
