"""The list of conversations, newest first: day by day backwards, each conversation on its last.

A day is read whole to order it, but never held whole: of its conversations only the newest few
after the position are kept, and the day is read again for more. Of those, heads are there for a
hundred at a time.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from heapq import nlargest
from itertools import chain, groupby
from typing import Any, NamedTuple

from chatledger.aws.table import items
from chatledger.chats.answers import summary
from chatledger.ledger import conversations, days, heads, keys
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.queries import ListChatsQuery
from chatledger.selection import Filters, Selection
from chatledger.timestamps import Range, day_of, from_microseconds, microseconds

# Answers what it has by then, with the position to go on from: a search may match nothing for
# years of days.
PATIENCE = timedelta(seconds=8)
_CANDIDATES = 1_000
_HEADS_AT_ONCE = 100
_CELLS_AT_ONCE = 8


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
    for place, listed in _descend(ledger, organization, selection, after):
        if listed:
            shown.append(summary(listed.head, listed.latest))
        if len(shown) == limit or ledger.now() > until:
            return {"conversations": shown, "limit": limit}, place
    return {"conversations": shown, "limit": limit}, None


def _descend(
    ledger: Ledger, organization: str, selection: Selection, after: Place | None
) -> Iterator[tuple[Place, Listed | None]]:
    """Every place below ``after``, with the conversation that belongs there, if it does."""
    within = selection.within
    last_day = min(within.last_day, after.day) if after else within.last_day
    if last_day < within.first_day:
        return
    held = days.held(ledger.table, organization, within.first_day, last_day, newest_first=True)
    for day, shards in held:
        more = True
        while more:
            places = _newest(ledger, organization, day, shards, within, after)
            for start in range(0, len(places), _HEADS_AT_ONCE):
                some = places[start : start + _HEADS_AT_ONCE]
                yield from _judge(ledger, organization, selection, some)
            more = len(places) == _CANDIDATES
            after = places[-1] if places else after


def _newest(
    ledger: Ledger,
    organization: str,
    day: str,
    shards: Iterable[int],
    within: Range,
    after: Place | None,
) -> list[Place]:
    """The newest few places of a day below ``after``, newest first; of each cell as few."""

    def of_cell(shard: int) -> list[Place]:
        entries = map(Entry.of, items(ledger.table, keys.cell(organization, day, shard)))
        places = _places(entries, day, within)
        return nlargest(_CANDIDATES, (each for each in places if not after or each < after))

    with ThreadPoolExecutor(_CELLS_AT_ONCE) as pool:
        return nlargest(_CANDIDATES, chain.from_iterable(pool.map(of_cell, sorted(shards))))


def _places(entries: Iterable[Entry], day: str, within: Range) -> Iterator[Place]:
    """The conversations of a cell by their last time in it that is in the range."""
    for conversation_id, run in groupby(entries, key=lambda entry: entry.place.conversation_id):
        times = (_last_time(entry, within) for entry in run)
        last = max((time for time in times if time is not None), default=None)
        if last is not None:
            yield Place(day, last, conversation_id)


def _last_time(entry: Entry, within: Range) -> int | None:
    """When its last message in the range was; its span tells, unless the range ends inside it."""
    first, last = map(from_microseconds, entry.span)
    if last in within:
        return microseconds(last)
    if within.end is None or not first < within.end <= last or entry.is_tombstone:
        return None
    times = (message.timestamp for message in entry.messages())
    return max((microseconds(time) for time in times if time in within), default=None)


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
