"""Describe a conversation anew: its title, status, metadata."""

from typing import Any

from chatledger.aws.table import ConditionFailed
from chatledger.chats.answers import head_answer
from chatledger.chats.read import find_visible
from chatledger.errors import StorageError
from chatledger.ledger import heads
from chatledger.ledger.ledger import Ledger

_ATTEMPTS = 10


def describe(
    ledger: Ledger, organization: str, conversation_id: str, about: dict[str, Any]
) -> dict[str, Any]:
    """Writes what is given, keeps the rest; answers the conversation as it is now."""
    shard = ledger.shard_of(conversation_id)
    for _ in range(_ATTEMPTS):
        head = find_visible(ledger, organization, conversation_id).described(about)
        try:
            heads.save(ledger.table, organization, shard, head)
        except ConditionFailed:
            continue  # An append changed it meanwhile; describe what it is now.
        return head_answer(head)
    raise StorageError("The conversation is changing all the time. Repeat in a second.")
