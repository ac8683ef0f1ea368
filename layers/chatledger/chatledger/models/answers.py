"""How answers look. They document and test; what is sent is built by the verbs."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatledger.models.chats import MessageRole, Status
from chatledger.models.exports import FormatName
from chatledger.models.keys import RoleName

_TIME = "RFC 3339 in UTC"
_NEXT = "Send it as cursor to go on; null at the end."
_NOT_YET = "Null: not available yet."
_LIMIT = "How many were asked for at most."

JobStatus = Literal["queued", "running", "succeeded", "failed", "cancelled", "clear_incomplete"]


class Answer(BaseModel):
    """An answer may get more fields in time; clients should not mind."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Health(Answer):
    """It is up."""

    status: Literal["ok"]
    version: str
    websocket_url: str | None = Field(description="Null: not available yet.")


class ChatsStored(Answer):
    """They are stored, each once."""

    status: Literal["success"]
    inserted_count: int = Field(description="How many were new, revisions among them.")
    duplicate_count: int = Field(description="How many were there already.")
    conversation_id: str = Field(description="As sent, or the one that was made.")


class MessageOut(Answer):
    """A message with all that was sent of it; what was not is left out."""

    id: str = Field(description="As sent, or the one that was made.")
    timestamp: str = Field(description=f"{_TIME}; as sent, or when it came here.")
    role: MessageRole
    content: str
    user_id: str | None = Field(description="Who sent it, where that is known.")


class Conversation(Answer):
    """A conversation's id, and what is known of it: title, app_id, metadata and so on."""

    conversation_id: str
    status: Status


class ConversationPage(Conversation):
    """The totals are there when paging by number, not when going on from a cursor."""

    messages: list[MessageOut] = Field(description="In time order; of a revised one the newest.")
    limit: int = Field(description=f"{_LIMIT} A page of long messages has fewer.")
    page: int | None = Field(None, description="Which page, from 1.")
    total_pages: int | None = Field(None, description="Of this limit.")
    total_messages: int | None = Field(None, description="Of the whole conversation.")
    next_cursor: str | None = Field(description=_NEXT)


class ConversationSummary(Conversation):
    """A conversation in a list."""

    last_message: str = Field(
        description="The newest message in the range: its first 2,000 characters."
    )
    timestamp: str = Field(description=f"That message's time, {_TIME}.")


class ConversationList(Answer):
    """Newest first."""

    conversations: list[ConversationSummary]
    limit: int = Field(
        description=f"{_LIMIT} There may be fewer, even none, before the end: a search answers "
        "after some seconds with what it has."
    )
    next_cursor: str | None = Field(description=_NEXT)


class UserChats(Answer):
    """Newest first. The page is there when paging by number, not when going on from a cursor."""

    user_id: str
    conversations: list[ConversationSummary]
    total_conversations: int = Field(description="How many the user has in the range.")
    page: int | None = Field(None, description="Which page, from 1.")
    limit: int = Field(description=_LIMIT)
    total_pages: int = Field(description="Of this limit; at least 1.")
    next_cursor: str | None = Field(description=_NEXT)


class ExportCounts(Answer):
    """What is in the files."""

    conversations: int
    messages: int
    bytes: int


class ExportDryRun(Answer):
    """What the export would hold; nothing was written."""

    dry_run: Literal[True]
    format: FormatName
    counts: ExportCounts


class ExportProgress(Answer):
    """How far it is. A part is a piece of the file."""

    conversations: int = Field(description="Written by now.")
    messages: int = Field(description="Written by now.")
    parts_done: int
    parts_total: int


class ExportFile(Answer):
    """A finished file; it is kept for seven days."""

    name: str
    bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal.")
    url: str = Field(description="Downloads it, without a key; read the export again for another.")
    expires_at: str = Field(description=f"Until when the url serves at most, {_TIME}.")


class ExportFailure(Answer):
    """Why it failed."""

    code: str = Field(description="As in errors.")
    error: str = Field(description="What went wrong, and what to do.")


class ExportJob(Answer):
    """An export: what was asked, how far it is, what came out."""

    export_id: str
    status: JobStatus = Field(
        description="It has ended when it succeeded, failed or was cancelled; clear_incomplete "
        "does not occur yet."
    )
    format: FormatName
    created_at: str = Field(description=_TIME)
    finished_at: str | None = Field(description=f"{_TIME}; null before its end.")
    progress: ExportProgress
    counts: ExportCounts | None = Field(description="Of the files; null before they are finished.")
    files: list[ExportFile] = Field(description="Empty before its end, and once removed.")
    manifest: dict[str, Any] | None = Field(description=_NOT_YET)
    archive: dict[str, Any] | None = Field(description=_NOT_YET)
    data_card: dict[str, Any] | None = Field(description=_NOT_YET)
    redactions: dict[str, Any] | None = Field(description=_NOT_YET)
    cursor: str | None = Field(description=_NOT_YET)
    clear: dict[str, Any] | None = Field(description=_NOT_YET)
    error: ExportFailure | None = Field(description="Null unless it failed.")
    request: dict[str, Any] = Field(description="What was asked, with what was left out filled in.")


class ExportList(Answer):
    """Newest first."""

    exports: list[ExportJob]
    limit: int = Field(description=_LIMIT)
    next_cursor: str | None = Field(description=_NEXT)


class Key(Answer):
    """A key without its secret."""

    key_id: str
    name: str
    role: RoleName
    organization_id: str
    requests_per_minute: int | None = Field(
        description="Null where the usual limit of 100 holds, 0 where none does."
    )
    created_at: str = Field(description=_TIME)


class KeyMade(Key):
    """A new key with its secret."""

    key: str = Field(description="The secret, shown this once.")


class KeyList(Answer):
    """The organization's keys."""

    keys: list[Key]


class ErrorDetail(Answer):
    """What went wrong, and what to do about it."""

    error: str = Field(description="In words, what to do included.")
    code: str = Field(description="For programs: one of a fixed list.")
    timestamp: str = Field(description=_TIME)


class Error(Answer):
    """What went wrong, and what to do about it."""

    detail: ErrorDetail
    type: str = Field(description="urn:chatledger:error: and the code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    request_id: str = Field(description="Name it when you report the error.")


class Problem(Answer):
    """The same for `Accept: application/problem+json` (RFC 9457)."""

    type: str = Field(description="urn:chatledger:error: and the code.")
    title: str = Field(description="The status in words.")
    status: int = Field(description="The HTTP status.")
    detail: str = Field(description="What went wrong, and what to do.")
    code: str = Field(description="For programs: one of a fixed list.")
    timestamp: str = Field(description=_TIME)
    request_id: str = Field(description="Name it when you report the error.")
