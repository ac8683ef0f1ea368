"""Answers of the routes of imports."""

from typing import Literal

from pydantic import Field

from chatledger.models.answers.answer import LIMIT, NEXT, TIME, Answer
from chatledger.models.answers.exports import ExportFailure
from chatledger.models.imports import ImportFormat


class ImportUpload(Answer):
    """Where the file goes, each by a PUT with these headers; no key is sent along."""

    url: str = Field(description="Takes the archive; the import begins when it is there.")
    manifest_url: str = Field(
        description="Takes the archive's manifest, before the archive. It may be left out; with "
        "it, newer revisions are told from older ones."
    )
    headers: dict[str, str] = Field(description="To be sent with both, as they are.")
    expires_at: str = Field(
        description=f"{TIME}; read the import again for other links, within seven days."
    )


class ImportProgress(Answer):
    """What of the file was gone through."""

    conversations: int
    messages: int


class ImportCounts(Answer):
    """Messages, by what became of them; their sum is what was gone through."""

    restored: int = Field(description="Put back by this import.")
    already_there: int = Field(description="Held with the same content: left as they are.")
    left_alone: int = Field(
        description="Held with a content that is newer, or may be; or cleared with others that "
        "the file does not hold."
    )


class ImportJob(Answer):
    """An import: how far it is, what came of it."""

    import_id: str
    status: Literal["awaiting_upload", "queued", "running", "succeeded", "failed"]
    format: ImportFormat
    name: str | None
    created_at: str = Field(description=TIME)
    finished_at: str | None = Field(description=f"{TIME}; null before its end.")
    upload: ImportUpload | None = Field(description="Null once the file is there.")
    progress: ImportProgress
    counts: ImportCounts
    error: ExportFailure | None = Field(
        description="Null unless it failed; what was restored before stays."
    )


class ImportList(Answer):
    """Newest first."""

    imports: list[ImportJob]
    limit: int = Field(description=LIMIT)
    next_cursor: str | None = Field(description=NEXT)
