"""Which documents an export chooses, and the ranges of them that its parts take."""

from collections.abc import Iterator

from chatledger.aws.table import Between, Table
from chatledger.documents.document import Document, documents
from chatledger.selection import Selection

# Of a part; and as many requests as it sends for them, one after the other, in about a minute.
PART_BYTES = 64 * 1024 * 1024
PART_DOCUMENTS = 2_000


def is_chosen(document: Document, selection: Selection) -> bool:
    """By its app, and by when it was first stored."""
    apps = selection.filters.app_id
    return document.created_at in selection.within and (not apps or document.app_id in apps)


def chosen(
    table: Table, organization: str, selection: Selection, between: Between | None = None
) -> Iterator[tuple[str, Document]]:
    """In the order of their sort keys, each with its own."""
    for place, document in documents(table, organization, between):
        if is_chosen(document, selection):
            yield place, document


def ranges(table: Table, organization: str, selection: Selection) -> Iterator[tuple[str, str]]:
    """The first and last sort key of each part, which hold all that are chosen now."""
    first, last, size, count = "", "", 0, 0
    for place, document in chosen(table, organization, selection):
        full = size + document.line_bytes > PART_BYTES or count == PART_DOCUMENTS
        if count and full:
            yield first, last
            size = count = 0
        first = first if count else place
        last, size, count = place, size + document.line_bytes, count + 1
    if count:
        yield first, last
