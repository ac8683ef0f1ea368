"""Documents as a dataset of an export: what its parts are, what they go through, its counts."""

from collections.abc import Iterator

from chatledger.aws.table import Between
from chatledger.documents import listing
from chatledger.documents.document import documents
from chatledger.documents.read import exported_line
from chatledger.documents.store import Library
from chatledger.export.job import Counts
from chatledger.export.plan import Part
from chatledger.export.spec import Spec
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.ledger import Ledger


def lines_of(
    library: Library,
    organization: str,
    spec: Spec,
    part: Part,
    after: str | None,
    checkpoint: Checkpoint,
) -> Iterator[tuple[str, bytes | None]]:
    """Each document of the part after this sort key, as it is now; None for those not chosen.

    One at a time is in memory. Raises ``LookupError`` for a part of conversations.
    """
    if part.between is None:
        raise LookupError("this part was planned for conversations")
    first, last = part.between
    between = Between(after or first, last)
    for place, document in documents(library.ledger.table, organization, between):
        if place == after:
            continue
        checkpoint()
        is_chosen = listing.is_chosen(document, spec.selection)
        yield (
            place,
            exported_line(library, organization, document, spec.selection) if is_chosen else None,
        )


def count_documents(
    ledger: Ledger, organization: str, spec: Spec, checkpoint: Checkpoint
) -> Counts:
    """What an export of them holds, uncompressed, without reading any of their content."""
    count = size = 0
    for _, document in listing.chosen(ledger.table, organization, spec.selection):
        checkpoint()
        count, size = count + 1, size + document.line_bytes
    return Counts(0, 0, size, count)
