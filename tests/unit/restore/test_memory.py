"""Memory does not grow with the data: twenty times as much takes less than 20 MB more."""

import tracemalloc
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any

from chatledger.aws.table import Condition, Delete, Put, Update
from chatledger.aws.wire import Item
from chatledger.ledger.append import append
from tests.fakes.chats import NOON, ORGANIZATION, batch, message, noise
from tests.fakes.faults import FaultyTable
from tests.fakes.restores import Restored

MOST_MORE = 20 * 1024 * 1024
_TEXTS = [noise(1_000, seed) for seed in range(50)]


class Forgetful(FaultyTable):
    """Takes what is written to the ledger and keeps none of it: only what the step holds grows."""

    def update(self, update: Update) -> Item:
        return super().update(update) if update.key.pk[0] in "RJXQP" else {}

    def put(self, item: Item, when: Condition | None = None) -> None:
        if str(item["PK"])[0] in "RJXQP":
            super().put(item, when)

    def transact(self, writes: Sequence[Put | Update | Delete]) -> None:
        if isinstance(writes[0], Put) and str(writes[0].item["PK"])[0] in "RJ":
            super().transact(writes)


def full_world(times: int) -> Restored:
    """``times`` 50 conversations of 20 messages, 1 KB each."""
    world = Restored()
    for number in range(50 * times):
        said = [
            message(n, NOON + timedelta(minutes=n), conversation_id=f"c{number}", content=text)
            for n, text in enumerate(_TEXTS[:20])
        ]
        append(world.ledger, ORGANIZATION, batch(said))
    return world


def peak(work: Callable[[], Any]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def undo_peak(times: int) -> int:
    world = full_world(times)
    world.clear_all(parts=1)
    table = Forgetful(world.table, lambda _: None)
    world.table.journal.clear()
    world.ask(table=table)
    return peak(lambda: world.undo_parts(table=table))


def import_peak(times: int) -> int:
    world = full_world(times)
    world.archived(parts=1)
    world.upload(*world.archive_file(), into="other")
    ledger = world.ledger_on(Forgetful(world.table, lambda _: None))
    world.table.journal.clear()
    return peak(lambda: world.import_all(into="other", ledger=ledger))


def test_an_undo():
    assert undo_peak(20) - undo_peak(1) < MOST_MORE


def test_an_import():
    assert import_peak(20) - import_peak(1) < MOST_MORE
