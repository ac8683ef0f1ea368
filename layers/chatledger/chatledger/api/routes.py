"""Every route, and who may call it. What is not here is answered 404: deny by default.

``template.yaml`` has the same routes; a test compares them.
"""

import re
from dataclasses import dataclass, replace

from pydantic import BaseModel

from chatledger.access.roles import Role
from chatledger.api import texts
from chatledger.models import answers
from chatledger.models.chats import ChatPatch, ChatsRequest
from chatledger.models.documents import DocumentRequest
from chatledger.models.exports import ExportRequest
from chatledger.models.holds import AcknowledgeRequest, HoldRequest
from chatledger.models.imports import ImportRequest
from chatledger.models.keys import KeyRequest
from chatledger.models.queries import (
    AuditQuery,
    ChangesQuery,
    ConversationLogsQuery,
    ConversationQuery,
    ListChatsQuery,
    ListExportsQuery,
    ListImportsQuery,
    Query,
    StatisticsQuery,
    UserChatsQuery,
    VerifyAuditQuery,
)


@dataclass(frozen=True, slots=True)
class Route:
    """``role`` is the least that may call; ``None``: anybody, without a key.

    ``answers`` has the good ones by status: a model, or the media type of what is no JSON, or
    ``None`` without a body. ``anonymous``: also without a key where the deployment allows it.
    ``errors`` has the codes that not every such route answers, ``located`` the statuses with a
    ``Location``; ``details`` is what the summary has no room for, in Markdown.
    """

    summary: str
    tag: str
    role: Role | None
    answers: dict[int, type[BaseModel] | str | None]
    body: type[BaseModel] | None = None
    query: type[BaseModel] = Query
    anonymous: bool = False
    headers: tuple[str, ...] = ()
    errors: tuple[str, ...] = ()
    located: tuple[int, ...] = ()
    details: str = ""


_CHATS, _EXPORTS, _KEYS, _PAGES = "Conversations", "Exports", "Keys", "About"
_DOCUMENTS, _HOLDS, _IMPORTS, _AUDIT = "Documents", "Holds", "Imports", "Audit"
_CLIENTS = "As other programs know it"
_HTML, _JSON = "text/html", "application/json"

TAGS = {
    _CHATS: "Store messages and read them: a 201 is followed by a GET that shows them.",
    _DOCUMENTS: "What a project's assistant knows: text, chunks, embeddings, originals.",
    _EXPORTS: "Take any slice out as a file; its links live 15 minutes, the file seven days.",
    _CLIENTS: "The paths of TekRem's export, of Dify's conversation logs, of UIUC.chat's projects.",
    _IMPORTS: "Put an archive back, here or in another organization: the same ids, nothing twice.",
    _HOLDS: "What must not be cleared: by conversation, user, app or range.",
    _KEYS: "Each role includes the ones before: `reader`, `writer`, `admin`, `owner`, `operator`.",
    _AUDIT: "Who did what, in a chain of hashes that nobody changes unseen.",
    _PAGES: "Open to anybody.",
}

ROUTES: dict[str, Route] = {
    "GET /": Route("What this is", _PAGES, None, {200: _HTML}),
    "GET /health": Route("Whether it is up", _PAGES, None, {200: answers.Health}),
    "GET /docs": Route("This document, to read and to try", _PAGES, None, {200: _HTML}),
    "GET /docs/{asset}": Route(
        "The pages' styles and scripts",
        _PAGES,
        None,
        {200: "text/*"},
        errors=("invalid_request", "not_found"),
    ),
    "GET /openapi.json": Route("This document", _PAGES, None, {200: _JSON}),
    "GET /signing-key": Route(
        "The public key that proves a manifest's signature",
        _PAGES,
        None,
        {200: answers.SigningKey},
        details=texts.PROVING,
    ),
    "POST /chats": Route(
        "Store messages of a conversation; what it holds already is not stored twice",
        _CHATS,
        Role.WRITER,
        {201: answers.ChatsStored},
        body=ChatsRequest,
        anonymous=True,
        headers=("Idempotency-Key",),
        details=texts.REPEATS,
    ),
    "GET /chats": Route(
        "List conversations, newest first",
        _CHATS,
        Role.READER,
        {200: answers.ConversationList},
        query=ListChatsQuery,
        anonymous=True,
    ),
    "GET /chats/{conversation_id}": Route(
        "Read a conversation's messages in time order",
        _CHATS,
        Role.READER,
        {200: answers.ConversationPage},
        query=ConversationQuery,
        anonymous=True,
        errors=("not_found",),
    ),
    "PATCH /chats/{conversation_id}": Route(
        "Change a conversation's title, status or metadata",
        _CHATS,
        Role.WRITER,
        {200: answers.Conversation},
        body=ChatPatch,
        errors=("not_found",),
    ),
    "GET /users/{user_id}/chats": Route(
        "List a user's conversations, newest first",
        _CHATS,
        Role.READER,
        {200: answers.UserChats},
        query=UserChatsQuery,
        anonymous=True,
    ),
    "GET /changes": Route(
        "Follow what is committed: messages, revisions, and what was cleared",
        _CHATS,
        Role.READER,
        {200: answers.ChangesPage},
        query=ChangesQuery,
        errors=("gone",),
        details=texts.FOLLOWING,
    ),
    "POST /documents": Route(
        "Store a document, and get a link to upload its original to",
        _DOCUMENTS,
        Role.WRITER,
        {201: answers.DocumentStored},
        body=DocumentRequest,
        details=texts.STORING,
    ),
    "GET /documents/{document_id}/original": Route(
        "Download the original of a document",
        _DOCUMENTS,
        Role.ADMIN,
        {302: None},
        located=(302,),
        errors=("not_found",),
    ),
    "POST /exports": Route(
        "Export a slice of the ledger as a file; with dry_run only count it",
        _EXPORTS,
        Role.ADMIN,
        {201: answers.ExportJob, 202: answers.ExportJob, 200: answers.ExportDryRun},
        body=ExportRequest,
        headers=("Idempotency-Key", "Prefer"),
        errors=("conflict", "gone"),
        located=(201, 202),
        details=texts.WAITING,
    ),
    "POST /exports/preview": Route(
        "Look at the first conversations of an export, and at its size",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.ExportPreview},
        body=ExportRequest,
        errors=("conflict", "gone"),
        details=texts.PREVIEWING,
    ),
    "GET /statistics": Route(
        "How many conversations AIs took part in, and how well they answered",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.Statistics},
        query=StatisticsQuery,
        errors=("payload_too_large",),
        details=texts.COUNTING,
    ),
    "GET /api/conversation-logs": Route(
        "Summarize the log files, or export what the ledger holds in their form",
        _CLIENTS,
        Role.READER,
        {200: answers.ConversationLogs, 202: answers.ExportJob},
        query=ConversationLogsQuery,
        errors=("payload_too_large",),
        located=(202,),
        details=texts.LOGGING,
    ),
    "GET /projects/{app_id}/conversations/export": Route(
        "Download all conversations of a project, as they are",
        _CLIENTS,
        Role.ADMIN,
        {302: None, 202: answers.ExportJob},
        located=(302, 202),
        details=texts.PROJECT,
    ),
    "GET /projects/{app_id}/documents/export": Route(
        "Download all documents of a project: text, chunks, embeddings",
        _CLIENTS,
        Role.ADMIN,
        {302: None, 202: answers.ExportJob},
        located=(302, 202),
        details=texts.PROJECT_DOCUMENTS,
    ),
    "GET /exports": Route(
        "List exports, newest first",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.ExportList},
        query=ListExportsQuery,
    ),
    "GET /exports/{export_id}": Route(
        "Read an export, with fresh links to its files",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.ExportJob},
        errors=("not_found",),
    ),
    "GET /exports/{export_id}/download": Route(
        "Download an export's file",
        _EXPORTS,
        Role.ADMIN,
        {302: None},
        located=(302,),
        errors=("not_found", "conflict"),
        details=texts.DOWNLOADING,
    ),
    "DELETE /exports/{export_id}": Route(
        "Cancel a running export, or remove a finished one's files",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.ExportJob},
        errors=("not_found", "conflict"),
    ),
    "POST /exports/{export_id}/acknowledge": Route(
        "Begin a clear that waits for the root hash",
        _EXPORTS,
        Role.ADMIN,
        {202: answers.ExportJob},
        body=AcknowledgeRequest,
        errors=("not_found", "conflict", "gone"),
        located=(202,),
        details=texts.ACKNOWLEDGING,
    ),
    "POST /exports/{export_id}/undo": Route(
        "Put back what an export cleared",
        _EXPORTS,
        Role.ADMIN,
        {200: answers.ExportJob, 202: answers.ExportJob},
        headers=("Idempotency-Key", "Prefer"),
        errors=("not_found", "conflict", "gone"),
        located=(202,),
        details=texts.UNDOING,
    ),
    "POST /imports": Route(
        "Start an import: where to upload the archive to",
        _IMPORTS,
        Role.ADMIN,
        {201: answers.ImportJob},
        body=ImportRequest,
        headers=("Idempotency-Key",),
        located=(201,),
        details=texts.IMPORTING,
    ),
    "GET /imports": Route(
        "List imports, newest first",
        _IMPORTS,
        Role.ADMIN,
        {200: answers.ImportList},
        query=ListImportsQuery,
    ),
    "GET /imports/{import_id}": Route(
        "Read an import; while it waits, with fresh links",
        _IMPORTS,
        Role.ADMIN,
        {200: answers.ImportJob},
        errors=("not_found",),
    ),
    "POST /holds": Route(
        "Place a hold: what it covers is not cleared",
        _HOLDS,
        Role.OWNER,
        {201: answers.Hold},
        body=HoldRequest,
        headers=("Idempotency-Key",),
        errors=("conflict",),
        details=texts.HOLDING,
    ),
    "GET /holds": Route(
        "List holds, in the order they were placed", _HOLDS, Role.OWNER, {200: answers.HoldList}
    ),
    "DELETE /holds/{hold_id}": Route(
        "Lift a hold", _HOLDS, Role.OWNER, {204: None}, errors=("not_found",)
    ),
    "GET /audit": Route(
        "Read the audit trail, newest first",
        _AUDIT,
        Role.OWNER,
        {200: answers.AuditTrail},
        query=AuditQuery,
        details=texts.RECORDING,
    ),
    "GET /audit/verify": Route(
        "Check that the audit trail is whole",
        _AUDIT,
        Role.OWNER,
        {200: answers.AuditVerdict},
        query=VerifyAuditQuery,
        details=texts.VERIFYING,
    ),
    "POST /keys": Route(
        "Make a key; the secret is shown this once",
        _KEYS,
        Role.OWNER,
        {201: answers.KeyMade},
        body=KeyRequest,
    ),
    "GET /keys": Route("List keys", _KEYS, Role.OWNER, {200: answers.KeyList}),
    "DELETE /keys/{key_id}": Route(
        "Revoke a key; the next request with it is refused",
        _KEYS,
        Role.OWNER,
        {204: None},
        errors=("not_found",),
    ),
}

# The paths of TekRem's documentation, for its clients.
ROUTES.update(
    (crm, replace(ROUTES[own], tag=_CLIENTS, summary=f"{ROUTES[own].summary} (as {own})"))
    for crm, own in {
        "POST /crm/ai-conversations/export": "POST /exports",
        "POST /crm/ai-conversations/preview": "POST /exports/preview",
        "GET /crm/ai-conversations/statistics": "GET /statistics",
    }.items()
)

# The gateway decodes a path before it matches it, `%2F` too, so an id may hold slashes only where
# a greedy parameter takes the rest of the path: these of its keys stand for routes, each told by
# what the rest of the path then ends in.
GREEDY: dict[str, dict[str, str]] = {
    "GET /chats/{conversation_id+}": {"": "GET /chats/{conversation_id}"},
    "PATCH /chats/{conversation_id+}": {"": "PATCH /chats/{conversation_id}"},
    "GET /users/{user_id+}": {"/chats": "GET /users/{user_id}/chats"},
    "GET /projects/{app_id+}": {
        "/conversations/export": "GET /projects/{app_id}/conversations/export",
        "/documents/export": "GET /projects/{app_id}/documents/export",
    },
    "GET /documents/{document_id+}": {"/original": "GET /documents/{document_id}/original"},
}


def no_route(path: str) -> str:
    """What to tell whose request is no route's: which methods its path has, if it is one."""
    methods = [key.split(" ")[0] for key in ROUTES if _is_at(path, key.split(" ")[1])]
    if methods:
        return f"This path takes {' and '.join(sorted(methods))} only."
    return "There is no such route. GET /openapi.json lists those there are."


def _is_at(path: str, template: str) -> bool:
    pattern = re.sub(r"\\{\w+\\}", ".+", re.escape(template))
    return bool(re.fullmatch(pattern, path))
