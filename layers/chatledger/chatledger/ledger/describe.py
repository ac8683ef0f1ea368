"""What leads to a conversation's entries: the days, the user links and the head.

They are written before the commit and only say where to look, so a crash in between is harmless.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from chatledger.ledger import days, heads, links
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import day_of


def describe(
    ledger: Ledger,
    organization: str,
    head: Head | None,
    fresh: Sequence[Message],
    users: frozenset[str],
    about: dict[str, Any],
) -> None:
    """Day items, then user links, then the head: only what the fresh messages change.

    ``head`` is what was loaded; raises ``ConditionFailed`` where somebody changed it since.
    ``users`` take part beside those whom the messages name.
    """
    conversation_id = fresh[0].conversation_id
    shard = ledger.shard_of(conversation_id)
    dates = sorted({day_of(message.timestamp) for message in fresh})
    for date in dates:
        if (organization, date, shard) not in ledger.seen_days:
            days.mark(ledger.table, organization, date, shard)
            ledger.seen_days.add((organization, date, shard))
    users = users | {message.user_id for message in fresh if message.user_id}
    after = (
        head.with_append(dates, users, about)
        if head
        else heads.new_head(conversation_id, dates, users, about)
    )
    for user in _users_to_link(head, after, users):
        links.write(ledger.table, organization, user, after)
    if not after.is_stored_as(head):
        heads.save(ledger.table, organization, shard, after)


def _users_to_link(before: Head | None, after: Head, users: frozenset[str]) -> Iterable[str]:
    """Those not linked yet; all of them where the conversation reaches a new day."""
    if not before or (before.first_day, before.last_day) != (after.first_day, after.last_day):
        return sorted(users)
    return sorted(users - before.users)
