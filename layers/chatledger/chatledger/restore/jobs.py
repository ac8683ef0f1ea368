"""Undos and imports in the table, an item each: how one is found and written."""

from collections.abc import Iterator

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.table import Put, Table, pages
from chatledger.errors import NotFound
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.ledger.guarded import put_of, struct_of
from chatledger.restore.facts import new_facts
from chatledger.restore.job import Job


def load(table: Table, organization: str, restore_id: str) -> Job | None:
    item = table.get(keys.restore(organization, restore_id))
    return struct_of(item, "job", Job) if item else None


def find(table: Table, organization: str, restore_id: str) -> Job:
    """Raises ``NotFound``."""
    job = load(table, organization, restore_id)
    if not job:
        raise NotFound(f"There is no import {restore_id[:64]!r} here. GET /imports lists them.")
    return job


def find_import(table: Table, organization: str, import_id: str) -> Job:
    """The same of imports only; an undo shows in its export. Raises ``NotFound``."""
    job = find(table, organization, import_id)
    if job.kind != "import":
        raise NotFound(f"{import_id[:64]!r} is no import. GET /imports lists them.")
    return job


def newest_imports(
    table: Table, organization: str, after: str | None, limit: int
) -> tuple[list[Job], str | None]:
    """Imports, newest first, and the id after which there are more."""
    found: list[Job] = []
    for job in _newest(table, organization, after, limit + 1):
        if job.kind != "import":
            continue
        if len(found) == limit:
            return found, found[-1].restore_id
        found.append(job)
    return found, None


def _newest(table: Table, organization: str, after: str | None, at_once: int) -> Iterator[Job]:
    start = keys.escape(after) if after else None
    partition = keys.restores(organization)
    for page in pages(table, partition, after=start, newest_first=True, limit=lambda: at_once):
        yield from (struct_of(item, "job", Job) for item in page.items)


def save(table: Table, job: Job, actor: Actor = SYSTEM) -> Job:
    """Writes it if nobody did since it was loaded; raises ``ConditionFailed`` otherwise.

    What is new of it for the audit trail is recorded with it: both, or neither.
    """
    token, facts = new_token(), new_facts(job, actor)
    job = msgspec.structs.replace(job, recorded=(*job.recorded, *(each.action for each in facts)))
    put = _put(job, token)
    if facts:
        chain.append(table, job.organization, facts, [put])
    else:
        table.put(put.item, put.when)
    return msgspec.structs.replace(job, token=token)


def _put(job: Job, token: bytes) -> Put:
    key = keys.restore(job.organization, job.restore_id)
    return put_of(key, "job", job, job.token, token)
