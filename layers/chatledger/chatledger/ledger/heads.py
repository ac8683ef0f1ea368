"""The head: the small item that describes a conversation.

It knows what people said of the conversation and its first and last day, and no counts: those
come from the entries. Values unite or the newest wins, so writing one twice is harmless.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import Absent, Condition, Equals, Table
from chatledger.aws.wire import Item
from chatledger.identifiers import new_token
from chatledger.ledger import keys

# Beyond this many, a head does not say who took part; the user links, which are exact, do.
MAX_KNOWN_USERS = 50
# And of all apps that it was ever said to be of: a hold on any of them covers it.
MAX_KNOWN_APPS = 50
_JSON = msgspec.json.Encoder(order="sorted")


@dataclass(frozen=True, slots=True)
class Head:
    """``about`` has what callers said (title, status, user_id, …); days are ``YYYY-MM-DD``."""

    conversation_id: str
    first_day: str
    last_day: str
    about: dict[str, Any] = field(default_factory=dict[str, Any])
    users: frozenset[str] = frozenset()
    apps: frozenset[str] = frozenset()
    token: bytes | None = None

    @property
    def knows_all_apps(self) -> bool:
        return len(self.apps) < MAX_KNOWN_APPS

    @property
    def knows_all_users(self) -> bool:
        return len(self.users) < MAX_KNOWN_USERS

    def with_append(
        self, days: Sequence[str], users: Iterable[str], about: dict[str, Any]
    ) -> "Head":
        """What the head is after an append of messages on these days by these users."""
        return replace(
            self.described(about),
            first_day=min(self.first_day, *days),
            last_day=max(self.last_day, *days),
            users=self._with_users(users),
        )

    def _with_users(self, users: Iterable[str]) -> frozenset[str]:
        new = sorted(set(users) - self.users)
        return self.users.union(new[: MAX_KNOWN_USERS - len(self.users)])

    def described(self, about: dict[str, Any]) -> "Head":
        """The newest value wins, what is not said stays; apps unite."""
        apps = self.apps
        if about.get("app_id") is not None and self.knows_all_apps:
            apps |= {str(about["app_id"])}
        return replace(self, about=self.about | about, apps=apps)

    def is_stored_as(self, other: "Head | None") -> bool:
        """Whether it would be stored as the other is. Python takes 1, 1.0 and true for equal."""
        return (
            other is not None
            and self == other
            and _JSON.encode(self.about) == _JSON.encode(other.about)
        )


def new_head(
    conversation_id: str, days: Sequence[str], users: Iterable[str], about: dict[str, Any]
) -> Head:
    blank = Head(conversation_id, min(days), max(days), {"status": "active"})
    return blank.with_append(days, users, about)


def load(table: Table, organization: str, shard: int, conversation_id: str) -> Head | None:
    item = table.get(keys.head(organization, shard, conversation_id))
    return head_of(item) if item else None


def load_many(
    table: Table, organization: str, shards: int, conversation_ids: Iterable[str]
) -> dict[str, Head]:
    """The heads there are, by conversation id."""
    wanted = [
        keys.head(organization, keys.shard_of(each, shards), each) for each in conversation_ids
    ]
    heads = map(head_of, table.get_many(wanted).values())
    return {head.conversation_id: head for head in heads}


def save(table: Table, organization: str, shard: int, head: Head) -> None:
    """Writes it if nobody did since it was loaded; raises ``ConditionFailed`` otherwise."""
    when: Condition = Equals("w", head.token) if head.token else Absent()
    table.put(_item(organization, shard, head), when)


def head_of(item: Item) -> Head:
    about: dict[str, Any] = msgspec.json.decode(wire.binary(item, "about"))
    return Head(
        conversation_id=keys.unescape(wire.text(item, "SK")),
        first_day=wire.text(item, "first_day"),
        last_day=wire.text(item, "last_day"),
        about=about,
        users=frozenset(wire.texts(item, "users")),
        apps=frozenset(wire.texts(item, "apps") if "apps" in item else _app_of(about)),
        token=wire.binary(item, "w"),
    )


def _item(organization: str, shard: int, head: Head) -> Item:
    key = keys.head(organization, shard, head.conversation_id)
    return {
        "PK": key.pk,
        "SK": key.sk,
        "about": _JSON.encode(head.about),
        "first_day": head.first_day,
        "last_day": head.last_day,
        "users": sorted(head.users),
        "apps": sorted(head.apps),
        "w": new_token(),
    }


def _app_of(about: dict[str, Any]) -> list[str]:
    return [str(about["app_id"])] if about.get("app_id") is not None else []
