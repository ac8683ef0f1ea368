"""The export job: what was asked, how far it is, what came out."""

from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

FILES_KEPT = timedelta(days=7)
ACKNOWLEDGE_WITHIN = timedelta(days=7)
UNDO_WITHIN = timedelta(days=400)  # as long as tombstones are kept
MAX_ERROR = 1_000  # characters
MAX_FILES = 500  # a job is one item, and an item has 400 KB
ENDED = ("succeeded", "failed", "cancelled", "clear_incomplete")

# Which of the two buckets an object lies in: files made for people, or the archive that is kept.
Home = Literal["exports", "archive"]
ClearStatus = Literal[
    "pending",
    "awaiting_acknowledgement",
    "not_acknowledged",
    "cancelled",
    "clearing",
    "cleared",
    "incomplete",
    "undoing",
    "undone",
]


class Progress(msgspec.Struct, frozen=True):
    """``documents``: of an export of documents; no other has the field."""

    conversations: int = 0
    messages: int = 0
    parts_done: int = 0
    parts_total: int = 0
    documents: int | msgspec.UnsetType = msgspec.UNSET


class Counts(msgspec.Struct, frozen=True):
    """``documents`` as in ``Progress``."""

    conversations: int = 0
    messages: int = 0
    bytes: int = 0
    documents: int | msgspec.UnsetType = msgspec.UNSET


class File(msgspec.Struct, frozen=True):
    """A finished file: ``key`` is its object in its home, ``version`` that object's, if kept."""

    name: str
    key: str
    bytes: int
    sha256: str
    home: Home = "exports"
    version: str | None = None


class Manifest(msgspec.Struct, frozen=True):
    """The manifest, its signature, and the list of its parts that the workflow's maps read.

    ``signature`` is None in jobs of before manifests were signed.
    """

    file: File
    root_hash: str
    parts: int
    parts_key: str
    signature: File | None = None


class Archive(msgspec.Struct, frozen=True):
    """What lies in the archive's parts; ``files`` names the first of them."""

    counts: Counts
    parts: int
    files: tuple[File, ...]


class Receipt(msgspec.Struct, frozen=True):
    """Messages: exported = cleared + retained (changed, held) + cleared elsewhere + not cleared."""

    exported: int = 0
    cleared: int = 0
    retained_changed: int = 0
    retained_held: int = 0
    cleared_elsewhere: int = 0
    not_cleared: int = 0


class Clear(msgspec.Struct, frozen=True, kw_only=True):
    """How far the clear is. ``stopped_at``: its execution died, and whoever clears must stop."""

    on: Literal["verified", "acknowledged"]
    status: ClearStatus = "pending"
    receipt: Receipt | None = None
    acknowledged_at: datetime | None = None
    began_at: datetime | None = None
    stopped_at: datetime | None = None
    undo_until: datetime | None = None

    @property
    def has_begun(self) -> bool:
        """Whether entries may have been cleared: from then on the archive stays."""
        return self.began_at is not None


class Failure(msgspec.Struct, frozen=True):
    """Why a job failed; what an error quotes is cut, for a job is one item of many in a list."""

    code: str
    error: str

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "error", self.error[:MAX_ERROR])


class Job(msgspec.Struct, frozen=True, kw_only=True):
    """``request`` is the body as it was validated.

    ``run_until``: until then a request runs it; ``execution``: the workflow that does, once
    handed over. ``recorded``: what the audit trail says of it. ``since``: the slots of where an
    earlier export ended; ``stream`` is named where this one moves it on, from the export that it
    ``follows``. ``slots``, under ``epoch``: how far it saw; ``cleared_before``: export → messages
    that it had cleared by then; ``redactions`` by kind, of an anonymized file; ``file_name``:
    where it is not the usual one; ``pseudonyms_of``: the id that a preview made them under, which
    this export keeps. ``token`` is the item's ``w``: a writer holds the job as it loaded it, or
    starts over.
    """

    export_id: str
    organization: str
    request: dict[str, Any]
    created_at: datetime
    run_until: datetime | None = None
    execution: str | None = None
    status: str = "queued"
    progress: Progress = Progress()
    counts: Counts | None = None
    files: tuple[File, ...] = ()
    manifest: Manifest | None = None
    archive: Archive | None = None
    clear: Clear | None = None
    error: Failure | None = None
    since: dict[str, int] | None = None
    stream: str | None = None
    follows: str | None = None
    file_name: str | None = None
    pseudonyms_of: str | None = None
    epoch: str | None = None
    slots: dict[str, int] | None = None
    cleared_before: dict[str, int] | None = None
    redactions: dict[str, int] | None = None
    written_at: datetime | None = None
    finished_at: datetime | None = None
    files_removed_at: datetime | None = None
    recorded: tuple[str, ...] = ()
    token: bytes | None = None

    @property
    def ended(self) -> bool:
        return self.status in ENDED

    @property
    def is_of_documents(self) -> bool:
        return self.request.get("dataset") == "documents"

    @property
    def is_acknowledged(self) -> bool:
        """Whether an execution of its own clears what was acknowledged."""
        return self.execution not in {None, self.export_id}

    def files_at(self, now: datetime) -> tuple[File, ...]:
        """The files that are still there; written before the job ends where it clears."""
        expired = self.written_at is None or now >= self.written_at + FILES_KEPT
        return () if expired or self.files_removed_at else self.files
