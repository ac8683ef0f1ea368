"""Reading a document as an export has it, whoever writes it meanwhile."""

from chatledger.aws.bucket import ObjectGone
from chatledger.documents.content import line, opened
from chatledger.documents.document import Document, load
from chatledger.documents.listing import is_chosen
from chatledger.documents.store import Library
from chatledger.errors import Gone, StorageError
from chatledger.selection import Selection

_ROUNDS = 10


class ContentGone(Gone):
    """A document whose content is not there though its item says so: only its sender has it."""


def exported_line(
    library: Library, organization: str, document: Document, selection: Selection
) -> bytes | None:
    """The document's line; None where it was replaced meanwhile, and is not chosen any more.

    Raises ``ContentGone``.
    """
    for _ in range(_ROUNDS):
        try:
            return line(opened(library.bucket.read(document.content.key)), document.created_at)
        except ObjectGone:
            now = load(library.ledger.table, organization, document.document_id)
            if not now or now.content == document.content:
                raise ContentGone(
                    f"The content of document {document.document_id[:64]!r} is not there any more. "
                    "POST it to /documents again, then start a new export."
                ) from None
        if not is_chosen(now, selection):
            return None
        document = now
    raise StorageError("The document is changing all the time. Repeat in a second.")
