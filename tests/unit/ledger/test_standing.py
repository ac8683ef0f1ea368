"""What stands in a quarter hour, whether it is held at once or read entry by entry."""

import random
import tracemalloc
from datetime import timedelta

import pytest

from chatledger.ledger import conversations, standing
from chatledger.ledger.append import append
from chatledger.ledger.entries import MAX_LINES_BYTES, Entry
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.timestamps import Range
from tests.fakes.chats import CONVERSATION, NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.memory_table import MemoryTable


def quarter(ledger: Ledger) -> list[Entry]:
    head = conversations.find(ledger, ORGANIZATION, CONVERSATION)
    assert head
    (entries,) = conversations.quarters(ledger, ORGANIZATION, head)
    return entries


def revised_quarter() -> list[Entry]:
    """Thirty appends of revisions, equal times and late messages, all in one quarter hour."""
    dice = random.Random(7)
    ledger = ledger_on(MemoryTable(), shards=1)
    for number in range(30):
        seconds = {dice.randrange(40) for _ in range(dice.randrange(1, 12))}
        said = [
            message(second, NOON + timedelta(seconds=second // 2), content=f"{number} {second}")
            for second in seconds
        ]
        append(ledger, ORGANIZATION, batch(said))
    return quarter(ledger)


@pytest.mark.parametrize("within", [Range(), Range(start=NOON + timedelta(seconds=7))])
def test_entry_by_entry_is_the_same_as_at_once(within: Range, monkeypatch: pytest.MonkeyPatch):
    entries = revised_quarter()
    at_once = list(standing.standing(entries, within))
    last = standing.last_standing(entries, within)
    monkeypatch.setattr(standing, "HELD_BYTES", 0)
    assert list(standing.standing(entries, within)) == at_once
    assert standing.last_standing(entries, within) == last == at_once[-1]
    assert standing.last_standing(entries, Range(end=NOON)) is None


def test_what_compresses_well_is_cut_by_what_it_becomes():
    ledger = ledger_on(MemoryTable(), shards=1)
    large = [message(n, NOON + timedelta(seconds=n), content="a" * 250_000) for n in range(12)]
    append(ledger, ORGANIZATION, batch(large))
    entries = quarter(ledger)
    assert len(entries) == 4
    assert all(entry.lines_bytes <= MAX_LINES_BYTES for entry in entries)
    assert sum(entry.messages_count for entry in entries) == 12


def test_a_quarter_hour_of_100_mb_is_read_in_a_tenth_of_it():
    ledger = ledger_on(MemoryTable(), shards=1)
    for number in range(35):
        said = [
            Message(f"m{number}-{n}", CONVERSATION, NOON, "user", "a" * 250_000) for n in range(12)
        ]
        append(ledger, ORGANIZATION, batch(said))
    entries = quarter(ledger)
    assert sum(entry.lines_bytes for entry in entries) > 100_000_000
    tracemalloc.start()
    count = sum(1 for _ in standing.standing(entries))
    last = standing.last_standing(entries)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert (count, last and last.id) == (420, "m34-11")
    assert peak < 30_000_000
