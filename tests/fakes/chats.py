"""Messages and batches to test with, and writers that do it all at once."""

import base64
import random
import threading
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

from chatledger.aws.table import Table
from chatledger.ledger.append import Batch
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message

ORGANIZATION = "acme"
CONVERSATION = "conv-1"
SHARDS = 16
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)

T = TypeVar("T")


def ledger_on(table: Table, **changes: Any) -> Ledger:
    """A ledger that does not wait: what it sleeps is not what these tests are about."""
    return Ledger(table, **{"shards": SHARDS, "epoch": "E", "sleep": lambda _: None, **changes})


def message(number: int = 0, at: datetime | None = None, **fields: Any) -> Message:
    """The ``number``-th message of a conversation: a minute after the one before it."""
    fields = {
        "id": f"m{number}",
        "conversation_id": CONVERSATION,
        "role": ("user", "assistant")[number % 2],
        "content": f"text {number}",
        **fields,
    }
    return Message(timestamp=at or NOON + timedelta(minutes=number), **fields)


def batch(messages: Iterable[Message], users: Iterable[str] = ("ann",), **about: Any) -> Batch:
    found = list(messages)
    return Batch(found[0].conversation_id, found, about, frozenset(users))


def noise(size: int, seed: int = 0) -> str:
    """``size`` characters of base64 noise: compressed they still take three quarters."""
    return base64.b64encode(random.Random(seed).randbytes(size)).decode()[:size]


def at_once(count: int, work: Callable[[int], T]) -> list[T | Exception]:
    """Runs ``work(0)`` … ``work(count - 1)`` in as many threads, all let go at one moment."""
    start = threading.Barrier(count)
    results: dict[int, T | Exception] = {}

    def run(number: int) -> None:
        start.wait()
        try:
            results[number] = work(number)
        except Exception as error:
            results[number] = error

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return [results[number] for number in range(count)]


def overlapping(messages: Sequence[Message], writers: int) -> list[list[Message]]:
    """Half of the messages for each writer, each half beginning elsewhere: all meet all."""
    half, step = len(messages) // 2, max(1, len(messages) // writers)
    doubled = [*messages, *messages]
    return [doubled[writer * step :][:half] for writer in range(writers)]
