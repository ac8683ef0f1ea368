"""Reading one conversation, quarter hour by quarter hour.

Quarter hours part a conversation's time, so whatever is merged or counted is merged and counted
within one of them, and a long conversation never has to fit into memory.
"""

from collections.abc import Callable, Iterable, Iterator
from itertools import count, groupby

from chatledger.aws.table import pages
from chatledger.ledger import days, heads, keys
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.ledger.standing import last_standing, standing
from chatledger.messages import Message
from chatledger.timestamps import EVERYTHING, Range, day_of, quarter_of

# A first look at the newest entries asks for few: most often the last one is all that is wanted.
_GLANCE = 8


def find(ledger: Ledger, organization: str, conversation_id: str) -> Head | None:
    shard = ledger.shard_of(conversation_id)
    return heads.load(ledger.table, organization, shard, conversation_id)


def quarters(
    ledger: Ledger,
    organization: str,
    head: Head,
    within: Range = EVERYTHING,
    *,
    newest_first: bool = False,
) -> Iterator[list[Entry]]:
    """The entries of each quarter hour that the range touches, tombstones included.

    A quarter's entries come in the order of their slots, whichever way the quarters come.
    """
    shard = ledger.shard_of(head.conversation_id)
    for day in _days(ledger, organization, head, shard, within, newest_first):
        partition = keys.cell(organization, day, shard)
        between = keys.quarters(head.conversation_id, *_hours(day, within))
        found = pages(
            ledger.table,
            partition,
            between=between,
            newest_first=newest_first,
            limit=_growing(_GLANCE) if newest_first else _unlimited,
        )
        entries = (Entry.of(item) for page in found for item in page.items)
        for _, run in groupby(entries, key=lambda entry: entry.place.quarter):
            yield list(run)[:: -1 if newest_first else 1]


def messages(
    ledger: Ledger, organization: str, head: Head, within: Range = EVERYTHING
) -> Iterator[Message]:
    """The conversation's standing messages in the range, in time order."""
    for entries in quarters(ledger, organization, head, within):
        yield from standing(entries, within)


def latest(
    ledger: Ledger, organization: str, head: Head, within: Range = EVERYTHING
) -> Message | None:
    """The newest standing message in the range."""
    for entries in quarters(ledger, organization, head, within, newest_first=True):
        if last := last_standing(entries, within):
            return last
    return None


def _days(
    ledger: Ledger,
    organization: str,
    head: Head,
    shard: int,
    within: Range,
    newest_first: bool,
) -> Iterable[str]:
    first = max(head.first_day, within.first_day)
    last = min(head.last_day, within.last_day)
    if first >= last:
        return [first] if first == last else []
    held = days.held(ledger.table, organization, first, last, newest_first=newest_first)
    return (day for day, shards in held if shard in shards)


def _hours(day: str, within: Range) -> tuple[str, str]:
    """The first and last quarter hour of the day that the range touches."""
    start, end = within.start, within.last_moment
    first = quarter_of(start) if start and day_of(start) == day else "0000"
    last = quarter_of(end) if end and day_of(end) == day else "2345"
    return first, last


def _growing(limit: int) -> Callable[[], int]:
    """Twice as many with each page."""
    sizes = (limit << min(step, 10) for step in count())
    return lambda: next(sizes)


def _unlimited() -> None:
    return None
