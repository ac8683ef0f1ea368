"""A user's history: the conversations they took part in, newest first."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

from chatledger.chats.answers import head_answer
from chatledger.ledger import conversations, heads, links
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import Range, format_time

# As many requests at once as the client keeps connections for.
_LOOKUPS_AT_ONCE = 16


def user_history(
    ledger: Ledger, organization: str, user_id: str, within: Range, page: int, limit: int
) -> dict[str, Any]:
    """Conversations with a message in the range, by their newest one there.

    Which one that is, only the entries know; each conversation is asked for it, many at once.
    """
    ids = links.conversations_of(ledger.table, organization, user_id)
    found = heads.load_many(ledger.table, organization, ledger.shards, ids)

    def newest(head: Head) -> Message | None:
        return conversations.latest(ledger, organization, head, within)

    with ThreadPoolExecutor(_LOOKUPS_AT_ONCE) as pool:
        latest = [each for each in pool.map(newest, found.values()) if each]
    latest.sort(key=lambda message: (message.timestamp, message.conversation_id), reverse=True)
    shown = latest[(page - 1) * limit : page * limit]
    return {
        "user_id": user_id,
        "conversations": [summary(found[each.conversation_id], each) for each in shown],
        "total_conversations": len(latest),
        "page": page,
        "limit": limit,
        "total_pages": -(-len(latest) // limit),
    }


def summary(head: Head, latest: Message) -> dict[str, Any]:
    """A conversation in a list: its newest message and that message's time."""
    return head_answer(head) | {
        "last_message": latest.content,
        "timestamp": format_time(latest.timestamp),
    }
