"""How answers look. They document and test; what is sent is built by the verbs."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from chatledger.models.chats import MessageRole, Status
from chatledger.models.keys import RoleName


class Answer(BaseModel):
    """An answer may get more fields in time; clients should not mind."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Health(Answer):
    status: Literal["ok"]
    version: str
    websocket_url: str | None


class ChatsStored(Answer):
    status: Literal["success"]
    inserted_count: int
    duplicate_count: int
    conversation_id: str


class MessageOut(Answer):
    id: str
    timestamp: str
    role: MessageRole
    content: str
    user_id: str | None


class Conversation(Answer):
    """A conversation's id, and what is known of it: title, app_id, metadata and so on."""

    conversation_id: str
    status: Status


class ConversationPage(Conversation):
    """The totals are there when paging by number, not when going on from a cursor."""

    messages: list[MessageOut]
    limit: int
    page: int | None = None
    total_pages: int | None = None
    total_messages: int | None = None
    next_cursor: str | None


class ConversationSummary(Conversation):
    last_message: str
    timestamp: str


class ConversationList(Answer):
    conversations: list[ConversationSummary]
    limit: int
    next_cursor: str | None


class UserChats(Answer):
    user_id: str
    conversations: list[ConversationSummary]
    total_conversations: int
    page: int
    limit: int
    total_pages: int
    next_cursor: str | None


class ExportCounts(Answer):
    conversations: int
    messages: int
    bytes: int


class ExportDryRun(Answer):
    dry_run: Literal[True]
    format: str
    counts: ExportCounts


class ExportProgress(Answer):
    conversations: int
    messages: int
    parts_done: int
    parts_total: int


class ExportFile(Answer):
    """``url`` downloads the file until ``expires_at``; ask again for a fresh one."""

    name: str
    bytes: int
    sha256: str
    url: str
    expires_at: str


class ExportFailure(Answer):
    code: str
    error: str


class ExportJob(Answer):
    export_id: str
    status: Literal["queued", "running", "succeeded", "failed", "cancelled", "clear_incomplete"]
    format: str
    created_at: str
    finished_at: str | None
    progress: ExportProgress
    counts: ExportCounts | None
    files: list[ExportFile]
    request: dict[str, Any]
    error: ExportFailure | None


class ExportList(Answer):
    exports: list[ExportJob]
    limit: int
    next_cursor: str | None


class Key(Answer):
    """``requests_per_minute`` is null where the usual limit holds, 0 where none does."""

    key_id: str
    name: str
    role: RoleName
    organization_id: str
    requests_per_minute: int | None
    created_at: str


class KeyMade(Key):
    """``key`` is the secret; it is shown this once."""

    key: str


class KeyList(Answer):
    keys: list[Key]


class ErrorDetail(Answer):
    error: str
    code: str
    timestamp: str


class Error(Answer):
    """What went wrong, and what to do about it."""

    detail: ErrorDetail
    type: str
    title: str
    status: int
    request_id: str


class Problem(Answer):
    """The same for ``Accept: application/problem+json`` (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    code: str
    timestamp: str
    request_id: str
