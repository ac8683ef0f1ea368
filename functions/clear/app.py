"""Clear: a part's entries become tombstones, exactly as they were archived; it writes no object."""

from typing import Any

from chatledger.api.app import archive_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.clear.clearing import Clearer, clear_part


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    organization, export_id, part = event["organization"], event["export_id"], event["part"]
    with step(event) as said:
        clearer = Clearer(ledger(), archive_bucket())
        until = time_is_up_at(ledger().now(), context)
        done = clear_part(clearer, organization, export_id, part, until)
        said["done"] = done
    return {"organization": organization, "export_id": export_id, "part": part, "done": done}
