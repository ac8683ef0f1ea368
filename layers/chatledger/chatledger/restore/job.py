"""The restore job, an undo or an import: how far it is, what came of it; one item of the table."""

from datetime import datetime
from typing import Any, Literal

import msgspec

from chatledger.export.job import Failure

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
