"""Verify: walks a trail from its first record and names what somebody changed, dropped or added.

Each record must be what its hash says, name the hash of the one before, and stand in its place,
without a gap; each anchor must find the record that it saw. Page after page, so that memory is
bounded; where time is up, the next call goes on.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import msgspec

from chatledger.audit import chain
from chatledger.audit.anchors import Anchored, anchors
from chatledger.audit.chain import Stored
from chatledger.audit.record import ACTIONS, NONE_BEFORE, Record, hash_of
from chatledger.aws.bucket import Bucket
from chatledger.aws.table import Table, pages
from chatledger.aws.wire import Item
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger

# A trail that is wrong all over need not be told to its end.
MAX_PROBLEMS = 100
_PLACE = re.compile(rf"[0-9]{{{chain.DIGITS}}}")


class Place(msgspec.Struct, frozen=True):
    """Where a walk goes on: behind the item ``after`` and the anchor ``anchor``.

    ``seq`` and ``hash`` are the last record's.
    """

    after: str | None = None
    seq: int = 0
    hash: str = NONE_BEFORE
    anchor: str = ""


class Problem(msgspec.Struct, frozen=True):
    """``seq``: the record it is about; None where it is no record."""

    seq: int | None
    what: str


class Seen(msgspec.Struct, frozen=True):
    seq: int
    at: str | None
    hash: str


@dataclass(slots=True)
class Verdict:
    """What one walk saw. ``place`` is None where it came to the end."""

    records: int = 0
    anchors: int = 0
    first: Seen | None = None
    last: Seen | None = None
    problems: list[Problem] = field(default_factory=list[Problem])
    place: Place | None = None


def verify(
    ledger: Ledger, bucket: Bucket, organization: str, until: datetime, start: Place
) -> Verdict:
    """Walks on from ``start`` until the end, until time is up, or until enough is wrong."""
    walk = _Walk(ledger.table, organization, start)
    anchored = _Anchored(anchors(bucket, organization, start.anchor))
    for item in _items(ledger.table, organization, start.after):
        if ledger.now() >= until or len(walk.verdict.problems) >= MAX_PROBLEMS:
            return walk.stopped(anchored)
        if stored := walk.record(item):
            while (anchor := anchored.pending) and _seq(anchor) <= stored.seq:
                walk.anchor(anchor, stored)
                anchored.go_on()
    while anchor := anchored.pending:
        if ledger.now() >= until:
            return walk.stopped(anchored)
        walk.anchor(anchor, None)
        anchored.go_on()
    return walk.verdict


def verdict_answer(verdict: Verdict) -> dict[str, Any]:
    """``valid`` speaks of what this walk saw, up to the cursor it may leave."""
    last = verdict.last
    return {
        "valid": not verdict.problems,
        "records": verdict.records,
        "anchors": verdict.anchors,
        "first": msgspec.to_builtins(verdict.first),
        "last": msgspec.to_builtins(last),
        "head_hash": last.hash if last else None,
        "problems": msgspec.to_builtins(verdict.problems),
    }


def _items(table: Table, organization: str, after: str | None) -> Iterator[Item]:
    for page in pages(table, keys.audit(organization), after=after):
        yield from page.items


def _seq(anchored: Anchored) -> int:
    """One that cannot be read is told at once."""
    return anchored.anchor.seq if anchored.anchor else 0


class _Anchored:
    """The anchors one by one; ``behind`` is the name of the last that was dealt with."""

    def __init__(self, found: Iterator[Anchored]) -> None:
        self._found = found
        self.behind = ""
        self.pending = next(found, None)

    def go_on(self) -> None:
        if self.pending:
            self.behind = self.pending.name
        self.pending = next(self._found, None)


class _Walk:
    """What is known of the records up to here."""

    def __init__(self, table: Table, organization: str, start: Place) -> None:
        self.table = table
        self.organization = organization
        self.place = start
        self.verdict = Verdict()

    def record(self, item: Item) -> Stored | None:
        """Checks the next item; None where it is no record of the chain."""
        place = str(item["SK"])
        stored = _stored(item)
        if stored is None or not _PLACE.fullmatch(place):
            self._wrong(None, f"The item {place[:64]!r} is no record: somebody put it there.")
            self.place = msgspec.structs.replace(self.place, after=place)
            return None
        expected = self.place.seq + 1
        if stored.seq > expected:
            self._missing(expected, stored.seq - 1)
        record = _record(stored)
        if wrong := self._what_is_wrong(stored, record, follows=stored.seq == expected):
            self._wrong(stored.seq, wrong)
        self._go_on(stored, record)
        return stored

    def anchor(self, anchored: Anchored, stored: Stored | None) -> None:
        """Compares an anchor with the record it saw; ``stored`` is the one just walked over."""
        self.verdict.anchors += 1
        anchor, day = anchored.anchor, anchored.day
        if not anchor or (anchor.organization, anchor.day) != (self.organization, day):
            self._wrong(None, f"The anchor of {day} cannot be read.")
            return
        if not stored or stored.seq != anchor.seq:
            # Behind the end of the walk: it may have been appended since.
            stored = chain.at(self.table, self.organization, anchor.seq)
        if not stored:
            self._wrong(anchor.seq, f"The anchor of {day} saw this record; it is gone.")
        elif stored.hash != anchor.hash:
            self._wrong(anchor.seq, f"The anchor of {day} saw another record here: {anchor.hash}.")

    def stopped(self, anchored: _Anchored) -> Verdict:
        self.verdict.place = msgspec.structs.replace(
            self.place, anchor=anchored.behind or self.place.anchor
        )
        return self.verdict

    def _what_is_wrong(self, stored: Stored, record: Record | None, *, follows: bool) -> str | None:
        """The first thing; ``follows``: the record before it is there."""
        if hash_of(stored.canonical) != stored.hash:
            return "It was changed: it does not have its hash."
        if record is None or not _is_ours(record, stored):
            return "It was replaced by something that is no record."
        if record.organization != self.organization:
            return "It is another organization's record."
        if record.seq != stored.seq:
            return f"It is record {record.seq}, moved here."
        if follows and record.prev != self.place.hash:
            before = f"record {stored.seq - 1}" if stored.seq > 1 else "nothing"
            return f"It does not follow from {before}: one of the two was replaced."
        return None

    def _missing(self, first: int, last: int) -> None:
        which = f"Records {first} to {last} are" if last > first else f"Record {first} is"
        self._wrong(first, f"{which} missing.")

    def _wrong(self, seq: int | None, what: str) -> None:
        self.verdict.problems.append(Problem(seq, what))

    def _go_on(self, stored: Stored, record: Record | None) -> None:
        seen = Seen(stored.seq, record.at if record else None, stored.hash)
        self.verdict.records += 1
        self.verdict.first = self.verdict.first or seen
        self.verdict.last = seen
        self.place = msgspec.structs.replace(
            self.place, after=stored.place, seq=stored.seq, hash=stored.hash
        )


def _stored(item: Item) -> Stored | None:
    try:
        return chain.stored_of(item)
    except (KeyError, TypeError):
        return None


def _record(stored: Stored) -> Record | None:
    try:
        return stored.record
    except msgspec.DecodeError:
        return None


def _is_ours(record: Record, stored: Stored) -> bool:
    """Whether it says nothing but what a record says, each in its form."""
    try:
        datetime.fromisoformat(record.at)
    except ValueError:
        return False
    return record.action in ACTIONS and record.canonical == stored.canonical
