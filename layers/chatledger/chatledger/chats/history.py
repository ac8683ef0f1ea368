"""A user's history: the conversations they took part in, newest first.

Which message of a conversation is its newest, only the entries know, so each is asked for it. Of
most only the place is kept; heads and messages are there for as few as are shown or looked at.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from chatledger.chats.answers import summary
from chatledger.ledger import conversations, heads, links
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import Range, microseconds

# As many requests at once as the client keeps connections for.
_LOOKUPS_AT_ONCE = 16
_HEADS_AT_ONCE = 100

T = TypeVar("T")


class Place(NamedTuple):
    """A place in the history, which descends: a time in microseconds, a conversation."""

    time: int
    conversation_id: str


def user_history(
    ledger: Ledger,
    organization: str,
    user_id: str,
    within: Range,
    page: int,
    limit: int,
    after: Place | None = None,
) -> tuple[dict[str, Any], Place | None]:
    """Page ``page`` after the place, by each conversation's newest message in the range.

    Answers the place to go on from as well, if there is more. ``limit`` is at most 100.
    """
    every = sorted(_places(ledger, organization, user_id, within), reverse=True)
    places = [place for place in every if not after or place < after]
    shown = places[(page - 1) * limit : page * limit]
    names = [place.conversation_id for place in shown]
    answer: dict[str, Any] = {
        "user_id": user_id,
        "conversations": _of_newest(ledger, organization, names, within, summary),
        "total_conversations": len(every),
        "limit": limit,
        "total_pages": max(1, -(-len(every) // limit)),
    }
    if not after:
        answer["page"] = page
    return answer, shown[-1] if len(places) > page * limit else None


def _places(ledger: Ledger, organization: str, user_id: str, within: Range) -> Iterator[Place]:
    """The place of every conversation of the user that has a message in the range."""
    names = links.conversations_of(ledger.table, organization, user_id)
    while some := list(islice(names, _HEADS_AT_ONCE)):
        yield from _of_newest(ledger, organization, some, within, _place)


def _of_newest(
    ledger: Ledger,
    organization: str,
    conversation_ids: Sequence[str],
    within: Range,
    keep: Callable[[Head, Message], T],
) -> list[T]:
    """What to keep of each conversation's head and newest message, if it has one in the range.

    In the order of the ids. A message lasts only while ``keep`` looks at it.
    """
    found = heads.load_many(ledger.table, organization, ledger.shards, conversation_ids)

    def look_up(head: Head) -> T | None:
        latest = conversations.latest(ledger, organization, head, within)
        return keep(head, latest) if latest else None

    known = [found[each] for each in conversation_ids if each in found]
    with ThreadPoolExecutor(_LOOKUPS_AT_ONCE) as pool:
        return [kept for kept in pool.map(look_up, known) if kept is not None]


def _place(head: Head, latest: Message) -> Place:
    return Place(microseconds(latest.timestamp), head.conversation_id)
