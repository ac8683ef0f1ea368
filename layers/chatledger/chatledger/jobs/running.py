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
from chatledger.aws.table import Between, ConditionFailed, Equals, Key, Table, items
from chatledger.aws.wire import Item
from chatledger.ledger import keys
from chatledger.timestamps import from_microseconds, microseconds

Kind = Literal["export", "restore"]


# Where the sweep goes on that had no time for all.
_PLACE = Key("Q#sweep", "place")
_BELOW_ALL = " "
_ABOVE_ALL = "\U0010ffff"


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


def all_running(table: Table, after: str = "") -> Iterator[RunningJob]:
    """Each once: those after the place (of ``stopped_at``) first, then the others."""
    place = after or _BELOW_ALL
    for between in (Between(place, _ABOVE_ALL), Between(_BELOW_ALL, place)):
        for item in items(table, keys.running(), between=between):
            if between.first != place or wire.text(item, "SK") != place:
                yield _job_of(item)


def stopped_at(table: Table) -> str:
    """The place behind which a sweep goes on; empty: from the beginning."""
    item = table.get(_PLACE)
    return wire.text(item, "after") if item else ""


def stop_at(table: Table, last: RunningJob | None) -> None:
    """Remembers the last job that there was time for; None: there was time for all."""
    after = keys.running_job(last.organization, last.job_id).sk if last else ""
    if after != stopped_at(table):
        table.put({"PK": _PLACE.pk, "SK": _PLACE.sk, "after": after})


def _job_of(item: Item) -> RunningJob:
    organization, _, job_id = wire.text(item, "SK").partition("#")
    return RunningJob(
        kind=wire.text(item, "kind"),
        organization=keys.unescape(organization),
        job_id=keys.unescape(job_id),
        entered_at=from_microseconds(wire.number(item, "at")),
    )
