"""What of a share is appended, as entries, and which of them may take one slot."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby

from chatledger.ledger.commit import runs
from chatledger.ledger.entries import Piece, Quarter, pieces, quarter_hour
from chatledger.restore.look import Restoring
from chatledger.restore.shares import Archived


def runs_of(restoring: Restoring, fresh: Sequence[Archived]) -> Iterator[list[Piece]]:
    """Runs that each take a slot, in this order; no two revisions of a message are in one."""
    for apart in _without_revisions(_pieces(restoring, fresh)):
        for run in runs(apart):
            yield _numbered(run)


def _pieces(restoring: Restoring, fresh: Sequence[Archived]) -> Iterator[Piece]:
    """What was an entry becomes one, so that each has one origin.

    Where entries are not known, a further revision of a message is of a further entry.
    """
    ranks: Counter[tuple[bytes, int | None]] = Counter()

    def place_of(archived: Archived) -> tuple[Quarter, int, int]:
        of = archived.identity, archived.slot
        ranks[of] += 1
        return quarter_hour(archived.message), archived.slot or 0, ranks[of]

    placed = sorted(((place_of(each), each) for each in fresh), key=lambda each: each[0])
    for (quarter, _, _), run in groupby(placed, key=lambda each: each[0]):
        of_entry = [each for _, each in run]
        origin, by = restoring.origin(of_entry[0]), restoring.import_id
        messages = sorted((each.message for each in of_entry), key=lambda each: each.timestamp)
        for piece in pieces(quarter, messages):
            yield replace(piece, origin=origin, restored_by=by)


def _without_revisions(found: Iterable[Piece]) -> Iterator[list[Piece]]:
    """Cut before a piece that has another revision of a message: slots say which is newer."""
    apart: list[Piece] = []
    seen: set[object] = set()
    for piece in found:
        messages = {(each.id, each.timestamp) for each in piece.messages}
        if not seen.isdisjoint(messages):
            yield apart
            apart, seen = [], set()
        apart.append(piece)
        seen |= messages
    if apart:
        yield apart


def _numbered(run: Iterable[Piece]) -> list[Piece]:
    """Within each quarter hour of the slot, from one."""
    counted: Counter[Quarter] = Counter()
    numbered: list[Piece] = []
    for piece in run:
        counted[piece.quarter] += 1
        numbered.append(replace(piece, number=counted[piece.quarter]))
    return numbered
