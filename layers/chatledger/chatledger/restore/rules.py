"""The rules of what is put back: what no request could have stored, no archive brings in."""

from datetime import UTC
from typing import Any

import msgspec

from chatledger.errors import PayloadTooLarge
from chatledger.formats.archive import HeadRecord
from chatledger.identifiers import check_id
from chatledger.ledger.heads import MAX_KNOWN_USERS
from chatledger.messages import MAX_MESSAGE_BYTES, Message, encode_line
from chatledger.models.chats import check_described, check_sent

# A head has to fit into an item of 400 KB, beside its users.
MAX_HEAD_BYTES = 300 * 1024
# The request has these of its own: the one elsewhere, the other as text.
_NOT_OF_A_MESSAGE = ("conversation_id", "timestamp")
_SENT = tuple(name for name in Message.__struct_fields__ if name not in _NOT_OF_A_MESSAGE)
# A null takes these away; elsewhere it says nothing.
_TAKEN_AWAY = ("title", "metadata")


def checked_message(message: Message) -> Message:
    """With its time in UTC; raises ``ValueError`` for what no request could have stored."""
    check_id("conversation_id", message.conversation_id)
    values = ((name, getattr(message, name)) for name in _SENT)
    check_sent({name: value for name, value in values if value is not None})
    message = msgspec.structs.replace(message, timestamp=message.timestamp.astimezone(UTC))
    if len(encode_line(message)) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES // 1024} KB.")
    return message


def checked_head(head: HeadRecord) -> HeadRecord:
    """Without the nulls that say nothing; raises ``ValueError`` as above."""
    check_id("conversation_id", head.conversation_id)
    if len(head.users) > MAX_KNOWN_USERS:
        raise ValueError(f"a head names at most {MAX_KNOWN_USERS} users.")
    for user in head.users:
        check_id("user_id", user)
    about = _checked_about(head.about)
    if len(msgspec.json.encode(about)) > MAX_HEAD_BYTES:
        raise ValueError(f"a head has at most {MAX_HEAD_BYTES // 1024} KB.")
    return msgspec.structs.replace(head, about=about)


def _checked_about(about: dict[str, Any]) -> dict[str, Any]:
    try:
        check_described(about)
    except PayloadTooLarge as error:
        raise ValueError(error.message) from None
    return {n: value for n, value in about.items() if value is not None or n in _TAKEN_AWAY}
