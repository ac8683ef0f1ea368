"""Which entries the holds cover: asked batch by batch, without asking each hold of each entry."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from itertools import chain

from chatledger.clear.holds import Hold
from chatledger.ledger import heads, links
from chatledger.ledger.entries import Quarter
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import Range, microseconds

# A user and a conversation.
Link = tuple[str, str]

_LINKS_AT_ONCE = 100
_READERS = 8
_QUARTER_HOUR = 15 * 60 * 1_000_000
# Beyond any time that can be written.
_NEVER = 1 << 63


class Spans:
    """A union of ranges: what ``touch`` asks costs the same however many there are."""

    def __init__(self, ranges: Iterable[Range]) -> None:
        self._starts: list[int] = []
        self._ends: list[int] = []
        for start, end in sorted(map(_span, ranges)):
            if self._ends and start <= self._ends[-1]:
                self._ends[-1] = max(end, self._ends[-1])
            else:
                self._starts.append(start)
                self._ends.append(end)

    def touch(self, quarter: Quarter) -> bool:
        """Whether any of the quarter hour lies in one of them."""
        day, hours = quarter
        moment = datetime.fromisoformat(f"{day}T{hours[:2]}:{hours[2:]}:00+00:00")
        begin = microseconds(moment)
        before = bisect_left(self._starts, begin + _QUARTER_HOUR)
        return before > 0 and self._ends[before - 1] > begin


@dataclass(frozen=True, slots=True)
class Covered:
    """What is held of some conversations."""

    everywhere: Spans
    by_conversation: dict[str, Spans]

    def holds(self, conversation_id: str, quarter: Quarter) -> bool:
        return self.everywhere.touch(quarter) or self.by_conversation[conversation_id].touch(
            quarter
        )


class Holds:
    """The holds of an organization, found by the narrowest thing that each names."""

    def __init__(self, ledger: Ledger, organization: str, holds: Iterable[Hold]) -> None:
        self.ledger = ledger
        self.organization = organization
        self._of_conversation: dict[str, list[Hold]] = defaultdict(list)
        self._of_user: dict[str, list[Hold]] = defaultdict(list)
        self._of_app: dict[str, list[Hold]] = defaultdict(list)
        self._users: set[str | None] = set()
        self._asks_heads = False
        everywhere: list[Range] = []
        for hold in holds:
            self._users.add(hold.user_id)
            self._asks_heads |= hold.user_id is not None or hold.app_id is not None
            if hold.conversation_id is not None:
                self._of_conversation[hold.conversation_id].append(hold)
            elif hold.user_id is not None:
                self._of_user[hold.user_id].append(hold)
            elif hold.app_id is not None:
                self._of_app[hold.app_id].append(hold)
            else:
                everywhere.append(hold.within)
        self._everywhere = Spans(everywhere)

    def covered(self, conversation_ids: Iterable[str]) -> Covered:
        """What they cover of these conversations; their heads are read if a hold asks for them."""
        names = set(conversation_ids)
        found = self._heads(names) if self._asks_heads else {}
        linked = self._linked(found.values())
        spans = {name: Spans(self._ranges(name, found.get(name), linked)) for name in names}
        return Covered(self._everywhere, spans)

    def _heads(self, conversation_ids: Iterable[str]) -> dict[str, Head]:
        ledger = self.ledger
        return heads.load_many(ledger.table, self.organization, ledger.shards, conversation_ids)

    def _linked(self, found: Iterable[Head]) -> set[Link]:
        """Of conversations with more users than their heads know: which of the held took part."""
        unsure = [head for head in found if not head.knows_all_users]
        users = self._users - {None}
        pairs = [(str(user), head.conversation_id) for head in unsure for user in users]
        starts = range(0, len(pairs), _LINKS_AT_ONCE)
        some = [pairs[start : start + _LINKS_AT_ONCE] for start in starts]
        look = partial(links.existing, self.ledger.table, self.organization)
        with ThreadPoolExecutor(_READERS) as pool:
            return {pair for found in pool.map(look, some) for pair in found}

    def _ranges(
        self, conversation_id: str, head: Head | None, linked: set[Link]
    ) -> Iterator[Range]:
        asked = _Asked(conversation_id, head, linked)
        for hold in chain(
            self._of_conversation.get(conversation_id, ()), self._by_user(head), self._by_app(head)
        ):
            if asked.is_of_app(hold.app_id) and asked.has_user(hold.user_id):
                yield hold.within

    def _by_user(self, head: Head | None) -> Iterator[Hold]:
        known = head.users if head and head.knows_all_users else self._of_user.keys()
        return chain.from_iterable(self._of_user.get(user, ()) for user in known)

    def _by_app(self, head: Head | None) -> Iterator[Hold]:
        known = head.apps if head and head.knows_all_apps else self._of_app.keys()
        return chain.from_iterable(self._of_app.get(app, ()) for app in known)


@dataclass(frozen=True, slots=True)
class _Asked:
    """A conversation that is asked for its user and app; without a head, it may be anybody's.

    It is of every app that it was ever said to be of: nobody talks it out of a hold.
    """

    conversation_id: str
    head: Head | None
    linked: set[Link]

    def is_of_app(self, app_id: str | None) -> bool:
        if app_id is None or self.head is None or app_id in self.head.apps:
            return True
        return not self.head.knows_all_apps

    def has_user(self, user_id: str | None) -> bool:
        if user_id is None or self.head is None or user_id in self.head.users:
            return True
        if self.head.knows_all_users:
            return False
        return (user_id, self.conversation_id) in self.linked


def _span(within: Range) -> tuple[int, int]:
    """In microseconds since 1970, half-open."""
    start = -_NEVER if within.start is None else microseconds(within.start)
    return start, _NEVER if within.end is None else microseconds(within.end)
