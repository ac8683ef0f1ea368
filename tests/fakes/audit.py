"""The auditor: reads the whole ledger of an organization and accounts for every message.

It knows only what the design promises, and fails where a table breaks it: slots gapless from 1,
each entry listed by exactly its own slot, every message once, live or tombstoned, everything
reachable by day, head and user link.
"""

import gzip
import hashlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from chatledger.aws.table import Key, items
from chatledger.ledger import days, heads, keys, links, slots
from chatledger.ledger.entries import MAX_PAYLOAD_BYTES, Entry, quarter_hour
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line, identity, revision
from chatledger.timestamps import microseconds
from tests.fakes.chats import ORGANIZATION
from tests.fakes.memory_table import MemoryTable


@dataclass(frozen=True)
class Account:
    """What the ledger holds. ``messages`` are in the order of their slots, revisions included.

    ``cleared`` has what tombstones know of theirs: (identity, revision) each.
    """

    messages: list[Message]
    cleared: list[tuple[bytes, bytes]]
    heads: dict[str, Head]
    slots: dict[int, list[slots.Slot]]
    entries: list[Entry]

    @property
    def contents(self) -> Counter[bytes]:
        return Counter(encode_line(message) for message in self.messages)


def audit(ledger: Ledger, organization: str = ORGANIZATION, *, trimmed: bool = False) -> Account:
    """The account of a ledger at rest; raises ``AssertionError`` where it does not add up.

    ``trimmed``: its oldest slots may have expired.
    """
    found = {shard: _slots(ledger, organization, shard, trimmed) for shard in range(ledger.shards)}
    entries = list(_entries(ledger, organization))
    _check_slots(found, entries, organization)
    described = _heads(ledger, organization)
    messages: list[Message] = []
    cleared: list[tuple[bytes, bytes]] = []
    for entry in sorted(entries, key=lambda entry: (entry.place.slot, entry.place.piece)):
        held = [] if entry.is_tombstone else _check_entry(entry)
        cleared += _check_tombstone(entry) if entry.is_tombstone else []
        _check_reachable(ledger, organization, entry, described[entry.place.conversation_id], held)
        messages += held
    # A message belongs to its conversation: two of them may hold the same id and time.
    once = Counter((each.conversation_id, identity(each), _revision(each)) for each in messages)
    assert set(once.values()) <= {1}, "a revision is held twice"
    live = {(identity(each), _revision(each)) for each in messages}
    assert not live & set(cleared), "a revision is live and cleared"
    return Account(messages, cleared, described, found, entries)


def _revision(message: Message) -> bytes:
    return revision(encode_line(message))


def _slots(ledger: Ledger, organization: str, shard: int, trimmed: bool) -> list[slots.Slot]:
    found = [slots.slot_of(item) for item in items(ledger.table, keys.slots(organization, shard))]
    first = found[0].number if found and trimmed else 1
    expected = list(range(first, first + len(found)))
    assert [slot.number for slot in found] == expected, "slots have a gap"
    return found


def _entries(ledger: Ledger, organization: str) -> Iterator[Entry]:
    """All that the day items lead to, which must be all there is."""
    reached: set[Key] = set()
    for day, shards in days.held(ledger.table, organization, "0001-01-01", "9999-12-31"):
        for shard in shards:
            for item in items(ledger.table, keys.cell(organization, day, shard)):
                entry = Entry.of(item)
                reached.add(entry.key)
                yield entry
    if isinstance(ledger.table, MemoryTable):
        held = ledger.table.keys_of_kind(f"D#{keys.escape(organization)}")
        assert reached == set(held), "a day item is missing"


def _check_slots(
    found: dict[int, list[slots.Slot]], entries: list[Entry], organization: str
) -> None:
    listed = Counter(
        key
        for shard, of_shard in found.items()
        for slot in of_shard
        for _, key in slot.entries(organization, shard)
    )
    assert set(listed.values()) <= {1}, "an entry is listed twice"
    first = {shard: of[0].number if of else 1 for shard, of in found.items()}
    kept = {entry.key for entry in entries if entry.place.slot >= first[shard_of(entry)]}
    assert set(listed) == kept, "slots and entries differ"


def shard_of(entry: Entry) -> int:
    return int(entry.key.pk.rpartition("#")[2])


def _check_entry(entry: Entry) -> list[Message]:
    lines = gzip.decompress(entry.payload)
    messages = list(entry.messages())
    assert b"".join(map(encode_line, messages)) == lines
    assert entry.item["digest"] == hashlib.sha256(lines).digest()
    assert entry.item["slot"] == entry.place.slot
    assert entry.messages_count == len(messages) > 0
    assert len(entry.payload) <= MAX_PAYLOAD_BYTES or len(messages) == 1
    assert not {"digests", "job", "cleared_at"} & entry.item.keys()
    times = [message.timestamp for message in messages]
    assert times == sorted(times)
    assert entry.span == (microseconds(times[0]), microseconds(times[-1]))
    assert {quarter_hour(message) for message in messages} == {entry.quarter}
    assert {message.conversation_id for message in messages} == {entry.place.conversation_id}
    return messages


def _check_tombstone(entry: Entry) -> list[tuple[bytes, bytes]]:
    digests = list(entry.digests())
    assert len(digests) == entry.messages_count > 0
    assert entry.cleared_by
    assert "payload" not in entry.item
    return digests


def _check_reachable(
    ledger: Ledger, organization: str, entry: Entry, head: Head, messages: list[Message]
) -> None:
    shard = keys.shard_of(entry.place.conversation_id, ledger.shards)
    assert entry.key.pk == keys.cell(organization, entry.day, shard)
    assert head.first_day <= entry.day <= head.last_day
    for user in {message.user_id for message in messages if message.user_id}:
        assert head.knows_all_users is False or user in head.users
        assert links.exists(ledger.table, organization, user, head.conversation_id)


def _heads(ledger: Ledger, organization: str) -> dict[str, Head]:
    found: dict[str, Head] = {}
    for shard in range(ledger.shards):
        for item in items(ledger.table, keys.heads(organization, shard)):
            head = heads.head_of(item)
            assert keys.shard_of(head.conversation_id, ledger.shards) == shard
            found[head.conversation_id] = head
    return found
