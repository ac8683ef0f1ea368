"""A record of the audit trail: what it says, and the hash that chains it to the one before.

It holds ids and counts only: no message, no name, no e-mail address, no key's secret.
"""

import hashlib
from datetime import datetime
from typing import Literal, get_args

import msgspec

from chatledger.timestamps import format_time

Action = Literal[
    "export.admitted",
    "export.ended",
    "export.deleted",
    "export.previewed",
    "links.given",
    "clear.acknowledged",
    "clear.began",
    "clear.ended",
    "undo.admitted",
    "undo.ended",
    "import.admitted",
    "import.ended",
    "document.replaced",
    "hold.placed",
    "hold.lifted",
    "key.made",
    "key.revoked",
]
ACTIONS: tuple[str, ...] = get_args(Action)

# What the first record names in the place of the hash before it.
NONE_BEFORE = "0" * 64


class Actor(msgspec.Struct, frozen=True):
    """Who did it: a key by its id and role; or ``system``, or ``bootstrap``, without a key."""

    key_id: str | None
    role: str


SYSTEM = Actor(None, "system")
# Whoever may invoke the function that makes the first key.
BOOTSTRAP = Actor(None, "bootstrap")


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be recorded. ``subject`` has ids and states, ``counts`` has numbers by name."""

    action: Action
    at: datetime
    actor: Actor = SYSTEM
    subject: dict[str, str]
    counts: dict[str, int] = {}


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """An event in its place; ``id`` tells a repeat of the same write from somebody else's."""

    organization: str
    seq: int
    id: str
    at: str
    actor: Actor
    action: str
    subject: dict[str, str]
    counts: dict[str, int]
    prev: str

    @property
    def canonical(self) -> bytes:
        """What is hashed: JSON with sorted names and no spaces, in UTF-8."""
        return msgspec.json.encode(self, order="sorted")


def hash_of(canonical: bytes) -> str:
    return hashlib.sha256(canonical).hexdigest()


def recorded(event: Event, organization: str, seq: int, id_: str, prev: str) -> Record:
    return Record(
        organization=organization,
        seq=seq,
        id=id_,
        at=format_time(event.at),
        actor=event.actor,
        action=event.action,
        subject=event.subject,
        counts=event.counts,
        prev=prev,
    )
