"""Keys: made, listed, revoked, and found by their secret, of which only the SHA-256 is kept."""

import hashlib
import hmac
import re
import secrets
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from chatledger.access.roles import Role
from chatledger.audit import chain
from chatledger.audit.record import BOOTSTRAP, Action, Actor, Event
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
from chatledger.aws.wire import Item
from chatledger.errors import Forbidden, NotFound
from chatledger.identifiers import new_ulid
from chatledger.ledger import keys as places
from chatledger.models.keys import SECRET_PATTERN
from chatledger.timestamps import format_time

UNLIMITED = 0
_SECRET = re.compile(SECRET_PATTERN)
_SECRET_BYTES = 32


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key without its secret. ``requests_per_minute``: ``None`` is the usual limit, 0 none."""

    key_id: str
    organization: str
    role: Role
    name: str
    requests_per_minute: int | None
    created_at: str
    sha256: str

    def answer(self) -> dict[str, Any]:
        return {
            "key_id": self.key_id,
            "name": self.name,
            "role": self.role.label,
            "organization_id": self.organization,
            "requests_per_minute": self.requests_per_minute,
            "created_at": self.created_at,
        }


def new_secret() -> str:
    return f"clk_{secrets.token_urlsafe(_SECRET_BYTES)}"


def new_key(
    organization: str, role: Role, name: str, limit: int | None, secret: str, now: datetime
) -> ApiKey:
    return ApiKey(
        key_id=f"key_{new_ulid()}",
        organization=organization,
        role=role,
        name=name,
        requests_per_minute=limit,
        created_at=format_time(now),
        sha256=_digest(secret),
    )


def save_key(table: Table, key: ApiKey, actor: Actor, now: datetime) -> None:
    """By its hash, among its organization's keys, and in the audit trail, or nowhere.

    Raises ``ConditionFailed`` where there is a key with this secret.
    """
    writes = [Put(_item(place, key), Absent()) for place in _places(key)]
    chain.append(table, key.organization, [_event("key.made", key, actor, now)], writes)


def find_key(table: Table, secret: str) -> ApiKey | None:
    """One read."""
    if not _SECRET.match(secret):
        return None
    digest = _digest(secret)
    item = table.get(places.key_by_hash(digest))
    if not item or not hmac.compare_digest(wire.text(item, "sha256"), digest):
        return None
    return _key_of(item)


def list_keys(table: Table, organization: str) -> list[ApiKey]:
    """In the order they were made."""
    return [_key_of(item) for item in items(table, places.keys_of(organization))]


def revoke_key(table: Table, organization: str, key_id: str, actor: Actor, now: datetime) -> None:
    """The next request with it is refused. Raises ``NotFound``, ``Forbidden``."""
    item = table.get(places.key_of(organization, key_id))
    gone = NotFound(f"There is no key {key_id[:64]!r} here. GET /keys lists those there are.")
    if not item:
        raise gone
    key = _key_of(item)
    if not Role.of(actor.role).may_handle_key_of(key.role):
        raise Forbidden(f"Only an {key.role.label} revokes the key of an {key.role.label}.")
    deletions = [Delete(place, Equals("key_id", key.key_id)) for place in _places(key)]
    event = _event("key.revoked", key, actor, now)
    try:
        chain.append(table, organization, [event], deletions)
    except ConditionFailed:  # Somebody revoked it just now.
        raise gone from None


def bootstrap_key(table: Table, organization: str, name: str, secret: str, now: datetime) -> ApiKey:
    """An operator's key without a limit; the key that is there, if there is one of this secret."""
    key = new_key(organization, Role.OPERATOR, name, UNLIMITED, secret, now)
    try:
        save_key(table, key, BOOTSTRAP, now)
    except ConditionFailed:
        there = find_key(table, secret)
        if not there:
            raise
        return there
    return key


def _event(action: Action, key: ApiKey, actor: Actor, now: datetime) -> Event:
    subject = {"key_id": key.key_id, "role": key.role.label}
    return Event(action=action, at=now, actor=actor, subject=subject)


def _digest(secret: str) -> str:
    """A secret of 256 random bits needs no slow hash."""
    return hashlib.sha256(secret.encode()).hexdigest()


def _places(key: ApiKey) -> tuple[Key, Key]:
    return places.key_by_hash(key.sha256), places.key_of(key.organization, key.key_id)


def _item(place: Key, key: ApiKey) -> Item:
    item: Item = {
        "PK": place.pk,
        "SK": place.sk,
        "key_id": key.key_id,
        "organization": key.organization,
        "role": key.role.label,
        "name": key.name,
        "created_at": key.created_at,
        "sha256": key.sha256,
    }
    if key.requests_per_minute is not None:
        item["requests_per_minute"] = key.requests_per_minute
    return item


def _key_of(item: Item) -> ApiKey:
    limited = "requests_per_minute" in item
    return ApiKey(
        key_id=wire.text(item, "key_id"),
        organization=wire.text(item, "organization"),
        role=Role.of(wire.text(item, "role")),
        name=wire.text(item, "name"),
        requests_per_minute=wire.number(item, "requests_per_minute") if limited else None,
        created_at=wire.text(item, "created_at"),
        sha256=wire.text(item, "sha256"),
    )
