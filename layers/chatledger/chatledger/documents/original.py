"""Original: the file that a document was made of, as it was uploaded."""

from mimetypes import guess_type

from chatledger.audit.links import record_given
from chatledger.audit.record import SYSTEM, Actor
from chatledger.documents import places
from chatledger.documents.document import Document, find
from chatledger.documents.store import Library
from chatledger.errors import NotFound


def original_link(
    library: Library, organization: str, document_id: str, actor: Actor = SYSTEM
) -> str:
    """A link to it, recorded before it is given out.

    Raises ``NotFound`` where there is no such document, or nobody has uploaded its original.
    """
    document = find(library.ledger.table, organization, document_id)
    key = places.original(organization, document_id)
    if library.bucket.size(key) is None:
        raise NotFound(
            f"Document {document_id[:64]!r} has no original yet. POST it to /documents again: the "
            "answer has a link to upload it to."
        )
    subject = {"document_id": document_id}
    record_given(
        library.ledger, organization, actor, subject, {"original": 1}, ("original", document_id)
    )
    name = _file_name(document)
    media_type, _ = guess_type(name)  # Uploads say what their client says: often nothing.
    return library.bucket.link(key, name, media_type=media_type)


def _file_name(document: Document) -> str:
    """As it was given, but no path and not hidden."""
    name = document.filename or document.document_id
    return name.replace("/", "_").replace("\\", "_").lstrip(".") or "original"
