"""The restore job, an undo or an import: how far it is, what came of it; one item of the table."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any, Literal

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws import wire
from chatledger.aws.table import Absent, Condition, Equals, Put, Table, pages
from chatledger.aws.wire import Item
from chatledger.errors import NotFound
from chatledger.export.job import Failure
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.restore.facts import new_facts

ENDED = ("succeeded", "failed")
Status = Literal["awaiting_upload", "queued", "running", "succeeded", "failed"]


class Progress(msgspec.Struct, frozen=True):
    """What was gone through: of an import its conversations and messages."""

    conversations: int = 0
    messages: int = 0

    def __add__(self, other: "Progress") -> "Progress":
        return Progress(self.conversations + other.conversations, self.messages + other.messages)


class Counts(msgspec.Struct, frozen=True):
    """Messages, by what became of them."""

    restored: int = 0
    already_there: int = 0
    left_alone: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(
            self.restored + other.restored,
            self.already_there + other.already_there,
            self.left_alone + other.left_alone,
        )

    @property
    def messages(self) -> int:
        return self.restored + self.already_there + self.left_alone


class Position(msgspec.Struct, frozen=True):
    """Where an import goes on in its file.

    ``offset`` is the byte at which the gzip member of a conversation's head begins; of the lines
    from there on, ``lines`` were gone through. ``listed`` is the byte in the manifest's list at
    which that conversation's entries begin.
    """

    offset: int = 0
    lines: int = 0
    listed: int = 0


class PartsList(msgspec.Struct, frozen=True):
    """Where the list of an archive's parts lies, which the workflow's map reads."""

    bucket: str
    key: str


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``export_id`` and ``parts`` are an undo's, ``position`` is an import's.

    ``attempt`` counts the executions: one that failed may be asked for again; ``asked_at`` and
    ``recorded``, what the audit trail says, are the attempt's. ``token`` is the item's ``w``: a
    writer holds the job as it loaded it, or starts over.
    """

    restore_id: str
    organization: str
    kind: Literal["undo", "import"]
    created_at: datetime
    status: Status
    name: str | None = None
    format: str = "archive"
    export_id: str | None = None
    parts: PartsList | None = None
    attempt: int = 1
    progress: Progress = Progress()
    counts: Counts = Counts()
    position: Position = Position()
    error: Failure | None = None
    asked_at: datetime | None = None
    finished_at: datetime | None = None
    recorded: tuple[str, ...] = ()
    token: bytes | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def execution(self) -> str:
        """The name of its execution; names are unique, so each attempt has its own."""
        return self.restore_id if self.attempt == 1 else f"{self.restore_id}-{self.attempt}"

    @property
    def execution_input(self) -> dict[str, Any]:
        """What its execution is started with: ids only."""
        ids = {"organization": self.organization, "restore_id": self.restore_id}
        if not self.parts:
            return {**ids, "undo": False}
        parts = {"bucket": self.parts.bucket, "key": self.parts.key}
        return {**ids, "undo": True, "export_id": self.export_id, **parts}


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
