"""What the table knows of a document: a small item that points at its content."""

from collections.abc import Iterator
from datetime import datetime

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Between, Put, Table, items
from chatledger.errors import NotFound
from chatledger.identifiers import new_token
from chatledger.ledger import keys
from chatledger.ledger.guarded import put_of, struct_of

_NAME = "document"


class Object(msgspec.Struct, frozen=True):
    """``version`` is the object's, where its bucket keeps versions."""

    key: str
    version: str | None = None


class Document(msgspec.Struct, frozen=True, kw_only=True):
    """``line_bytes``: of its line in an export, ``digest`` is SHA-256 of what was sent.

    ``replaced``: the content before this one, whose object goes when this is written.
    ``token`` is the item's ``w``: a writer holds the document as it loaded it, or starts over.
    """

    document_id: str
    app_id: str
    filename: str | None
    chunks: int
    line_bytes: int
    digest: str
    created_at: datetime
    updated_at: datetime
    content: Object
    replaced: Object | None = None
    token: bytes | None = None


def load(table: Table, organization: str, document_id: str) -> Document | None:
    item = table.get(keys.document(organization, document_id))
    return struct_of(item, _NAME, Document) if item else None


def find(table: Table, organization: str, document_id: str) -> Document:
    """Raises ``NotFound``."""
    document = load(table, organization, document_id)
    if not document:
        raise NotFound(
            f"There is no document {document_id[:64]!r} here. POST it to /documents to store it."
        )
    return document


def documents(
    table: Table, organization: str, between: Between | None = None
) -> Iterator[tuple[str, Document]]:
    """All of the organization in the order of their sort keys, each with its own."""
    for item in items(table, keys.documents(organization), between=between):
        yield wire.text(item, "SK"), struct_of(item, _NAME, Document)


def written(organization: str, document: Document) -> Put:
    """Writes it if nobody did since it was loaded."""
    key = keys.document(organization, document.document_id)
    return put_of(key, _NAME, document, document.token, new_token())
