"""Write part: some shards of an export, in chunks that are each committed once."""

from typing import Any

from chatledger.api.app import archive_bucket, exports_bucket, ledger, pseudonym_secret
from chatledger.api.step import step, time_is_up_at
from chatledger.export.exporter import Exporter
from chatledger.export.steps import write_export_part


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    exporter = Exporter(
        ledger(),
        exports_bucket(),
        archive_bucket(),
        pseudonym_secret=pseudonym_secret,
        documents=archive_bucket(),
    )
    organization, export_id, part = event["organization"], event["export_id"], event["part"]
    until = time_is_up_at(ledger().now(), context)
    with step(event) as said:
        done = write_export_part(exporter, organization, export_id, part, until)
        said["done"] = done
    return {"organization": organization, "export_id": export_id, "part": part, "done": done}
