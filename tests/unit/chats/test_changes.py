"""Changes: page after page, everything that was committed, each once."""

import random
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from chatledger.chats.changes import changes_after
from chatledger.errors import Gone, StorageError
from chatledger.ledger import keys
from chatledger.ledger.append import append
from chatledger.ledger.entries import Entry, tombstone
from chatledger.ledger.feed import Position
from chatledger.ledger.ledger import Ledger
from tests.fakes.chats import NOON, ORGANIZATION, at_once, batch, ledger_on, message, noise
from tests.fakes.faults import READS, WRITES, Fault, FaultyTable, LateEntriesTable, seeded
from tests.fakes.memory_table import MemoryTable


def follow(
    ledger: Ledger, position: Position | None = None, limit: int = 3
) -> Iterator[tuple[dict[str, Any], Position]]:
    """Every change to the end, with the position behind its page."""
    position = position or Position()
    while True:
        found = changes_after(ledger, ORGANIZATION, position, limit)
        assert len(found.changes) <= limit
        position = found.position
        yield from ((change, position) for change in found.changes)
        if found.is_all:
            return


def told(ledger: Ledger, position: Position | None = None, limit: int = 3) -> Counter[str]:
    return Counter(change["id"] for change, _ in follow(ledger, position, limit))


def fill(ledger: Ledger, count: int, first: int = 0) -> None:
    for number in range(first, first + count):
        each = message(number, conversation_id=f"conv-{number % 5}")
        append(ledger, ORGANIZATION, batch([each]))


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.mark.parametrize("limit", [1, 2, 7, 1000])
def test_pages_of_any_size_tell_everything_once(table: MemoryTable, limit: int):
    ledger = ledger_on(table)
    fill(ledger, 20)
    append(ledger, ORGANIZATION, batch([message(each) for each in range(100, 180)]))
    expected = [f"m{number}" for number in (*range(20), *range(100, 180))]
    assert told(ledger, limit=limit) == Counter(expected)


def test_one_goes_on_where_one_was(table: MemoryTable):
    ledger = ledger_on(table)
    fill(ledger, 10)
    *_, (_, position) = follow(ledger)
    assert told(ledger, position) == Counter()
    append(ledger, ORGANIZATION, batch([message(1, NOON - timedelta(days=900), id="late")]))
    append(ledger, ORGANIZATION, batch([message(2, NOON + timedelta(days=900), id="early")]))
    assert told(ledger, position) == Counter(["late", "early"])


def test_a_revision_is_told_again_and_a_duplicate_is_not(table: MemoryTable):
    ledger = ledger_on(table)
    append(ledger, ORGANIZATION, batch([message(1), message(2)]))
    *_, (_, position) = follow(ledger)
    append(ledger, ORGANIZATION, batch([message(1, content="anew"), message(2)]))
    ((change, _),) = follow(ledger, position)
    assert (change["id"], change["content"]) == ("m1", "anew")


def test_what_was_cleared_before_is_told_as_that(table: MemoryTable):
    ledger = ledger_on(table)
    append(ledger, ORGANIZATION, batch([message(1), message(2)]))
    (place,) = table.keys_of_kind("D")
    item = table.get(place)
    assert item
    entry = Entry.of(item)
    table.update(tombstone(entry, "C1", NOON))
    ((change, _),) = follow(ledger)
    assert (change["type"], change["messages"], change["cleared_by"]) == ("cleared", 2, "C1")
    assert [bytes.fromhex(each) for each, _ in change["digests"]] == [
        identity for identity, _ in entry.digests()
    ]


def test_what_comes_in_between_does_not_let_a_page_forget_where_the_last_one_stopped(
    table: MemoryTable,
):
    """It stopped inside a slot of the last shard; the first shards are not empty any more."""
    ledger = ledger_on(table)
    conversations = sorted((f"conv-{each}" for each in range(40)), key=ledger.shard_of)
    last, *_, first = reversed(conversations)

    def add(conversation_id: str, *numbers: int) -> None:
        said = [message(number, conversation_id=conversation_id) for number in numbers]
        append(ledger, ORGANIZATION, batch(said))

    add(last, 1, 2)
    page = changes_after(ledger, ORGANIZATION, Position(), 1)
    assert page.position.within
    add(first, 3, 4)
    add(first, 5)
    found = Counter(change["id"] for change in page.changes)
    assert found + told(ledger, page.position, limit=1) == Counter(["m1", "m2", "m3", "m4", "m5"])


def test_an_entry_that_is_cleared_while_it_is_told_is_told_to_its_end(table: MemoryTable):
    ledger = ledger_on(table)
    append(ledger, ORGANIZATION, batch([message(each) for each in range(3)]))
    page = changes_after(ledger, ORGANIZATION, Position(), 1)
    (place,) = table.keys_of_kind("D")
    item = table.get(place)
    assert item
    entry = Entry.of(item)
    table.update(tombstone(entry, "C1", NOON))
    ((change, _),) = follow(ledger, page.position)
    assert (change["type"], change["messages"]) == ("cleared", 2)
    rest = [identity.hex() for identity, _ in entry.digests()][1:]
    assert [each for each, _ in change["digests"]] == rest


def test_a_page_of_long_messages_is_shorter(table: MemoryTable):
    ledger = ledger_on(table)
    long = [message(each, content=noise(250_000, each)) for each in range(30)]
    append(ledger, ORGANIZATION, batch(long))
    found = changes_after(ledger, ORGANIZATION, Position(), 1000)
    assert 5 < len(found.changes) < 15
    assert told(ledger, limit=1000) == Counter(each.id for each in long)


def test_slots_that_are_no_longer_kept_are_gone(table: MemoryTable):
    ledger = ledger_on(table)
    fill(ledger, 20)
    *_, (_, position) = follow(ledger)
    shard = ledger.shard_of("conv-1")
    table.delete(keys.slot(ORGANIZATION, shard, 1))
    with pytest.raises(Gone):
        changes_after(ledger, ORGANIZATION, Position(), 10)
    assert changes_after(ledger, ORGANIZATION, position, 10).is_all


def test_entries_that_do_not_show_yet_are_waited_for(table: MemoryTable):
    """A query is no snapshot: it may show a slot before the entries of its transaction."""
    late = ledger_on(LateEntriesTable(table, looks=3))
    fill(ledger_on(table), 5)
    append(late, ORGANIZATION, batch([message(7)]))
    assert told(late) == Counter([*(f"m{number}" for number in range(5)), "m7"])


@pytest.mark.parametrize("seed", range(6))
def test_readers_beside_writers_on_a_failing_table_tell_everything_once(seed: int):
    """Six writers, two readers; each write may be lost, doubled or refused, each read fail."""
    table = MemoryTable()
    chances = {Fault.BUSY: 0.05, Fault.LOST: 0.05, Fault.TWICE: 0.03}
    writers = 6

    def write(number: int) -> list[str]:
        plan = seeded(seed * 100 + number, chances, WRITES)
        ledger = ledger_on(FaultyTable(table, plan), shards=2)
        dice, sent = random.Random(number), list[str]()
        for count in range(12):
            at = NOON + timedelta(minutes=dice.choice([0, 0, -5000, 90]))
            about = {"conversation_id": f"conv-{dice.randrange(3)}"}
            turn = [message(0, at, id=f"{number}-{count}-{each}", **about) for each in "ab"]
            while True:
                try:
                    append(ledger, ORGANIZATION, batch(turn))
                    break
                except StorageError:
                    continue
            sent += [each.id for each in turn]
        return sent

    def read(number: int) -> Counter[str]:
        plan = seeded(seed * 100 + number, {Fault.BUSY: 0.05}, READS)
        ledger = ledger_on(FaultyTable(table, plan), shards=2)
        found, position, quiet = Counter[str](), Position(), 0
        while quiet < 3:
            try:
                page = changes_after(ledger, ORGANIZATION, position, 5)
            except StorageError:
                continue
            found.update(change["id"] for change in page.changes)
            position = page.position
            done = page.is_all and not page.changes and len(finished) == writers
            quiet = quiet + 1 if done else 0
        return found

    finished: list[int] = []

    def work(number: int) -> Any:
        if number >= writers:
            return read(number)
        try:
            return write(number)
        finally:
            finished.append(number)

    results = at_once(writers + 2, work)
    errors = [each for each in results if isinstance(each, Exception)]
    assert not errors
    sent = Counter(name for names in results[:writers] for name in names)  # type: ignore[union-attr]
    assert results[writers:] == [sent, sent]


def test_a_slot_that_is_taken_twice_by_mistake_would_be_seen(table: MemoryTable):
    """The count above can fail: a reader that goes back one slot tells a message twice."""
    ledger = ledger_on(table)
    append(ledger, ORGANIZATION, batch([message(1)]))
    append(ledger, ORGANIZATION, batch([message(2)]))
    *_, (_, position) = follow(ledger, limit=1)
    back = replace(position, slots={shard: n - 1 for shard, n in position.slots.items() if n})
    assert told(ledger) + told(ledger, back) != Counter(["m1", "m2"])


def test_following_an_idle_ledger_costs_two_reads_a_shard(table: MemoryTable):
    ledger = ledger_on(table, now=lambda: NOON + timedelta(days=1))
    fill(ledger, 40)
    *_, (_, position) = follow(ledger, limit=1000)
    table.journal.clear()
    assert changes_after(ledger, ORGANIZATION, position, 10).is_all
    assert len(table.journal) <= 2 * ledger.shards
