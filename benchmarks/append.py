"""How many appends a second a shard takes, and what sixteen of them give.

    PYTHONPATH=.:layers/chatledger .venv/bin/python -m benchmarks.append

Writers at once on a table in memory that answers each request after a fixed latency, as a real one
does; two-message turns, a conversation per writer. A shard's appends follow each other, so its rate
is bounded by the latency between reading the slot and committing the next; shards add up.
"""

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from rich.console import Console
from rich.table import Table as Sheet

from chatledger.ledger.append import Batch, append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from tests.fakes.memory_table import MemoryTable

# About what DynamoDB takes within a region: a read, and a transaction.
READ_SECONDS = 0.004
COMMIT_SECONDS = 0.012
SECONDS = 4.0
NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)


class SlowTable:
    """Passes every call on after the latency of its kind."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table

    def __getattr__(self, name: str) -> Any:
        call = getattr(self._table, name)
        latency = COMMIT_SECONDS if name == "transact" else READ_SECONDS

        def slow(*args: Any, **named: Any) -> Any:
            time.sleep(latency)
            return call(*args, **named)

        return slow


@dataclass(frozen=True)
class Result:
    writers: int
    shards: int
    appends: int

    @property
    def rate(self) -> float:
        return self.appends / SECONDS


def turn(conversation_id: str, number: int) -> Batch:
    at = NOON + timedelta(seconds=number)
    said = [
        Message(f"m{number}-{role}", conversation_id, at, role, "a sentence or two of text " * 4)
        for role in ("user", "assistant")
    ]
    return Batch(conversation_id, said, {}, frozenset({"ann"}))


def measure(writers: int, shards: int) -> Result:
    table: Any = SlowTable(MemoryTable())
    ledger = Ledger(table, shards=shards, epoch="E")
    until = time.monotonic() + SECONDS

    def write(writer: int) -> int:
        done = 0
        for number in count():
            if time.monotonic() > until:
                return done
            append(ledger, "default", turn(f"conversation {writer}", number))
            done += 1
        return done

    with ThreadPoolExecutor(writers) as pool:
        return Result(writers, shards, sum(pool.map(write, range(writers))))


def main() -> int:
    sheet = Sheet("writers", "shards", "appends/s", "per shard", title="two-message turns")
    for writers, shards in ((1, 1), (2, 1), (4, 1), (8, 1), (16, 16), (32, 16)):
        result = measure(writers, shards)
        rate = f"{result.rate:,.0f}"
        sheet.add_row(str(writers), str(shards), rate, f"{result.rate / shards:,.1f}")
    console = Console()
    console.print(f"a read {READ_SECONDS * 1000:.0f} ms, a commit {COMMIT_SECONDS * 1000:.0f} ms")
    console.print(sheet)
    return 0


if __name__ == "__main__":
    sys.exit(main())
