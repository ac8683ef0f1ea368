"""Import file: puts back what an uploaded archive holds and the ledger does not."""

from typing import Any

from chatledger.api.app import exports_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.restore.import_file import import_file


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    organization, restore_id = event["organization"], event["restore_id"]
    with step(event) as said:
        until = time_is_up_at(ledger().now(), context)
        done = import_file(ledger(), exports_bucket(), organization, restore_id, until)
        said["done"] = done
    return {"organization": organization, "restore_id": restore_id, "done": done}
