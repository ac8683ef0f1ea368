"""Stopping a clear: ending its execution stops none of its functions, a mark on the job does."""

from datetime import datetime, timedelta

import msgspec

from chatledger.export import jobs
from chatledger.export.job import Clear, Job
from chatledger.ledger.ledger import Ledger

# No write of a clear begins later than this after its batch looked for the mark …
WRITE_WITHIN = timedelta(seconds=10)
# … and a write takes 14 at most, its repeat included: so long after the mark none is under way.
QUIET_SECONDS = 30
# Who only finds the mark does not know how long writing the mark itself took.
SURELY_QUIET = timedelta(seconds=45)


def stop(ledger: Ledger, job: Job, clear: Clear) -> Job:
    """The job with the mark; raises ``ConditionFailed`` if somebody wrote it meanwhile."""
    if clear.stopped_at:
        return job
    marked = msgspec.structs.replace(clear, stopped_at=ledger.now())
    return jobs.save(ledger.table, msgspec.structs.replace(job, clear=marked))


def is_quiet(clear: Clear, now: datetime) -> bool:
    """Whether no write of a stopped clear can be under way any more."""
    return clear.stopped_at is not None and now >= clear.stopped_at + SURELY_QUIET


def wait_until_quiet(ledger: Ledger, clear: Clear) -> None:
    """Of a clear whose mark was read: returns when no write of it can be under way any more."""
    if not is_quiet(clear, ledger.now()):
        ledger.sleep(QUIET_SECONDS)
