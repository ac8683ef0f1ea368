"""The index of jobs that are not known to have ended: where the sweeper looks.

A job is entered before it is there, and leaves only when the sweeper has seen its end: whatever
dies in between is found here.
"""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from chatledger.aws import wire
from chatledger.aws.table import ConditionFailed, Equals, Table, items
from chatledger.ledger import keys
from chatledger.timestamps import from_microseconds, microseconds

Kind = Literal["export", "restore"]


@dataclass(frozen=True, slots=True)
class RunningJob:
    kind: str
    organization: str
    job_id: str
    entered_at: datetime


def enter(table: Table, kind: Kind, organization: str, job_id: str, now: datetime) -> None:
    key = keys.running_job(organization, job_id)
    table.put({"PK": key.pk, "SK": key.sk, "kind": kind, "at": microseconds(now)})


def leave(table: Table, job: RunningJob) -> None:
    """One that was entered anew since stays: an undo may be asked for again."""
    entered = Equals("at", microseconds(job.entered_at))
    with suppress(ConditionFailed):
        table.delete(keys.running_job(job.organization, job.job_id), entered)


def all_running(table: Table) -> Iterator[RunningJob]:
    for item in items(table, keys.running()):
        organization, _, job_id = wire.text(item, "SK").partition("#")
        yield RunningJob(
            kind=wire.text(item, "kind"),
            organization=keys.unescape(organization),
            job_id=keys.unescape(job_id),
            entered_at=from_microseconds(wire.number(item, "at")),
        )
