"""Whether the job that holds the lease has ended, be it an export or an undo."""

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Table
from chatledger.ledger import keys

_ENDED = frozenset({"succeeded", "failed", "cancelled", "clear_incomplete"})


class _Standing(msgspec.Struct):
    """All that is asked of a job, whichever kind it is."""

    status: str


def has_ended(table: Table, organization: str, job_id: str) -> bool:
    """One that is in no list of jobs has never begun: it holds nothing either."""
    for key in (keys.job(organization, job_id), keys.restore(organization, job_id)):
        if item := table.get(key):
            job = msgspec.json.decode(wire.binary(item, "job"), type=_Standing)
            return job.status in _ENDED
    return True
