"""How conversations and messages look in answers."""

from typing import Any

import msgspec

from chatledger.ledger.heads import Head
from chatledger.messages import Message

# The platform takes 6 MB from a function; a body is escaped once more inside the function's
# answer, which at worst doubles it.
MAX_ANSWER_BYTES = 2_500_000


def message_answer(message: Message) -> dict[str, Any]:
    """A message's fields; its conversation is told beside it."""
    fields: dict[str, Any] = msgspec.to_builtins(message)
    del fields["conversation_id"]
    fields.setdefault("user_id", None)
    return fields


def head_answer(head: Head) -> dict[str, Any]:
    """A conversation's id and what is known of it."""
    return {"conversation_id": head.conversation_id} | head.about
