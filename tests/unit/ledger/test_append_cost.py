"""What an append costs, in requests and in capacity units as the table bills them."""

from datetime import timedelta

import pytest

from chatledger.ledger import keys
from chatledger.ledger.append import append
from chatledger.ledger.entries import Entry
from chatledger.ledger.ledger import Ledger
from tests.fakes.audit import audit
from tests.fakes.chats import NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.memory_table import MemoryTable
from tests.fakes.sizes import item_size

# As long as those that are made here, in an organization of a usual name.
CONVERSATION = "conv_01JD6ZK3M5N7P9Q1R3S5T7V9WX"
USER = "user_01JD6ZK3M5N7P9Q1R3S5T7V9WX"
QUESTION = (
    "Our nightly export stopped at 83 % with the words 'slot 4711 is missing'. Nothing was changed "
    "since Tuesday; the table has 12 million messages in 9 shards and the bucket is in another "
    "region. What should I look at first, and may I start it again without doubling what is there?"
)
ANSWER = (
    "Start it again; that is safe, since every part is written once and later attempts return the "
    "first. A missing slot means that a writer died between two steps and has not been repeated "
    "yet: look at the log of the function for the conversation that the slot before it names, and "
    "send its last request once more. If it stays, compare the head's last day with the entries'."
)


def turn(number: int) -> list[object]:
    at = NOON + timedelta(seconds=2 * number)
    after = at + timedelta(seconds=1)
    place = {"conversation_id": CONVERSATION}
    return [
        message(2 * number, at, id=f"msg_{number:032}", content=QUESTION, user_id=USER, **place),
        message(2 * number + 1, after, id=f"msg_{number:031}a", content=ANSWER, **place),
    ]


def add(ledger: Ledger, number: int, **about: object) -> None:
    append(ledger, ORGANIZATION, batch(turn(number), [USER], **about))  # type: ignore[arg-type]


@pytest.fixture
def table() -> MemoryTable:
    return MemoryTable()


@pytest.fixture
def warm(table: MemoryTable) -> Ledger:
    """A warm function, and a conversation that has begun."""
    ledger = ledger_on(table)
    add(ledger, 0, title="An export that stopped")
    table.journal.clear()
    return ledger


def test_a_turn_of_an_existing_conversation(table: MemoryTable, warm: Ledger) -> None:
    add(warm, 1, title="An export that stopped")
    assert table.operations() == ["get", "page", "page", "transact"]
    assert table.read_units == 3
    assert table.write_units == 4
    assert [len(request.keys) for request in table.journal][-1] == 2


def test_what_an_entry_needs_beside_its_payload(warm: Ledger) -> None:
    """An item of a KB or less is one unit: so much is left of it for the compressed lines."""
    entry: Entry = audit(warm).entries[0]
    assert item_size(entry.item) - len(entry.payload) <= 200
    assert item_size(entry.item) <= 1024


def test_a_slot_is_small(table: MemoryTable, warm: Ledger) -> None:
    slot = table.peek(keys.slot(ORGANIZATION, warm.shard_of(CONVERSATION), 1))
    assert item_size(slot) <= 4096 // 16  # So that a look at the newest 16 is one unit.


def test_a_conversation_that_goes_on_costs_no_more_writes(table: MemoryTable) -> None:
    """Only its look-up grows, by a unit for each 4 KB that the quarter hour holds already."""
    clock = [NOON]
    ledger = ledger_on(table, now=lambda: clock[0])
    add(ledger, 0)
    for number in range(1, 60):
        held = sum(item_size(entry.item) for entry in audit(ledger_on(table)).entries)
        clock[0] += timedelta(seconds=2)
        table.journal.clear()
        add(ledger, number)
        assert table.operations() == ["get", "page", "page", "transact"]
        assert [request.read_units for request in table.journal] == [1, 1, -(-held // 4096), 0]
        assert table.write_units == 4


def test_a_busy_shard_asks_for_its_slots_in_few_requests(table: MemoryTable, warm: Ledger) -> None:
    for number in range(1, 300):
        add(warm, number * 450)  # Each in a quarter hour of its own.
    table.journal.clear()
    add(warm, 0)
    slots = [request for request in table.journal if request.keys[0].pk.startswith("S#")]
    assert len(slots) <= 3
    assert sum(request.read_units for request in slots) <= 12


def test_a_duplicate_costs_no_write(table: MemoryTable, warm: Ledger) -> None:
    add(warm, 0, title="An export that stopped")
    assert table.read_units == 3
    assert table.write_units == 0


def test_a_new_conversation(table: MemoryTable, warm: Ledger) -> None:
    """Beside the turn: its user link and its head."""
    other = [message(number, conversation_id="conv_another") for number in range(2)]
    append(warm, ORGANIZATION, batch(other, [USER]))
    kinds = [(request.operation, request.keys[0].pk[0]) for request in table.journal[3:]]
    assert kinds == [("update", "T"), ("update", "U"), ("put", "C"), ("transact", "S")]
    assert table.read_units == 3
    assert table.write_units == 1 + 1 + 1 + 4


def test_a_body_asks_once_for_each_of_its_days(table: MemoryTable, warm: Ledger) -> None:
    """Not once for each quarter hour."""
    times = [NOON + timedelta(days=day, hours=hour) for day in (1, 2, 3) for hour in range(8)]
    messages = [
        message(number, at, conversation_id=CONVERSATION) for number, at in enumerate(times)
    ]
    append(warm, ORGANIZATION, batch(messages, [USER]))
    asked = [request.operation for request in table.journal]
    assert asked.count("page") == 1 + 3
    assert asked.count("transact") == 1
