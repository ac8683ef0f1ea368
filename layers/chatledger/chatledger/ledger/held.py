"""What a conversation holds already in some quarter hours: the look under the slot's lock.

Whoever writes reads the shard's newest slots first, then looks, then commits at the next slot:
another's commit in between takes that slot, and shows in the next look.
"""

from collections.abc import Iterator, Sequence
from itertools import groupby

from chatledger.aws.table import Key, items
from chatledger.ledger import keys, slots
from chatledger.ledger.entries import Entry, Quarter
from chatledger.ledger.ledger import Ledger


def held_entries(
    ledger: Ledger,
    organization: str,
    conversation_id: str,
    quarters: set[Quarter],
    newest: Sequence[slots.Slot],
) -> Iterator[Entry]:
    """The conversation's entries there, tombstones included; those of the newest slots awaited."""
    shard = ledger.shard_of(conversation_id)
    seen: set[Key] = set()
    for day, run in groupby(sorted(quarters), key=lambda quarter: quarter[0]):
        hours = [hour for _, hour in run]
        between = keys.quarters(conversation_id, hours[0], hours[-1])
        for item in items(ledger.table, keys.cell(organization, day, shard), between=between):
            entry = Entry.of(item)
            seen.add(entry.key)
            yield entry
    unseen = [
        key
        for slot in newest
        if slot.conversation_id == conversation_id
        for quarter, key in slot.entries(organization, shard)
        if quarter in quarters and key not in seen
    ]
    yield from slots.await_entries(ledger.table, unseen, ledger.sleep)
