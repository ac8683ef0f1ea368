"""Import uploaded: an archive has come into the exports bucket, so its import begins."""

from typing import Any

from chatledger.api.app import ledger, restore_machine
from chatledger.api.step import step
from chatledger.restore.admit import begin
from chatledger.restore.places import uploaded_archive


def lambda_handler(event: dict[str, Any], _context: Any) -> None:
    uploaded = uploaded_archive(event["detail"]["object"]["key"])
    if not uploaded:
        return  # The manifest, which comes first.
    with step({"organization": uploaded.organization, "restore_id": uploaded.import_id}) as said:
        said["begun"] = begin(ledger(), restore_machine(), uploaded)
