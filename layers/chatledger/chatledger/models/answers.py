"""How answers look. They document and test; what is sent is built by the verbs."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from chatledger.models.chats import MessageRole, Status
from chatledger.models.exports import FormatName
from chatledger.models.imports import ImportFormat
from chatledger.models.keys import RoleName

_TIME = "RFC 3339 in UTC"
_NEXT = "Send it as cursor to go on; null at the end."
_NOT_YET = "Null: not available yet."
_URL = (
    "Downloads it, without a key; GET the export again for another. Null in answers that cannot "
    "sign one: GET the export."
)
_LIMIT = "How many were asked for at most."

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


class Answer(BaseModel):
    """An answer may get more fields in time; clients should not mind."""

    model_config = ConfigDict(extra="allow", defer_build=True)


class Health(Answer):
    """It is up."""

    status: Literal["ok"]
    version: str
    websocket_url: str | None = Field(description="Null: not available yet.")


class SigningKey(Answer):
    """The key that signs manifests; its private half is nowhere to be had."""

    algorithm: Literal["ECDSA_SHA_256"] = Field(description="On the curve P-256.")
    key_id: str = Field(description="SHA-256 of the public key's DER, in hexadecimal.")
    public_key: str = Field(description="PEM, a SubjectPublicKeyInfo.")


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
    would_clear: int | None = Field(
        description="How many messages it would clear, all revisions counted, were none of them "
        "held; null without clear."
    )


class ExportProgress(Answer):
    """How far it is. A part is a piece of the file."""

    conversations: int = Field(description="Written by now.")
    messages: int = Field(description="Written by now.")
    parts_done: int
    parts_total: int


class ExportFile(Answer):
    """A finished file; it is kept for seven days, or for good where it is part of an archive."""

    name: str
    bytes: int
    sha256: str = Field(description="Of the file, in hexadecimal.")
    url: str | None = Field(description=_URL)
    expires_at: str | None = Field(description=f"Until when the url serves at most, {_TIME}.")


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
    undo_until: str | None = Field(description=f"{_TIME}; null where nothing was cleared.")


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
    created_at: str = Field(description=_TIME)
    finished_at: str | None = Field(description=f"{_TIME}; null before its end.")
    progress: ExportProgress
    counts: ExportCounts | None = Field(description="Of the files; null before they are finished.")
    files: list[ExportFile] = Field(description="Empty before they are written, and once removed.")
    manifest: ExportManifest | None = Field(
        description="Of an archive, also of one that is kept; null before it is written."
    )
    archive: ExportArchive | None = Field(
        description="What is kept of an export that clears; null before it is written."
    )
    data_card: dict[str, Any] | None = Field(description=_NOT_YET)
    redactions: dict[str, int] | None = Field(
        description="Of an anonymized file: how often each kind of personal data was redacted in "
        "free text. Null before it is written, and of a file that is not anonymized."
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
    limit: int = Field(description=_LIMIT)
    next_cursor: str | None = Field(description=_NEXT)


class ImportUpload(Answer):
    """Where the file goes, each by a PUT with these headers; no key is sent along."""

    url: str = Field(description="Takes the archive; the import begins when it is there.")
    manifest_url: str = Field(
        description="Takes the archive's manifest, before the archive. It may be left out; with "
        "it, newer revisions are told from older ones."
    )
    headers: dict[str, str] = Field(description="To be sent with both, as they are.")
    expires_at: str = Field(
        description=f"{_TIME}; read the import again for other links, within seven days."
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
    created_at: str = Field(description=_TIME)
    finished_at: str | None = Field(description=f"{_TIME}; null before its end.")
    upload: ImportUpload | None = Field(description="Null once the file is there.")
    progress: ImportProgress
    counts: ImportCounts
    error: ExportFailure | None = Field(
        description="Null unless it failed; what was restored before stays."
    )


class ImportList(Answer):
    """Newest first."""

    imports: list[ImportJob]
    limit: int = Field(description=_LIMIT)
    next_cursor: str | None = Field(description=_NEXT)


class Hold(Answer):
    """What must not be cleared: all that is named holds."""

    hold_id: str
    status: Literal["pending", "active"] = Field(description="Active a minute after its making.")
    created_at: str = Field(description=_TIME)
    active_at: str = Field(description=f"{_TIME}; from then on no clear touches what it covers.")
    name: str | None
    reason: str | None
    conversation_id: str | None
    user_id: str | None
    app_id: str | None
    start_date: str | None = Field(description="As it was sent, inclusive.")
    end_date: str | None = Field(description="As it was sent, inclusive.")


class HoldList(Answer):
    """The organization's holds."""

    holds: list[Hold]


class AuditActor(Answer):
    """Who did it."""

    key_id: str | None = Field(description="Null where it was no key.")
    role: str = Field(
        description="The key's; `system` for what the service did by itself, `bootstrap` for who "
        "may invoke the function that makes the first key."
    )


class AuditRecord(Answer):
    """What happened. The hash is SHA-256 over all the others as JSON, see the route."""

    organization: str
    seq: int = Field(description="Its place: 1, 2, 3 … without a gap.")
    id: str = Field(description="Of the record, a ULID.")
    at: str = Field(description=_TIME)
    actor: AuditActor
    action: str = Field(description="`export.admitted`, `clear.began`, `key.made` …")
    subject: dict[str, str] = Field(
        description="What it was about: ids, and of a job its format and status. Several ids are "
        "parted by spaces."
    )
    counts: dict[str, int] = Field(description="Of what, and how many: messages, bytes, links …")
    prev: str = Field(description="The hash of the record before; zeros in the first.")
    hash: str


class AuditTrail(Answer):
    """Some records, newest first."""

    records: list[AuditRecord]
    limit: int = Field(description=_LIMIT)
    next_cursor: str | None = Field(description=_NEXT)


class AuditPlace(Answer):
    """A record that was seen."""

    seq: int
    at: str | None = Field(description=f"{_TIME}; null where it cannot be read.")
    hash: str


class AuditProblem(Answer):
    """Something that is not as it was recorded."""

    seq: int | None = Field(description="The record; null where it is none.")
    what: str = Field(description="In words.")


class AuditVerdict(Answer):
    """What was gone through, and what is wrong with it."""

    valid: bool = Field(description="Nothing is wrong, up to the cursor if there is one.")
    records: int = Field(description="How many were gone through.")
    anchors: int = Field(description="How many daily anchors were compared.")
    first: AuditPlace | None = Field(description="The first of these; null if there is none.")
    last: AuditPlace | None = Field(description="The last of these; null if there is none.")
    head_hash: str | None = Field(description="The hash of the last: it covers all before it.")
    problems: list[AuditProblem]
    next_cursor: str | None = Field(
        description="There was no time for all: send it as cursor to go on; null at the end."
    )


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


class Change(Answer):
    """A message, with all that was sent of it, or the record of messages that were cleared."""

    type: Literal["message", "cleared"]
    conversation_id: str
    id: str | None = Field(None, description="Of a message, as are the fields that follow it.")
    messages: int | None = Field(None, description="Of what was cleared: how many.")
    cleared_by: str | None = Field(None, description="The export whose archive holds them.")
    digests: list[list[str]] | None = Field(
        None, description="Of each: which message (id and time), which content; in hexadecimal."
    )


class ChangesPage(Answer):
    """What was committed after the cursor, in the order it was committed in within a shard."""

    changes: list[Change] = Field(
        description="The same id and time again is a revision: the later one counts."
    )
    cursor: str = Field(description="Where to go on; serves as the since of an export too.")
    end_of_stream: bool = Field(description="Whether that was all when it was read.")
