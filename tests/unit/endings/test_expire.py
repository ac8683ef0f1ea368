"""Expire: old slots and tombstones go in an order that loses nothing, wherever it stops."""

from contextlib import suppress
from datetime import datetime, timedelta

import pytest

from chatledger.audit import chain
from chatledger.audit.record import Event
from chatledger.aws.table import items
from chatledger.chats.changes import changes_after
from chatledger.chats.read import read_page
from chatledger.endings.expire import expire
from chatledger.errors import Gone, StorageError
from chatledger.ledger import keys, slots
from chatledger.ledger.append import append
from chatledger.ledger.entries import Entry, tombstone
from chatledger.ledger.feed import Position
from chatledger.ledger.ledger import Ledger
from tests.fakes.chats import CONVERSATION, ORGANIZATION, batch, message
from tests.fakes.clears import NOW, Clock
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_table import MemoryTable

HISTORY = timedelta(days=400)
LONG = timedelta(days=431)


class Old:
    """Five appends of one conversation, of which some are cleared; and the time after them."""

    def __init__(self) -> None:
        self.table, self.clock = MemoryTable(), Clock()
        for number in range(5):
            append(self.ledger, ORGANIZATION, batch([message(number)]))
        event = Event(action="key.made", at=NOW, subject={})
        chain.append(self.table, ORGANIZATION, [event])

    @property
    def ledger(self) -> Ledger:
        return self.ledger_on(self.table)

    def ledger_on(self, table: MemoryTable | FaultyTable) -> Ledger:
        return Ledger(table, 16, "E", now=self.clock.now, sleep=lambda _: None)

    @property
    def shard(self) -> int:
        return self.ledger.shard_of(CONVERSATION)

    def entries(self) -> list[Entry]:
        found = (self.table.peek(key) for key in self.table.keys_of_kind("D"))
        return [Entry.of(item) for item in found if item]

    def clear(self, *numbers: int) -> None:
        for entry in self.entries():
            if entry.place.slot in numbers:
                self.table.update(tombstone(entry, "C1", self.clock.now()))

    def slots(self) -> list[int]:
        partition = keys.slots(ORGANIZATION, self.shard)
        return [slots.slot_of(item).number for item in items(self.table, partition)]

    def expire(self, table: FaultyTable | None = None, seconds: float = 900) -> bool:
        until = self.clock.now() + timedelta(seconds=seconds)
        return expire(self.ledger_on(table or self.table), HISTORY, until).done


@pytest.fixture
def old() -> Old:
    return Old()


def test_nothing_goes_before_its_time(old: Old):
    old.clear(1, 2)
    old.clock.time += timedelta(days=399)
    assert old.expire()
    assert old.slots() == [1, 2, 3, 4, 5]
    assert len(old.entries()) == 5


def test_slots_go_from_the_oldest_on_and_the_last_stays(old: Old):
    old.clock.time += LONG
    assert old.expire()
    assert old.slots() == [5]
    assert len(old.entries()) == 5  # What is live never goes.
    assert append(old.ledger, ORGANIZATION, batch([message(0)])).inserted == 0
    append(old.ledger, ORGANIZATION, batch([message(7)]))
    assert old.slots() == [5, 6]


def test_tombstones_go_after_their_slots(old: Old):
    old.clear(1, 2, 5)
    old.clock.time += timedelta(days=401)
    assert old.expire()
    assert old.slots() == [5]
    assert sum(each.is_tombstone for each in old.entries()) == 3  # An undo may still be under way.
    old.clock.time += timedelta(days=30)
    assert old.expire()
    assert [each.place.slot for each in old.entries() if each.is_tombstone] == [5]


def test_a_tombstone_above_a_live_older_revision_stays(old: Old):
    append(old.ledger, ORGANIZATION, batch([message(1, content="anew")]))
    append(old.ledger, ORGANIZATION, batch([message(9)]))
    old.clear(6)
    old.clock.time += LONG
    assert old.expire()
    assert [each.place.slot for each in old.entries() if each.is_tombstone] == [6]
    shown, _ = read_page(old.ledger, ORGANIZATION, CONVERSATION, 1, 100)
    assert "m1" not in [each["id"] for each in shown["messages"]]


def test_a_late_repeat_of_what_has_expired_is_new(old: Old):
    old.clear(1)
    old.clock.time += LONG
    old.expire()
    assert append(old.ledger, ORGANIZATION, batch([message(0)])).inserted == 1


def test_a_reader_that_was_away_too_long_is_told_so(old: Old):
    position = changes_after(old.ledger, ORGANIZATION, Position(), 2).position
    old.clock.time += LONG
    old.expire()
    with pytest.raises(Gone):
        changes_after(old.ledger, ORGANIZATION, position, 100)
    everything = Position({old.shard: 5})
    assert changes_after(old.ledger, ORGANIZATION, everything, 100).is_all


def test_what_is_written_meanwhile_stays(old: Old):
    """An undo gives an entry its payload back between the look and the deletion."""
    old.clear(1)
    old.clock.time += LONG
    (entry,) = (each for each in old.entries() if each.is_tombstone)

    class Undone(FaultyTable):
        def delete(self, key: object, when: object = None) -> None:
            if key == entry.key:
                revived = {**entry.item, "w": b"another token", "payload": b""}
                self.table.put(revived)
            super().delete(key, when)  # type: ignore[arg-type]

    assert old.expire(Undone(old.table))
    assert entry.key in {each.key for each in old.entries()}


@pytest.mark.parametrize("number", range(1, 60))
@pytest.mark.parametrize("fault", [Fault.CRASH, Fault.DIED, Fault.LOST, Fault.TWICE])
def test_wherever_it_dies_the_next_call_goes_on(number: int, fault: Fault):
    old = Old()
    old.clear(1, 2)
    old.clock.time += LONG
    with suppress(Crashed, StorageError):
        old.expire(FaultyTable(old.table, at({number: fault})))
    kept = old.slots()
    assert kept == list(range(kept[0], 6))
    assert old.expire()
    assert old.slots() == [5]
    assert not any(each.is_tombstone for each in old.entries())
    assert len(old.entries()) == 3


def test_when_time_is_up_the_next_call_goes_on(old: Old):
    old.clear(1, 2)
    old.clock.time += LONG

    def ticking() -> datetime:
        old.clock.time += timedelta(seconds=1)
        return old.clock.time

    ledger = Ledger(old.table, 16, "E", now=ticking, sleep=lambda _: None)
    done = [expire(ledger, HISTORY, old.clock.now() + timedelta(seconds=60)).done for _ in range(9)]
    assert not done[0]
    assert any(done)
    assert old.slots() == [5]
    assert len(old.entries()) == 3
