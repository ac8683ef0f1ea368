"""How conversations and messages look in answers."""

from typing import Any

import msgspec

from chatledger.ledger.heads import Head
from chatledger.messages import Message
from chatledger.timestamps import format_time

# The platform takes 6 MB from a function; a body is escaped once more inside the function's
# answer, which at worst doubles it.
MAX_ANSWER_BYTES = 2_500_000
# Left to reading a conversation: so even a hundred of the longest summaries are below the 6 MB.
_LARGE = frozenset({"prompt", "metadata"})
_LAST_MESSAGE_CHARACTERS = 2_000


def message_answer(message: Message) -> dict[str, Any]:
    """A message's fields; its conversation is told beside it."""
    fields: dict[str, Any] = msgspec.to_builtins(message)
    del fields["conversation_id"]
    fields.setdefault("user_id", None)
    return fields


def head_answer(head: Head) -> dict[str, Any]:
    """A conversation's id and what is known of it."""
    return {"conversation_id": head.conversation_id} | head.about


def summary(head: Head, latest: Message) -> dict[str, Any]:
    """A conversation in a list: what is small of it, its newest message's beginning and time."""
    small = {name: value for name, value in head_answer(head).items() if name not in _LARGE}
    return small | {
        "last_message": _beginning(latest.content),
        "timestamp": format_time(latest.timestamp),
    }


def _beginning(content: str) -> str:
    cut = content[:_LAST_MESSAGE_CHARACTERS]
    return cut if cut == content else f"{cut}…"
