"""Any sequence of appends against a dictionary: what is held, what stands, what was answered."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from chatledger.aws.table import Table
from chatledger.errors import StorageError
from chatledger.ledger import conversations
from chatledger.ledger.append import Appended, append
from chatledger.messages import Message, encode_line
from tests.fakes.audit import audit
from tests.fakes.chats import CONVERSATION, NOON, ORGANIZATION, batch, ledger_on, message
from tests.fakes.faults import READS, WRITES, Fault, FaultyTable, LateEntriesTable, seeded
from tests.fakes.memory_table import MemoryTable

# Few of each, so that they meet: equal times, quarter hours' edges, days' edges, late ones.
TIMES = [
    NOON,
    NOON + timedelta(microseconds=1),
    NOON + timedelta(minutes=15) - timedelta(microseconds=1),
    NOON + timedelta(minutes=15),
    NOON + timedelta(hours=12),
    NOON - timedelta(days=400),
]
Which = tuple[str, datetime]


@dataclass
class Model:
    """A conversation as a dictionary: of each message its revisions, the newest last."""

    revisions: dict[Which, list[Message]] = field(default_factory=dict[Which, list[Message]])
    order: list[Which] = field(default_factory=list[Which])

    def append(self, messages: list[Message]) -> Appended:
        inserted = 0
        for each in messages:
            which = (each.id, each.timestamp)
            held = self.revisions.setdefault(which, [])
            if each not in held:
                held.append(each)
                inserted += 1
            if which not in self.order:
                self.order.append(which)
        return Appended(inserted, len(messages) - inserted)

    def standing(self) -> list[Message]:
        latest = [self.revisions[which][-1] for which in self.order]
        return sorted(latest, key=lambda each: each.timestamp)

    def held(self) -> list[bytes]:
        return sorted(encode_line(each) for held in self.revisions.values() for each in held)


@st.composite
def bodies(draw: st.DrawFn) -> list[Message]:
    """Messages of one request: no id twice at one time."""
    places = st.tuples(st.integers(0, 3), st.sampled_from(TIMES))
    chosen = draw(st.lists(places, min_size=1, max_size=8, unique=True))
    return [message(number, at, content=draw(st.sampled_from("abc"))) for number, at in chosen]


SEQUENCES = st.lists(bodies(), min_size=1, max_size=8)


def check(table: Table, model: Model) -> None:
    ledger = ledger_on(table)
    assert sorted(map(encode_line, audit(ledger).messages)) == model.held()
    head = conversations.find(ledger, ORGANIZATION, CONVERSATION)
    assert head
    assert list(conversations.messages(ledger, ORGANIZATION, head)) == model.standing()
    newest = conversations.latest(ledger, ORGANIZATION, head)
    assert newest == model.standing()[-1]


@given(SEQUENCES)
def test_any_appends(sequence: list[list[Message]]) -> None:
    table, model = MemoryTable(), Model()
    ledger = ledger_on(table)
    for body in sequence:
        assert append(ledger, ORGANIZATION, batch(body)) == model.append(body)
    check(table, model)


@given(SEQUENCES, st.integers(0, 2**32), st.integers(0, 2))
def test_any_appends_to_a_table_that_fails(
    sequence: list[list[Message]], seed: int, looks: int
) -> None:
    """Each caller repeats until it is answered; what it is told never claims too much."""
    table, model = MemoryTable(), Model()
    chances = {Fault.BUSY: 0.1, Fault.LOST: 0.1, Fault.TWICE: 0.1}
    faulty: FaultyTable = LateEntriesTable(
        table, seeded(seed, chances, READS | WRITES), looks=looks
    )
    ledger = ledger_on(faulty)
    for body in sequence:
        expected = model.append(body)
        unsure = False
        for _ in range(50):
            try:
                answer = append(ledger, ORGANIZATION, batch(body))
            except StorageError:
                unsure = True
                continue
            break
        else:
            raise AssertionError("never accepted")
        assert answer == expected or (unsure and answer.inserted < expected.inserted)
    check(table, model)
