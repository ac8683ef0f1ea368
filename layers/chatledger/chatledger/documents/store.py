"""Store: a document's content becomes an object, and then its item points at it.

A crash in between leaves an object that nothing points at, and the document as it was; a repeat
completes it. What an item replaced goes after the item has moved on, at the latest with the next
write or repeat of the same document.
"""

import hashlib
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Actor, Event
from chatledger.aws.bucket import LINK_SECONDS, Bucket
from chatledger.aws.table import ConditionFailed
from chatledger.documents import places
from chatledger.documents.content import canonical, line
from chatledger.documents.document import Document, Object, load, written
from chatledger.errors import StorageError
from chatledger.ledger.entries import compress
from chatledger.ledger.ledger import Ledger
from chatledger.models.documents import DocumentRequest
from chatledger.timestamps import format_time

_ROUNDS = 10
_GZIP = "application/gzip"


@dataclass(frozen=True, slots=True)
class Library:
    """Where documents lie: their items, and the bucket that keeps content and originals."""

    ledger: Ledger
    bucket: Bucket


def store(
    library: Library, organization: str, request: DocumentRequest, actor: Actor = SYSTEM
) -> dict[str, Any]:
    """The answer of ``POST /documents``. Sent again, the same document changes nothing.

    Raises ``StorageError``: it may be stored then, and a repeat is safe.
    """
    is_new = _Write(library, organization, request, actor).stored()
    until = library.ledger.now() + timedelta(seconds=LINK_SECONDS)
    original = places.original(organization, request.document_id)
    return {
        "document_id": request.document_id,
        "status": "stored" if is_new else "unchanged",
        "upload_url": library.bucket.upload_link(original),
        "expires_at": format_time(until),
    }


class _Write:
    def __init__(
        self, library: Library, organization: str, request: DocumentRequest, actor: Actor
    ) -> None:
        self.library = library
        self.organization = organization
        self.request = request
        self.actor = actor
        self.content = canonical(request)
        self.digest = hashlib.sha256(self.content).hexdigest()
        self.placed: Object | None = None

    def stored(self) -> bool:
        """False where what is held says the same already."""
        table = self.library.ledger.table
        for _ in range(_ROUNDS):
            there = load(table, self.organization, self.request.document_id)
            self._let_go(there.replaced if there else None)
            if there and self._is_held(there):
                # Of two who send the same at once, the second's object is not needed.
                self._let_go(self.placed if self.placed != there.content else None)
                return False
            # Who was refused may have written all the same, and been replaced: its object is gone.
            self._let_go(self.placed)
            self.placed = self._placed()
            document = self._document(there, self.placed)
            try:
                self._write(document)
            except ConditionFailed:
                continue  # Somebody else wrote it meanwhile.
            self._let_go(document.replaced)
            return True
        raise StorageError("The document is changing all the time. Repeat in a second.")

    def _is_held(self, there: Document) -> bool:
        """A table that was restored from a backup may point at content that was let go since."""
        is_same = there.digest == self.digest
        return is_same and self.library.bucket.size(there.content.key) is not None

    def _document(self, there: Document | None, placed: Object) -> Document:
        """What it becomes."""
        request, now = self.request, self.library.ledger.now()
        created_at = there.created_at if there else now
        return Document(
            document_id=request.document_id,
            app_id=request.app_id,
            filename=request.filename,
            chunks=len(request.chunks),
            line_bytes=len(line(self.content, created_at)),
            digest=self.digest,
            created_at=created_at,
            updated_at=now,
            content=placed,
            replaced=there.content if there else None,
            token=there.token if there else None,
        )

    def _write(self, document: Document) -> None:
        """What is added is no matter of the trail, as no message is; what takes content away is."""
        table, put = self.library.ledger.table, written(self.organization, document)
        if document.replaced:
            chain.append(table, self.organization, [self._event(document)], [put])
        else:
            table.put(put.item, put.when)

    def _placed(self) -> Object:
        key = places.content(self.organization, self.request.document_id)
        return Object(key, self.library.bucket.put(key, compress(self.content), _GZIP))

    def _event(self, document: Document) -> Event:
        return Event(
            action="document.replaced",
            at=document.updated_at,
            actor=self.actor,
            subject={"document_id": document.document_id},
        )

    def _let_go(self, gone: Object | None) -> None:
        """Harmless to repeat; what cannot be deleted now is deleted with the next write."""
        if gone:
            with suppress(StorageError):
                self.library.bucket.delete(gone.key, gone.version)
