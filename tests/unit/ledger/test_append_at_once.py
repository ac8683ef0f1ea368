"""Eight writers at once, with and without a storage that fails: each message exactly once."""

import itertools
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import pytest

from chatledger.aws.table import Table
from chatledger.errors import StorageError
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line
from tests.fakes.audit import audit
from tests.fakes.chats import (
    ORGANIZATION,
    at_once,
    batch,
    ledger_on,
    message,
    overlapping,
)
from tests.fakes.faults import READS, WRITES, Fault, FaultyTable, LateEntriesTable, seeded
from tests.fakes.memory_table import MemoryTable

WRITERS = 8
SEEDS = range(4)


@dataclass
class Sent:
    """What a writer was told: how many were inserted, and whether an answer was ever a 503."""

    inserted: int = 0
    unsure: bool = False


def persistent(ledger: Ledger, bodies: Sequence[Sequence[Message]], title: str = "") -> Sent:
    """A client that repeats each body until it is accepted."""
    sent = Sent()
    for body in bodies:
        for _ in range(50):
            try:
                about = {"title": title} if title else {}
                users = {each.user_id for each in body if each.user_id}
                answer = append(ledger, ORGANIZATION, batch(body, users, **about))
            except StorageError:
                sent.unsure = True
                continue
            sent.inserted += answer.inserted
            assert answer.inserted + answer.duplicates == len(body)
            break
        else:
            raise AssertionError("never accepted")
    return sent


def check(table: Table, sent: list[Sent | Exception], expected: Sequence[Message]) -> None:
    """Each message once, no slot missing, and the answers add up where none was lost."""
    account = audit(ledger_on(table))
    assert sorted(map(encode_line, account.messages)) == sorted(map(encode_line, set_of(expected)))
    answers = [each for each in sent if isinstance(each, Sent)]
    assert len(answers) == len(sent), sent
    inserted = sum(each.inserted for each in answers)
    if any(each.unsure for each in answers):
        assert inserted <= len(account.messages)
    else:
        assert inserted == len(account.messages)


def set_of(messages: Sequence[Message]) -> list[Message]:
    return list({encode_line(each): each for each in messages}.values())


def warm_and_cold(table: Table) -> list[Ledger]:
    """Two functions, each with several requests at once; they share nothing but the table."""
    functions = [ledger_on(table, sleep=lambda seconds: time.sleep(seconds / 100)) for _ in "ab"]
    return [functions[number % 2] for number in range(WRITERS)]


@pytest.fixture(autouse=True)
def threads_that_really_mix() -> Iterator[None]:
    """By default a thread keeps the interpreter for longer than a whole append takes here."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    yield
    sys.setswitchinterval(before)


Make = Callable[[MemoryTable, int], Table]
TABLES: dict[str, Make] = {
    "calm": lambda table, seed: table,
    "conflicts and throttles": lambda table, seed: FaultyTable(
        table, seeded(seed, {Fault.BUSY: 0.3})
    ),
    "lost answers": lambda table, seed: FaultyTable(table, seeded(seed, {Fault.LOST: 0.3})),
    "a client library that repeats": lambda table, seed: FaultyTable(
        table, seeded(seed, {Fault.TWICE: 0.5})
    ),
    "slots before their entries": lambda table, seed: LateEntriesTable(table, looks=seed % 3 + 1),
    "everything": lambda table, seed: LateEntriesTable(
        table,
        seeded(seed, {Fault.BUSY: 0.1, Fault.LOST: 0.1, Fault.TWICE: 0.1}, READS | WRITES),
        looks=seed % 3,
    ),
}
faults = pytest.mark.parametrize("make", TABLES.values(), ids=TABLES.keys())
seeds = pytest.mark.parametrize("seed", SEEDS)


@faults
@seeds
def test_the_same_body_by_eight_at_once(make: Make, seed: int) -> None:
    table = MemoryTable()
    ledgers = warm_and_cold(make(table, seed))
    body = [message(number, user_id="ann") for number in range(4)]
    sent = at_once(WRITERS, lambda writer: persistent(ledgers[writer], [body]))
    check(table, sent, body)
    assert sum(map(len, audit(ledger_on(table)).slots.values())) == 1


@faults
@seeds
def test_overlapping_bodies_by_eight_at_once(make: Make, seed: int) -> None:
    table = MemoryTable()
    ledgers = warm_and_cold(make(table, seed))
    # Over three quarter hours and over midnight, by a user each.
    messages = [message(number * 40, user_id=f"user {number % 3}") for number in range(24)]
    bodies = overlapping(messages, WRITERS)
    sent = at_once(WRITERS, lambda writer: persistent(ledgers[writer], [bodies[writer]]))
    check(table, sent, messages)


@faults
@seeds
def test_conversations_of_one_shard_at_once(make: Make, seed: int) -> None:
    """They share nothing but the slots; each writer sends its turns in order, twice."""
    table = MemoryTable()
    ledgers = warm_and_cold(make(table, seed))
    ids = list(itertools.islice(one_shard(), WRITERS))
    bodies = [[[message(turn, conversation_id=each)] for turn in range(5)] for each in ids]
    sent = at_once(
        WRITERS, lambda writer: persistent(ledgers[writer], bodies[writer] + bodies[writer])
    )
    check(table, sent, [each for writer in bodies for body in writer for each in body])


def one_shard() -> Iterator[str]:
    """Ids of conversations that lie in one shard."""
    ledger = ledger_on(MemoryTable())
    names = (f"c{number}" for number in itertools.count())
    return (name for name in names if ledger.shard_of(name) == 3)


@seeds
def test_titles_users_and_days_of_eight_writers_are_united(seed: int) -> None:
    table = MemoryTable()
    ledgers = warm_and_cold(FaultyTable(table, seeded(seed, {Fault.BUSY: 0.2, Fault.TWICE: 0.2})))
    bodies = [
        [message(writer * 24 * 60, user_id=f"user {writer}")] for writer in range(-4, WRITERS - 4)
    ]
    sent = at_once(
        WRITERS, lambda writer: persistent(ledgers[writer], [bodies[writer]], f"title {writer}")
    )
    check(table, sent, [each for body in bodies for each in body])
    (head,) = audit(ledger_on(table)).heads.values()
    assert head.users == {f"user {writer}" for writer in range(-4, WRITERS - 4)}
    assert (head.first_day, head.last_day) == ("2026-11-17", "2026-11-24")
    assert str(head.about["title"]).startswith("title")


@seeds
def test_revisions_by_eight_at_once_are_all_held(seed: int) -> None:
    table = MemoryTable()
    ledgers = warm_and_cold(FaultyTable(table, seeded(seed, {Fault.BUSY: 0.2, Fault.LOST: 0.2})))
    revisions = [message(0, content=f"by {writer % 4}") for writer in range(WRITERS)]
    sent = at_once(WRITERS, lambda writer: persistent(ledgers[writer], [[revisions[writer]]] * 2))
    check(table, sent, revisions)


@pytest.mark.parametrize("seed", range(2))
def test_large_overlapping_bodies_at_once(seed: int) -> None:
    """Each body is several appends; whoever comes second finds some of it there already."""
    table = MemoryTable()
    ledgers = warm_and_cold(FaultyTable(table, seeded(seed, {Fault.BUSY: 0.1, Fault.LOST: 0.1})))
    messages = [message(number * 15) for number in range(300)]
    bodies = overlapping(messages, WRITERS)
    sent = at_once(WRITERS, lambda writer: persistent(ledgers[writer], [bodies[writer]]))
    check(table, sent, messages)
