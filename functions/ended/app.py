"""Ended: brings the job of an execution that died to its end, whatever it had done by then."""

from typing import Any

from chatledger.api.app import archive_bucket, exports_bucket, ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.clear.reconcile import Reconciler
from chatledger.endings.ended import end_export, end_restore
from chatledger.endings.events import execution_of, ids_of


def lambda_handler(event: dict[str, Any], context: Any) -> None:
    execution = execution_of(event)
    ids = ids_of(event)
    with step(ids) as said:
        if "restore_id" in ids:
            end_restore(ledger(), execution)
            return
        reconciler = Reconciler(ledger(), archive_bucket(), exports_bucket())
        until = time_is_up_at(ledger().now(), context)
        # What takes longer than this function may, the sweep goes on with.
        said["done"] = end_export(reconciler, execution, until)
