"""The append: one conversation's messages into the ledger, all or nothing, each once.

The order of the steps is the protocol (docs/design.md, "Append"): the head and the shard's last
slot are read first, then what the conversation already holds, then the day, the user links and
the head are written, and one transaction of the next slot and the entries commits. The slot is
the lock: whoever finds it taken starts over and so sees what the other one wrote.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, groupby
from typing import Any

from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.ledger import heads, slots
from chatledger.ledger.commit import back_off, commit, runs
from chatledger.ledger.describe import describe
from chatledger.ledger.entries import Piece, pieces, quarter_hour
from chatledger.ledger.held import held_entries
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line, identity, revision

# Within the gateway's 30 s, so that a busy shard is answered 503 and not cut off.
_PATIENCE = timedelta(seconds=20)


@dataclass(frozen=True, slots=True)
class Batch:
    """Messages of one conversation, and what their sender says of it.

    ``users`` take part in it, beside those whom its messages name.
    """

    conversation_id: str
    messages: Sequence[Message]
    about: dict[str, Any]
    users: frozenset[str]


@dataclass(frozen=True, slots=True)
class Appended:
    inserted: int
    duplicates: int


def append(ledger: Ledger, organization: str, batch: Batch) -> Appended:
    """Adds what the conversation does not hold yet; returns once it is committed.

    Raises ``StorageError``: then some of it may be there, and repeating is safe.
    """
    inserted = 0
    until = ledger.now() + _PATIENCE
    for run in _runs(batch.messages):
        part = replace(batch, messages=_messages(run))
        inserted += _append_run(ledger, organization, part, until)
    return Appended(inserted, len(batch.messages) - inserted)


def _append_run(ledger: Ledger, organization: str, batch: Batch, until: datetime) -> int:
    """Messages that fit into one append: one slot. Returns how many of them were new.

    What is left of a large quarter hour that others hold in part, or that was cut, may split into
    more pieces than were reckoned with: what then does not fit follows in the next slot.
    """
    inserted = 0
    shard = ledger.shard_of(batch.conversation_id)
    for attempt in count():
        if ledger.now() > until:
            break
        back_off(ledger, attempt)
        head = heads.load(ledger.table, organization, shard, batch.conversation_id)
        newest = slots.newest(ledger.table, organization, shard, ledger.now())
        fresh = _not_held(ledger, organization, batch, newest)
        if not fresh:
            return inserted
        run = next(_runs(fresh))
        added = _messages(run)
        try:
            describe(ledger, organization, head, added, batch.users, batch.about)
        except ConditionFailed:
            continue  # Somebody changed the head: start over from what it is now.
        number = newest[0].number + 1 if newest else 1
        if commit(ledger, organization, shard, number, [run], until):
            inserted += len(added)
            if len(added) == len(fresh):
                return inserted
    raise StorageError(
        "It takes longer than a request may: many writers at once, or a large body. What is stored "
        "stays; repeat the request to go on."
    )


def _runs(messages: Iterable[Message]) -> Iterator[list[Piece]]:
    """In time order; messages of the same time keep the order they came in."""
    ordered = sorted(messages, key=lambda message: message.timestamp)
    by_quarter = groupby(ordered, key=quarter_hour)
    return runs(piece for quarter, held in by_quarter for piece in pieces(quarter, list(held)))


def _messages(run: Iterable[Piece]) -> list[Message]:
    return [message for piece in run for message in piece.messages]


def _not_held(
    ledger: Ledger, organization: str, batch: Batch, newest: Sequence[slots.Slot]
) -> list[Message]:
    """The messages whose content is no held revision's, live or tombstoned."""
    held: dict[bytes, set[bytes]] = {}
    quarters = {quarter_hour(message) for message in batch.messages}
    conversation_id = batch.conversation_id
    for entry in held_entries(ledger, organization, conversation_id, quarters, newest):
        for message, content in entry.digests():
            held.setdefault(message, set()).add(content)
    return [
        message
        for message in batch.messages
        if revision(encode_line(message)) not in held.get(identity(message), ())
    ]
