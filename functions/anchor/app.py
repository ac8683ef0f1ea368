"""Anchor, every six hours: once a day the head of each audit trail goes to the archive bucket."""

from typing import Any

from chatledger.api.app import archive_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.audit.anchors import write_anchors
from chatledger.settings import settings


def lambda_handler(_event: dict[str, Any], context: Any) -> None:
    with step({}) as said:
        until = time_is_up_at(ledger().now(), context)
        lock_days = settings().audit_lock_days
        said["anchored"] = write_anchors(ledger(), archive_bucket(), until, lock_days)
