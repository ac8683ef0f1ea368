"""Cursors: a position in the order of what was committed, sealed for one organization.

The cursor of an export and that of a page of changes are the same thing, so either goes on after
the other.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from chatledger.api.tokens import seal, unseal
from chatledger.errors import Gone, InvalidRequest
from chatledger.ledger.feed import Position, Within
from chatledger.ledger.ledger import Ledger, current_epoch
from chatledger.models.exports import LAST, ExportRequest

_PURPOSE = "position"


def seal_slots(organization: str, epoch: str, slots: Mapping[str, int]) -> str:
    """A cursor behind the last slot of each shard."""
    return seal(_PURPOSE, organization, {"epoch": epoch, "slots": dict(slots)})


def epoch_of(ledger: Ledger) -> str:
    """To be asked before anything is read: a cursor is of the epoch in which that was."""
    return current_epoch(ledger.table)


def seal_position(organization: str, epoch: str, position: Position) -> str:
    payload: dict[str, Any] = {
        "epoch": epoch,
        "slots": {str(shard): slot for shard, slot in position.slots.items()},
    }
    if position.within:
        payload["within"] = msgspec.to_builtins(position.within)
    return seal(_PURPOSE, organization, payload)


def position_of(ledger: Ledger, organization: str, cursor: str) -> Position:
    """Raises ``InvalidCursor``, and ``Gone`` for one of another life of the table."""
    payload = unseal(_PURPOSE, organization, cursor)
    if payload["epoch"] != current_epoch(ledger.table):
        raise Gone(
            "The table was restored from a backup since this cursor was given out, so it leads "
            "nowhere. Take an export without since: its cursor is where to go on."
        )
    slots = {int(shard): slot for shard, slot in payload["slots"].items()}
    within = payload.get("within")
    return Position(slots, msgspec.convert(within, Within) if within else None)


def position_in(ledger: Ledger, organization: str, request: ExportRequest) -> dict[int, int] | None:
    """Where the request goes on, if it names a cursor; raises as ``slots_of`` does."""
    if request.since is None or request.since == LAST:
        return None
    return slots_of(ledger, organization, request.since)


def slots_of(ledger: Ledger, organization: str, cursor: str) -> dict[int, int]:
    """Of a cursor from which an export may go on; raises ``InvalidRequest`` as well."""
    position = position_of(ledger, organization, cursor)
    if position.within:
        raise InvalidRequest(
            "This cursor stands in the middle of one large append. GET /changes with it until a "
            "cursor is behind the append, and export since that."
        )
    return position.slots
