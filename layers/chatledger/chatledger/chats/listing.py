"""The list of conversations, newest first: day by day backwards, each conversation on its last.

A day is read whole to order it, but never held whole: of its conversations only the newest few
after the position are kept, and the day is read again for more.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from itertools import groupby
from typing import Any, NamedTuple

from chatledger.aws.table import items
from chatledger.chats.answers import MAX_ANSWER_BYTES
from chatledger.chats.history import summary
from chatledger.ledger import conversations, days, heads, keys
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line
from chatledger.models.queries import ListChatsQuery
from chatledger.selection import Filters, Selection
from chatledger.timestamps import day_of

# Answers what it has by then, with the position to go on from: a search may match nothing for
# years of days.
PATIENCE = timedelta(seconds=8)
_CANDIDATES = 200


class Place(NamedTuple):
    """A place in the list, which descends: a day, a time in microseconds, a conversation."""

    day: str
    time: int
    conversation_id: str


@dataclass(frozen=True, slots=True)
class Listed:
    place: Place
    head: Head
    latest: Message


def selection_of(asked: ListChatsQuery) -> Selection:
    filters = Filters(
        app_id=_one(asked.app_id),
        user_id=_one(asked.user_id),
        status=_one(asked.status),
        contains=asked.contains,
    )
    return Selection(asked.within, filters)


def list_conversations(
    ledger: Ledger, organization: str, selection: Selection, after: Place | None, limit: int
) -> tuple[dict[str, Any], Place | None]:
    """Up to ``limit`` conversations, and the place after them if there may be more."""
    until = ledger.now() + PATIENCE
    shown: list[dict[str, Any]] = []
    size = 0
    place = after
    for place, listed in _descend(ledger, organization, selection, after):
        if listed:
            shown.append(summary(listed.head, listed.latest))
            size += len(encode_line(listed.latest)) + 2 * len(str(listed.head.about))
        if len(shown) == limit or size > MAX_ANSWER_BYTES // 2 or ledger.now() > until:
            return {"conversations": shown, "limit": limit}, place
    return {"conversations": shown, "limit": limit}, None


def _descend(
    ledger: Ledger, organization: str, selection: Selection, after: Place | None
) -> Iterator[tuple[Place, Listed | None]]:
    """Every place below ``after``, with the conversation that belongs there, if it does."""
    last_day = min(selection.within.last_day, after.day if after else "9999-12-31")
    held = days.held(
        ledger.table, organization, selection.within.first_day, last_day, newest_first=True
    )
    for day, shards in held:
        more = True
        while more:
            places = nlargest(_CANDIDATES, _places(ledger, organization, day, shards, after))
            yield from _judge(ledger, organization, selection, places)
            more = len(places) == _CANDIDATES
            after = places[-1] if places else after


def _places(
    ledger: Ledger, organization: str, day: str, shards: Iterable[int], after: Place | None
) -> Iterator[Place]:
    """The conversations of a day by their last time in it, those below ``after``."""
    for shard in sorted(shards):
        entries = map(Entry.of, items(ledger.table, keys.cell(organization, day, shard)))
        for conversation_id, run in groupby(entries, key=lambda entry: entry.place.conversation_id):
            place = Place(day, max(entry.span[1] for entry in run), conversation_id)
            if after is None or place < after:
                yield place


def _judge(
    ledger: Ledger, organization: str, selection: Selection, places: list[Place]
) -> Iterator[tuple[Place, Listed | None]]:
    ids = [place.conversation_id for place in places]
    found = heads.load_many(ledger.table, organization, ledger.shards, ids)
    for place in places:
        head = found.get(place.conversation_id)
        yield place, _listed(ledger, organization, selection, place, head) if head else None


def _listed(
    ledger: Ledger, organization: str, selection: Selection, place: Place, head: Head
) -> Listed | None:
    """The conversation, if it matches and its newest day in the range is this one."""
    if not selection.filters.match_head(ledger, organization, head):
        return None
    latest = conversations.latest(ledger, organization, head, selection.within)
    if not latest or day_of(latest.timestamp) != place.day:
        return None
    if selection.filters.asks_content and not selection.filters.match_content(
        conversations.messages(ledger, organization, head)
    ):
        return None
    return Listed(place, head, latest)


def _one(value: str | None) -> frozenset[str]:
    return frozenset() if value is None else frozenset({value})
