"""POST /documents, GET /documents/{document_id}/original: documents of projects, in and out."""

from typing import Any

from chatledger.api.app import (
    Answer,
    archive_bucket,
    body,
    caller,
    created,
    found,
    handle,
    ledger,
    path,
    resolver,
)
from chatledger.documents.original import original_link
from chatledger.documents.store import Library, store
from chatledger.models.documents import DocumentRequest

app = resolver()


@app.post("/documents")
def post_documents() -> Answer:
    request = body(DocumentRequest)
    return created(store(library(), caller().organization, request, caller().actor))


@app.get("/documents/<document_id>/original")
def get_original(document_id: str) -> Answer:
    document_id, who = path("document_id"), caller()
    return found(original_link(library(), who.organization, document_id, who.actor))


def library() -> Library:
    return Library(ledger(), archive_bucket())


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
