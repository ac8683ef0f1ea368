"""The append: one conversation's messages into the ledger, all or nothing, each once.

The order of the steps is the protocol (docs/design.md, "Append"): the head and the shard's last
slot are read first, then what the conversation already holds, then the day, the user links and
the head are written, and one transaction of the next slot and the entries commits. The slot is
the lock: whoever finds it taken starts over and so sees what the other one wrote.
"""

import random
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import count, groupby
from typing import Any

from chatledger.aws.table import Absent, ConditionFailed, Key, Put, TransactionRefused, items
from chatledger.errors import StorageError
from chatledger.identifiers import new_token
from chatledger.ledger import days, heads, keys, links, slots
from chatledger.ledger.entries import Entry, Piece, Quarter, pieces, quarter_hour
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line, identity, revision
from chatledger.timestamps import day_of

# A transaction takes 100 items and 4 MB; one is the slot, and keys and names want some room.
MAX_ENTRIES = 99
MAX_BYTES = 3_500_000
# Within the gateway's 30 s, so that a busy shard is answered 503 and not cut off.
_PATIENCE = timedelta(seconds=20)
_MAX_SAME_SLOT = 8


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
        _back_off(ledger, attempt)
        head = heads.load(ledger.table, organization, shard, batch.conversation_id)
        newest = slots.newest(ledger.table, organization, shard, ledger.now())
        fresh = _not_held(ledger, organization, shard, batch, newest)
        if not fresh:
            return inserted
        run = next(_runs(fresh))
        added = _messages(run)
        try:
            _describe(ledger, organization, shard, head, batch, added)
        except ConditionFailed:
            continue  # Somebody changed the head: start over from what it is now.
        number = newest[0].number + 1 if newest else 1
        if _commit(ledger, organization, shard, number, run, until):
            inserted += len(added)
            if len(added) == len(fresh):
                return inserted
    raise StorageError(
        "It takes longer than a request may: many writers at once, or a large body. What is stored "
        "stays; repeat the request to go on."
    )


def _by_quarter(messages: Iterable[Message]) -> Iterator[tuple[Quarter, list[Message]]]:
    """In time order; messages of the same time keep the order they came in."""
    ordered = sorted(messages, key=lambda message: message.timestamp)
    for quarter, run in groupby(ordered, key=quarter_hour):
        yield quarter, list(run)


def _runs(messages: Iterable[Message]) -> Iterator[list[Piece]]:
    """Pieces that become entries, in time order, cut into runs that each fit one transaction."""
    run: list[Piece] = []
    size = 0
    for quarter, held in _by_quarter(messages):
        for piece in pieces(quarter, held):
            if len(run) == MAX_ENTRIES or size + len(piece.payload) > MAX_BYTES:
                yield run
                run, size = [], 0
            run.append(piece)
            size += len(piece.payload)
    if run:
        yield run


def _messages(run: Iterable[Piece]) -> list[Message]:
    return [message for piece in run for message in piece.messages]


def _not_held(
    ledger: Ledger, organization: str, shard: int, batch: Batch, newest: Sequence[slots.Slot]
) -> list[Message]:
    """The messages whose content is no held revision's, live or tombstoned."""
    held: dict[bytes, set[bytes]] = {}
    for entry in _held_entries(ledger, organization, shard, batch, newest):
        for message, content in entry.digests():
            held.setdefault(message, set()).add(content)
    return [
        message
        for message in batch.messages
        if revision(encode_line(message)) not in held.get(identity(message), ())
    ]


def _held_entries(
    ledger: Ledger, organization: str, shard: int, batch: Batch, newest: Sequence[slots.Slot]
) -> Iterator[Entry]:
    """All entries of the conversation in the messages' quarter hours, the newest slots' awaited."""
    seen: set[Key] = set()
    quarters = sorted({quarter_hour(message) for message in batch.messages})
    for day, run in groupby(quarters, key=lambda quarter: quarter[0]):
        hours = [hour for _, hour in run]
        between = keys.quarters(batch.conversation_id, hours[0], hours[-1])
        for item in items(ledger.table, keys.cell(organization, day, shard), between=between):
            entry = Entry.of(item)
            seen.add(entry.key)
            yield entry
    unseen = [
        key
        for slot in newest
        if slot.conversation_id == batch.conversation_id
        for quarter, key in slot.entries(organization, shard)
        if quarter in quarters and key not in seen
    ]
    yield from slots.await_entries(ledger.table, unseen, ledger.sleep)


def _describe(
    ledger: Ledger,
    organization: str,
    shard: int,
    head: Head | None,
    batch: Batch,
    fresh: Sequence[Message],
) -> None:
    """Day items, then user links, then the head: only what changes. Raises ``ConditionFailed``."""
    dates = sorted({day_of(message.timestamp) for message in fresh})
    for date in dates:
        if (organization, date, shard) not in ledger.seen_days:
            days.mark(ledger.table, organization, date, shard)
            ledger.seen_days.add((organization, date, shard))
    users = batch.users | {message.user_id for message in fresh if message.user_id}
    after = (
        head.with_append(dates, users, batch.about)
        if head
        else heads.new_head(batch.conversation_id, dates, users, batch.about)
    )
    for user in _users_to_link(head, after, users):
        links.write(ledger.table, organization, user, after)
    if not after.is_stored_as(head):
        heads.save(ledger.table, organization, shard, after)


def _users_to_link(before: Head | None, after: Head, users: frozenset[str]) -> Iterable[str]:
    """Those not linked yet; all of them where the conversation reaches a new day."""
    if not before or (before.first_day, before.last_day) != (after.first_day, after.last_day):
        return sorted(users)
    return sorted(users - before.users)


def _commit(
    ledger: Ledger,
    organization: str,
    shard: int,
    number: int,
    entries: Sequence[Piece],
    until: datetime,
) -> bool:
    """The commit and the acknowledgement. False: the slot was taken by another append.

    A conflict, a throttle or a lost reply says nothing about the slot: the same transaction goes
    again (the next slot would leave a gap that stops every reader). If the slot then shows as
    taken, its token says whether it was taken by us.
    """
    token = new_token()
    puts = [Put(piece.item(organization, shard, number), Absent()) for piece in entries]
    for attempt in range(_MAX_SAME_SLOT):
        if attempt and ledger.now() > until:
            break
        _back_off(ledger, attempt)
        # Its time is said anew each time: readers reckon from it when the slot is settled.
        slot = slots.slot_item(organization, shard, number, entries, ledger.now(), token)
        try:
            ledger.table.transact([Put(slot, Absent()), *puts])
        except TransactionRefused:
            taken = ledger.table.get(keys.slot(organization, shard, number))
            return taken is not None and taken["w"] == token
        except StorageError:
            continue
        return True
    raise StorageError


def _back_off(ledger: Ledger, attempt: int) -> None:
    """Full jitter, so that writers who met once do not meet again; no wait the first time."""
    if attempt:
        ledger.sleep(random.uniform(0, min(0.01 * 2**attempt, 0.5)))  # noqa: S311
