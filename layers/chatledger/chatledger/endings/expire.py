"""Expire: goes through all organizations, and lets go of what is older than the history.

One round may take many calls: each goes on where time was up. Two at once are harmless.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from chatledger.audit import chain
from chatledger.aws import wire
from chatledger.aws.table import Key
from chatledger.ledger import days
from chatledger.ledger.expiry import Horizon, trim_slots, trim_tombstones
from chatledger.ledger.ledger import Ledger

# An undo may be asked for as long as the history is, and runs for days at most. Tombstones of
# before its end must outlive it: what it does not find it would put back.
_TOMBSTONES_LONGER = timedelta(days=30)
# Who has no key is in no audit trail.
_ANONYMOUS = "public"
_PLACE = Key("E#expiry", "place")


class _TimeIsUp(Exception):
    pass


@dataclass
class Expired:
    """What went in this call; ``done``: the round has come to its end."""

    slots: int = 0
    tombstones: int = 0
    done: bool = False


@dataclass
class _Round:
    ledger: Ledger
    horizon: Horizon
    until: datetime
    expired: Expired = field(default_factory=Expired)

    def checkpoint(self) -> None:
        if self.ledger.now() >= self.until:
            raise _TimeIsUp

    def of_organization(self, organization: str, after: str) -> Iterator[str]:
        """Slots first, then day by day those after ``after``; tells each day that is done."""
        ledger = self.ledger
        for shard in range(ledger.shards):
            self.checkpoint()
            self.expired.slots += trim_slots(
                ledger, organization, shard, self.horizon, self.checkpoint
            )
        for day, shards in days.held(ledger.table, organization, after, "9999-12-31"):
            for shard in sorted(shards):
                self.checkpoint()
                self.expired.tombstones += trim_tombstones(
                    ledger, organization, day, shard, self.horizon, self.checkpoint
                )
            yield day


def expire(ledger: Ledger, history: timedelta, until: datetime) -> Expired:
    """Goes on with the round that an earlier call began, or begins one. Raises ``StorageError``."""
    now = ledger.now()
    horizon = Horizon(now - history, now - history - _TOMBSTONES_LONGER)
    round_ = _Round(ledger, horizon, until)
    organization, day = _place(ledger)
    try:
        for name in _organizations(ledger, organization):
            after = day if name == organization else "0001-01-01"
            _keep(ledger, name, after)
            for done in round_.of_organization(name, after):
                _keep(ledger, name, done)
    except _TimeIsUp:
        return round_.expired
    _keep(ledger, "", "")
    round_.expired.done = True
    return round_.expired


def _organizations(ledger: Ledger, first: str) -> Iterator[str]:
    """All of them, in a fixed order, from this one on."""
    if not first or first == _ANONYMOUS:
        yield _ANONYMOUS
    after = first if first and first != _ANONYMOUS else None
    if after:
        yield after
    while some := chain.organizations(ledger.table, after):
        yield from some
        after = some[-1]


def _place(ledger: Ledger) -> tuple[str, str]:
    item = ledger.table.get(_PLACE)
    if not item or not wire.text(item, "organization"):
        return "", ""
    return wire.text(item, "organization"), wire.text(item, "day")


def _keep(ledger: Ledger, organization: str, day: str) -> None:
    place = {"PK": _PLACE.pk, "SK": _PLACE.sk, "organization": organization, "day": day}
    ledger.table.put(dict(place))
