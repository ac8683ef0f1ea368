"""A user's history: the conversations they took part in, newest first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any, NamedTuple

from chatledger.chats.answers import head_answer
from chatledger.ledger import conversations, heads, links
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import Range, format_time, microseconds

# As many requests at once as the client keeps connections for.
_LOOKUPS_AT_ONCE = 16


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

    Answers the place to go on from as well, if there is more. Which message is the newest, only
    the entries know; each conversation is asked for it, many at once.
    """
    latest = _latest(ledger, organization, user_id, within)
    places = [place for place in sorted(latest, reverse=True) if not after or place < after]
    shown = places[(page - 1) * limit : page * limit]
    answer: dict[str, Any] = {
        "user_id": user_id,
        "conversations": [summary(*latest[place]) for place in shown],
        "total_conversations": len(latest),
        "limit": limit,
        "total_pages": max(1, -(-len(latest) // limit)),
    }
    if not after:
        answer["page"] = page
    return answer, shown[-1] if len(places) > page * limit else None


def _latest(
    ledger: Ledger, organization: str, user_id: str, within: Range
) -> dict[Place, tuple[Head, Message]]:
    ids = links.conversations_of(ledger.table, organization, user_id)
    found = heads.load_many(ledger.table, organization, ledger.shards, ids).values()

    def newest(head: Head) -> Message | None:
        return conversations.latest(ledger, organization, head, within)

    with ThreadPoolExecutor(_LOOKUPS_AT_ONCE) as pool:
        messages = pool.map(newest, found)
    return {
        Place(microseconds(message.timestamp), head.conversation_id): (head, message)
        for head, message in zip(found, messages, strict=True)
        if message
    }


def summary(head: Head, latest: Message) -> dict[str, Any]:
    """A conversation in a list: its newest message and that message's time."""
    return head_answer(head) | {
        "last_message": latest.content,
        "timestamp": format_time(latest.timestamp),
    }
