"""Holds: what must not be cleared, placed, listed and lifted.

What a hold covers is asked by ``covering``; every clear reads all holds anew in each batch.
"""

from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM, Action, Actor, Event
from chatledger.aws import wire
from chatledger.aws.table import (
    Absent,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Put,
    Table,
    items,
)
from chatledger.errors import Conflict, NotFound
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from chatledger.models.holds import HoldRequest
from chatledger.timestamps import Range, format_time, parse_range

# Whatever had read the holds before has written, or begun no write any more, by then.
ACTIVE_AFTER = timedelta(seconds=60)
# A clear reads all of them for every hundred entries.
MAX_HOLDS = 1_000


class Hold(msgspec.Struct, frozen=True, kw_only=True):
    """All that is named must hold; dates as they were sent, both ends inclusive."""

    hold_id: str
    created_at: datetime
    name: str | None = None
    reason: str | None = None
    conversation_id: str | None = None
    user_id: str | None = None
    app_id: str | None = None
    start_date: str | None = None
    end_date: str | None = None

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @property
    def active_at(self) -> datetime:
        return self.created_at + ACTIVE_AFTER

    def answer(self, now: datetime) -> dict[str, Any]:
        fields: dict[str, Any] = msgspec.to_builtins(self)
        return fields | {
            "status": "active" if now >= self.active_at else "pending",
            "created_at": format_time(self.created_at),
            "active_at": format_time(self.active_at),
        }


def place_hold(
    ledger: Ledger,
    organization: str,
    hold_id: str,
    request: HoldRequest,
    actor: Actor = SYSTEM,
) -> Hold:
    """The hold under this id: a new one, or the one that is there. Raises ``Conflict``."""
    place = keys.hold(organization, hold_id)
    if there := _load(ledger.table, place):
        return there
    if len(all_holds(ledger.table, organization)) >= MAX_HOLDS:
        raise Conflict(f"There are {MAX_HOLDS:,} holds here, the most there can be. Lift some.")
    hold = Hold(hold_id=hold_id, created_at=ledger.now(), **request.model_dump())
    item: wire.Item = {"PK": place.pk, "SK": place.sk, "hold": msgspec.json.encode(hold)}
    event = _event("hold.placed", hold_id, actor, ledger)
    try:
        chain.append(ledger.table, organization, [event], [Put(item, Absent())])
    except ConditionFailed:  # The same request came twice, or its first reply was lost.
        return _load(ledger.table, place) or hold
    return hold


def all_holds(table: Table, organization: str) -> list[Hold]:
    """In the order they were placed."""
    return [_hold_of(item) for item in items(table, keys.holds(organization))]


def lift_hold(ledger: Ledger, organization: str, hold_id: str, actor: Actor = SYSTEM) -> None:
    """Raises ``NotFound``."""
    place = keys.hold(organization, hold_id)
    gone = NotFound(f"There is no hold {hold_id[:64]!r} here. GET /holds lists those there are.")
    item = ledger.table.get(place)
    if not item:
        raise gone
    lifted = Delete(place, Equals("hold", item["hold"]))
    event = _event("hold.lifted", hold_id, actor, ledger)
    try:
        chain.append(ledger.table, organization, [event], [lifted])
    except ConditionFailed:  # Somebody lifted it just now.
        raise gone from None


def _event(action: Action, hold_id: str, actor: Actor, ledger: Ledger) -> Event:
    return Event(action=action, at=ledger.now(), actor=actor, subject={"hold_id": hold_id})


def _load(table: Table, place: Key) -> Hold | None:
    item = table.get(place)
    return _hold_of(item) if item else None


def _hold_of(item: wire.Item) -> Hold:
    return msgspec.json.decode(wire.binary(item, "hold"), type=Hold)
