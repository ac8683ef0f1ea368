"""Events and trails for the tests of the audit trail."""

from datetime import UTC, datetime, timedelta
from typing import Any

from chatledger.audit import chain
from chatledger.audit.record import Actor, Event, Record
from chatledger.aws.table import Table, items
from chatledger.ledger import keys

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
OWNER = Actor("key_1", "owner")
ORGANIZATION = "acme/#1"


def event(number: int = 1, **fields: Any) -> Event:
    """The ``number``-th event: an hour after the one before."""
    usual = {
        "action": "hold.placed",
        "at": NOON + timedelta(hours=number),
        "actor": OWNER,
        "subject": {"hold_id": f"hold_{number}"},
        "counts": {"n": number},
    }
    return Event(**(usual | fields))


def add(table: Table, count: int, first: int = 1, organization: str = ORGANIZATION) -> None:
    for number in range(first, first + count):
        chain.append(table, organization, [event(number)])


def stored(table: Table, organization: str = ORGANIZATION) -> list[chain.Stored]:
    return [chain.stored_of(item) for item in items(table, keys.audit(organization))]


def records(table: Table, organization: str = ORGANIZATION) -> list[Record]:
    return [each.record for each in stored(table, organization)]


def actions(table: Table, organization: str = ORGANIZATION) -> list[str]:
    return [each.action for each in records(table, organization)]
