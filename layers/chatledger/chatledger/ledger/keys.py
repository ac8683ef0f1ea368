"""Where everything lives: the partition and sort keys of every kind of item.

The kind comes first, so that a role's ``dynamodb:LeadingKeys`` can say which kinds it may touch.
Ids are escaped, so that ``#`` always parts and sorts below everything that an id can hold: the
entries of a day of a shard lie in the same order as the shard's heads.
"""

import hashlib
import re
from typing import NamedTuple

from chatledger.aws.table import Between, Key

TABLE_RECORD = Key("G#ledger", "table")
# The partition of all organizations that have audit records; no organization's own begins so.
AUDITED = "A##organizations"
_ABOVE_ALL = "\U0010ffff"
_UNSAFE = re.compile('[ !"#%]')


class EntryPlace(NamedTuple):
    """What an entry's keys say of it; ``piece`` counts from 1."""

    conversation_id: str
    quarter: str
    slot: int
    piece: int


def escape(text: str) -> str:
    """``%XX`` for ``#``, for all printable that sorts below it, and for ``%`` itself."""
    return _UNSAFE.sub(lambda match: f"%{ord(match[0]):02X}", text)


def unescape(text: str) -> str:
    return re.sub("%([0-9A-F]{2})", lambda match: chr(int(match[1], 16)), text)


def shard_of(conversation_id: str, shards: int) -> int:
    """Fixed for the life of the table: the same on every machine and version."""
    digest = hashlib.sha256(conversation_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % shards


def cell(organization: str, day: str, shard: int) -> str:
    """The partition of a day of a shard, which holds its entries."""
    return f"D#{escape(organization)}#{day}#{shard:02}"


def entry(conversation_id: str, quarter: str, slot: int, piece: int = 1) -> str:
    """The sort key of an entry; above the size of one item it goes on in a second piece."""
    key = f"{escape(conversation_id)}#{quarter}#{slot:011}"
    return key if piece == 1 else f"{key}#{piece:02}"


def entry_place(sort_key: str) -> EntryPlace:
    conversation, quarter, slot, *piece = sort_key.split("#")
    return EntryPlace(unescape(conversation), quarter, int(slot), int(piece[0]) if piece else 1)


def quarters(conversation_id: str, first: str = "0000", last: str = "2345") -> Between:
    """The entries of a conversation in one day's quarter hours, both ends included."""
    escaped = escape(conversation_id)
    return Between(f"{escaped}#{first}#", f"{escaped}#{last}#{_ABOVE_ALL}")


def after_conversation(escaped_id: str) -> str:
    """Above every entry of the conversation, below those of the next."""
    return f"{escaped_id}#{_ABOVE_ALL}"


def heads(organization: str, shard: int) -> str:
    return f"C#{escape(organization)}#{shard:02}"


def head(organization: str, shard: int, conversation_id: str) -> Key:
    return Key(heads(organization, shard), escape(conversation_id))


def slots(organization: str, shard: int) -> str:
    return f"S#{escape(organization)}#{shard:02}"


def slot(organization: str, shard: int, number: int) -> Key:
    return Key(slots(organization, shard), f"{number:011}")


def links(organization: str, user_id: str) -> str:
    return f"U#{escape(organization)}#{escape(user_id)}"


def link(organization: str, user_id: str, conversation_id: str) -> Key:
    return Key(links(organization, user_id), escape(conversation_id))


def days(organization: str) -> str:
    return f"T#{escape(organization)}"


def day(organization: str, date: str) -> Key:
    return Key(days(organization), date)


def jobs(organization: str) -> str:
    return f"J#{escape(organization)}"


def job(organization: str, job_id: str) -> Key:
    return Key(jobs(organization), escape(job_id))


def claim(organization: str, route: str, idempotency_key: str) -> Key:
    return Key(f"I#{escape(organization)}", f"{escape(route)}#{escape(idempotency_key)}")


def key_by_hash(digest: str) -> Key:
    return Key(f"K#h#{digest}", "key")


def keys_of(organization: str) -> str:
    return f"K#o#{escape(organization)}"


def key_of(organization: str, key_id: str) -> Key:
    return Key(keys_of(organization), escape(key_id))


def window(caller: str, minute: str) -> Key:
    return Key(f"L#{escape(caller)}", minute)


def holds(organization: str) -> str:
    return f"H#{escape(organization)}"


def hold(organization: str, hold_id: str) -> Key:
    return Key(holds(organization), escape(hold_id))


def lease(organization: str) -> Key:
    return Key(f"X#{escape(organization)}", "clear")


def running() -> str:
    """The partition of all jobs that are not known to have ended."""
    return "Q#jobs"


def running_job(organization: str, job_id: str) -> Key:
    return Key(running(), f"{escape(organization)}#{escape(job_id)}")


def stream(organization: str, digest: str) -> Key:
    """Where a named stream of exports has come to; ``digest`` is the name's."""
    return Key(f"N#{escape(organization)}", digest)


def restores(organization: str) -> str:
    return f"R#{escape(organization)}"


def restore(organization: str, restore_id: str) -> Key:
    return Key(restores(organization), escape(restore_id))


def documents(organization: str) -> str:
    return f"F#{escape(organization)}"


def document(organization: str, document_id: str) -> Key:
    return Key(documents(organization), escape(document_id))


def progress(organization: str, job_id: str) -> Key:
    return Key(f"P#{escape(organization)}", escape(job_id))


def audit(organization: str) -> str:
    return f"A#{escape(organization)}"


def audit_record(organization: str, seq: int) -> Key:
    return Key(audit(organization), f"{seq:012}")


def audit_marker(organization: str, once: str) -> Key:
    """What was recorded and is not recorded again for a while."""
    return Key(f"{audit(organization)}#once", escape(once))
