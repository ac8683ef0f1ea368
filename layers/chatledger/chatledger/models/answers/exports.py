"""Answers of the routes of exports."""

from typing import Any, Literal

from pydantic import Field

from chatledger.models.answers.answer import LIMIT, NEXT, NOT_YET, TIME, Answer
from chatledger.models.exports import FormatName

_URL = (
    "Downloads it, without a key; GET the export again for another. Null in answers that cannot "
    "sign one: GET the export."
)

_DOCUMENTS = "Only of an export of documents, which holds nothing else."

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
JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "clear_incomplete"]


class ExportCounts(Answer):
    """What is in the files."""

    conversations: int
    messages: int
    bytes: int
    documents: int = Field(0, description=_DOCUMENTS)


class ExportDryRun(Answer):
    """What the export would hold; nothing was written."""

    dry_run: Literal[True]
    format: FormatName
    counts: ExportCounts
    would_clear: int | None = Field(
        description="How many messages it would clear, all revisions counted, were none of them "
        "held; null without clear."
    )


class ExportProgress(Answer):
    """How far it is. A part is a piece of the file."""

    conversations: int = Field(description="Written by now.")
    messages: int = Field(description="Written by now.")
    documents: int = Field(0, description=_DOCUMENTS)
    parts_done: int
    parts_total: int


class ExportFile(Answer):
    """A finished file; it is kept for seven days, or for good where it is part of an archive."""

    name: str
    bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal.")
    url: str | None = Field(description=_URL)
    expires_at: str | None = Field(description=f"Until when the url serves at most, {TIME}.")


class ExportManifest(Answer):
    """What the archive holds, entry by entry: JSON Lines, its first line the header."""

    url: str | None = Field(description=_URL)
    signature_url: str | None = Field(
        description=f"The signature of the root hash, JSON (GET /signing-key checks it). {_URL}"
    )
    signature_bytes: int | None
    signature_sha256: str | None = Field(description="Of the signature's file, in hexadecimal.")
    root_hash: str = Field(
        description="SHA-256 of the header as it stands in the first line; covers everything."
    )
    bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal.")


class ExportArchive(Answer):
    """The archive of an export that clears: lossless, and kept whatever becomes of the files."""

    conversations: int
    messages: int = Field(description="All revisions counted.")
    bytes: int
    parts: int
    files: list[ExportFile] = Field(
        description="The first hundred parts, each an archive of its own; the manifest has all. "
        "Empty in lists."
    )


class ExportClear(Answer):
    """How far the clear is, and its receipt.

    exported = cleared + retained_changed + retained_held + cleared_elsewhere + not_cleared.
    """

    on: Literal["verified", "acknowledged"]
    status: ClearStatus
    exported: int | None = Field(description="Messages in the archive; null before it is written.")
    cleared: int | None = Field(description="Messages; null before the end, as all that follow.")
    retained_changed: int | None = Field(description="Changed since they were archived.")
    retained_held: int | None = Field(description="A hold is on them.")
    cleared_elsewhere: int | None = Field(description="Another clear took them.")
    not_cleared: int | None = Field(description="Above 0 only where it is clear_incomplete.")
    undo_until: str | None = Field(description=f"{TIME}; null where nothing was cleared.")


class ExportFailure(Answer):
    """Why it failed."""

    code: str = Field(description="As in errors.")
    error: str = Field(description="What went wrong, and what to do.")


class ClearedBefore(Answer):
    """Messages that lie in the archive of another export."""

    export_id: str
    messages: int


class ExportJob(Answer):
    """An export: what was asked, how far it is, what came out."""

    export_id: str
    status: JobStatus = Field(
        description="It has ended when it succeeded, failed, was cancelled or is clear_incomplete: "
        "then some of what it was to clear is not, as its receipt says."
    )
    format: FormatName
    created_at: str = Field(description=TIME)
    finished_at: str | None = Field(description=f"{TIME}; null before its end.")
    progress: ExportProgress
    counts: ExportCounts | None = Field(description="Of the files; null before they are finished.")
    files: list[ExportFile] = Field(
        description="One, of parquet several; empty before they are written, and once removed. Of "
        "several only GET /exports/{export_id} tells, not a list of exports."
    )
    manifest: ExportManifest | None = Field(
        description="Of an archive, also of one that is kept; null before it is written."
    )
    archive: ExportArchive | None = Field(
        description="What is kept of an export that clears; null before it is written."
    )
    data_card: dict[str, Any] | None = Field(description=NOT_YET)
    redactions: dict[str, int] | None = Field(
        description="Of an anonymized file: how often each kind of personal data was redacted in "
        "free text, in all that was read for it. Null before it is written, and of a file that is "
        "not anonymized."
    )
    cursor: str | None = Field(
        description="Where the next export goes on, as its since, or GET /changes. Null before it "
        "is written, and in answers that cannot seal one: GET the export."
    )
    cleared_before: list[ClearedBefore] | None = Field(
        description="With since: what other exports had cleared before this one came to it; an "
        "archive has a record of each. Null without since."
    )
    clear: ExportClear | None = Field(description="Null where none was asked for.")
    error: ExportFailure | None = Field(description="Null unless it failed.")
    request: dict[str, Any] = Field(description="What was asked, with what was left out filled in.")


class ExportList(Answer):
    """Newest first."""

    exports: list[ExportJob]
    limit: int = Field(description=LIMIT)
    next_cursor: str | None = Field(description=NEXT)


class ExportPreview(Answer):
    """The first conversations of the export, and its size."""

    format: FormatName
    sample: list[Any] = Field(
        description="At most ten conversations, an item each, as they would be exported: an object "
        "(`json`, `jsonl`, `openai`, `sharegpt`, `uiuc`, `conversation_logs`), a list of records "
        "(`ml`, `alpaca`, `anythingllm`, `archive`), a list of rows by column (`csv`, `xlsx`), or "
        "text (`txt`)."
    )
    sample_is_cut: bool = Field(
        description="Whether the next conversation had no room in the sample, or no time was left "
        "to find it."
    )
    redactions: dict[str, int] | None = Field(
        description="How often each kind of personal data was redacted in the sample; null where "
        "it is not anonymized."
    )
    estimated: ExportCounts = Field(description="Of the whole export.")
    estimate_is_exact: bool = Field(
        description="Whether all was counted; else a sample was, and stands for the whole."
    )
