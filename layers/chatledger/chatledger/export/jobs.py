"""Export jobs in the table, an item each: how one is found, written, and changed."""

from collections.abc import Callable, Sequence

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.table import (
    ConditionFailed,
    Put,
    Table,
    TransactionRefused,
)
from chatledger.errors import NotFound, StorageError
from chatledger.export.facts import new_facts
from chatledger.export.job import Job
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.ledger.guarded import put_of, struct_of

_ROUNDS = 20


def load(table: Table, organization: str, export_id: str) -> Job | None:
    item = table.get(keys.job(organization, export_id))
    return struct_of(item, "job", Job) if item else None


def find(table: Table, organization: str, export_id: str) -> Job:
    """Raises ``NotFound``."""
    job = load(table, organization, export_id)
    if not job:
        raise NotFound(f"There is no export {export_id[:64]!r} here. GET /exports lists them.")
    return job


def newest(
    table: Table, organization: str, after: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """Jobs, newest first, and the id after which there are more."""
    page = table.page(
        keys.jobs(organization),
        after=keys.escape(after) if after else None,
        newest_first=True,
        limit=limit,
    )
    jobs = [struct_of(item, "job", Job) for item in page.items]
    return jobs, jobs[-1].export_id if page.after and jobs else None


def save(table: Table, job: Job, actor: Actor = SYSTEM, beside: Sequence[Put] = ()) -> Job:
    """Writes it if nobody did since it was loaded, and what is given beside: all, or nothing.

    What is new of it for the audit trail is recorded with it. Raises ``ConditionFailed``.
    """
    token, facts = new_token(), new_facts(job, actor)
    job = msgspec.structs.replace(job, recorded=(*job.recorded, *(each.action for each in facts)))
    writes = [_put(job, token), *beside]
    if facts:
        chain.append(table, job.organization, facts, writes)
    elif beside:
        _transact(table, writes)
    else:
        table.put(writes[0].item, writes[0].when)
    return msgspec.structs.replace(job, token=token)


def _transact(table: Table, writes: Sequence[Put]) -> None:
    try:
        table.transact(writes)
    except TransactionRefused:
        raise ConditionFailed from None


def change(
    table: Table,
    organization: str,
    export_id: str,
    altered: Callable[[Job], Job],
    actor: Actor = SYSTEM,
) -> Job:
    """Writes what ``altered`` makes of the job, asked anew where somebody wrote it meanwhile.

    The same job back changes nothing. Raises ``NotFound``, ``StorageError``.
    """
    for _ in range(_ROUNDS):
        job = find(table, organization, export_id)
        changed = altered(job)
        if changed is job:
            return job
        try:
            return save(table, changed, actor)
        except ConditionFailed:
            continue
    raise StorageError("The export is changing all the time. Repeat in a second.")


def _put(job: Job, token: bytes) -> Put:
    key = keys.job(job.organization, job.export_id)
    return put_of(key, "job", job, job.token, token)
