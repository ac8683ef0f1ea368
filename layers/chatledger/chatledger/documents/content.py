"""A document's content: one canonical line of JSON as it is stored, another as it is exported.

The export's line has the names of UIUC.chat's own documents (``ai-ta-backend``, the row that its
``vector_database`` inserts and its ``export_data`` hands out), and beside them what those lack.
"""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import msgspec

from chatledger.formats.compression import gunzipped
from chatledger.formats.writer import stable_integer
from chatledger.models.documents import DocumentRequest

_ENCODER = msgspec.json.Encoder(order="deterministic")


class _Stored(msgspec.Struct, frozen=True):
    """As it lies there; what may be large stays undecoded."""

    app_id: str
    chunks: msgspec.Raw
    document_id: str
    filename: str | None
    metadata: msgspec.Raw
    text: msgspec.Raw


class _Addresses(msgspec.Struct, frozen=True):
    """What of the metadata UIUC.chat has beside the text."""

    url: Any = None
    base_url: Any = None


class _Row(msgspec.Struct, frozen=True):
    """``s3_path`` is where UIUC.chat keeps an original; here a link leads to it."""

    base_url: str | None
    contexts: msgspec.Raw
    course_name: str
    created_at: datetime
    document_id: str
    id: int
    metadata: msgspec.Raw
    readable_filename: str | None
    s3_path: None
    text: msgspec.Raw
    url: str | None


def canonical(request: DocumentRequest) -> bytes:
    """The same for the same document, whatever the order of names in what was sent."""
    sent = request.model_dump()
    for chunk in sent["chunks"]:
        if chunk["metadata"] is None:
            del chunk["metadata"]
    return _ENCODER.encode(sent)


def line(content: bytes, created_at: datetime) -> bytes:
    """The line of an export, with its end, of a canonical line."""
    stored = msgspec.json.decode(content, type=_Stored)
    addresses = msgspec.json.decode(stored.metadata, type=_Addresses)
    row = _Row(
        base_url=_text(addresses.base_url),
        contexts=stored.chunks,
        course_name=stored.app_id,
        created_at=created_at,
        document_id=stored.document_id,
        id=stable_integer(stored.document_id),
        metadata=stored.metadata,
        readable_filename=stored.filename,
        s3_path=None,
        text=stored.text,
        url=_text(addresses.url),
    )
    return _ENCODER.encode(row) + b"\n"


def opened(pieces: Iterator[bytes]) -> bytes:
    """The canonical line of a stored object."""
    return b"".join(gunzipped(pieces))


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None
