"""Undos and imports in the table, an item each: how one is found and written."""

from collections.abc import Iterator

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws import wire
from chatledger.aws.table import Absent, Condition, Equals, Put, Table, pages
from chatledger.aws.wire import Item
from chatledger.errors import NotFound
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.restore.facts import new_facts
from chatledger.restore.job import Job


def load(table: Table, organization: str, restore_id: str) -> Job | None:
    item = table.get(keys.restore(organization, restore_id))
    return _job_of(item) if item else None


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
        yield from map(_job_of, page.items)


def save(table: Table, job: Job, actor: Actor = SYSTEM) -> Job:
    """Writes it if nobody did since it was loaded; raises ``ConditionFailed`` otherwise.

    What is new of it for the audit trail is recorded with it: both, or neither.
    """
    when: Condition = Equals("w", job.token) if job.token else Absent()
    token, facts = new_token(), new_facts(job, actor)
    job = msgspec.structs.replace(job, recorded=(*job.recorded, *(each.action for each in facts)))
    if facts:
        chain.append(table, job.organization, facts, [Put(_item(job, token), when)])
    else:
        table.put(_item(job, token), when)
    return msgspec.structs.replace(job, token=token)


def _item(job: Job, token: bytes) -> Item:
    key = keys.restore(job.organization, job.restore_id)
    body = msgspec.json.encode(msgspec.structs.replace(job, token=None))
    return {"PK": key.pk, "SK": key.sk, "job": body, "w": token}


def _job_of(item: Item) -> Job:
    job = msgspec.json.decode(wire.binary(item, "job"), type=Job)
    return msgspec.structs.replace(job, token=wire.binary(item, "w"))
