"""Sweep, every five minutes: sees to it that every job ends."""

from contextlib import suppress
from typing import Any

from chatledger.api.app import (
    archive_bucket,
    export_machine,
    exports_bucket,
    ledger,
    restore_machine,
)
from chatledger.api.step import step, time_is_up_at
from chatledger.clear.reconcile import Reconciler
from chatledger.endings.sweep import Sweeper, sweep
from chatledger.jobs.running import RunningJob


def lambda_handler(_event: dict[str, Any], context: Any) -> None:
    with step({}) as said:
        reconciler = Reconciler(ledger(), archive_bucket(), exports_bucket())
        sweeper = Sweeper(reconciler, export_machine(), restore_machine(), log_failure)
        until = time_is_up_at(ledger().now(), context)
        said["jobs"] = sweep(sweeper, until)


def log_failure(job: RunningJob, error: Exception) -> None:
    """As a step of that job would; the others are looked at all the same."""
    with (
        suppress(Exception),
        step({"organization": job.organization, f"{job.kind}_id": job.job_id}),
    ):
        raise error
