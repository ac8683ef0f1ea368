"""When writing looks up from its work: whether it is still wanted, and whether time is up."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from chatledger.export import jobs
from chatledger.export.job import Job
from chatledger.jobs.ended import Ended
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.ledger import Ledger

_LOOK_EVERY = timedelta(seconds=1)


class OutOfTime(Exception):
    """What runs inside a request has used up its time; what was not committed is lost."""


@dataclass(frozen=True, slots=True)
class Watch:
    """``checkpoint`` is asked often, and raises what ends the work at once.

    ``is_time_up`` is asked between conversations: what is written until then is committed, and
    somebody else goes on.
    """

    checkpoint: Checkpoint
    is_time_up: Callable[[], bool] = lambda: False


def in_workflow(ledger: Ledger, job: Job, until: datetime) -> Watch:
    """Stops cleanly when time is up; raises ``Ended`` when the job is."""
    return Watch(_still_wanted(ledger, job), lambda: ledger.now() >= until)


def in_request(ledger: Ledger, job: Job, until: datetime) -> Watch:
    """Raises ``OutOfTime``: a chunk that is cut short would make the file another one."""
    in_time, wanted = in_time_until(ledger, until), _still_wanted(ledger, job)

    def check() -> None:
        in_time()
        wanted()

    return Watch(check)


def in_time_until(ledger: Ledger, until: datetime) -> Checkpoint:
    def check() -> None:
        if ledger.now() > until:
            raise OutOfTime

    return check


def check_wanted(job: Job | None) -> Job:
    """Raises ``Ended`` where there is nothing left to do for the job."""
    if not job or job.ended or job.files_removed_at or (job.clear and job.clear.stopped_at):
        raise Ended
    return job


def _still_wanted(ledger: Ledger, job: Job) -> Checkpoint:
    look_at = ledger.now() + _LOOK_EVERY

    def check() -> None:
        nonlocal look_at
        if ledger.now() >= look_at:
            check_wanted(jobs.load(ledger.table, job.organization, job.export_id))
            look_at = ledger.now() + _LOOK_EVERY

    return check
