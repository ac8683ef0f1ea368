"""An export and its clear, from the plan to the receipt, as the workflow runs them."""

from collections import Counter
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.aws.table import Equals, Update
from chatledger.clear.holds import place_hold
from chatledger.export import chunk
from chatledger.export.begin import Wanted, export
from chatledger.export.exporter import Exporter
from chatledger.export.job import Job, Receipt
from chatledger.export.steps import finish_export, plan_export, write_export_part
from chatledger.ledger.append import append
from chatledger.models.exports import ExportRequest
from chatledger.models.holds import HoldRequest
from tests.fakes.chats import ORGANIZATION, batch, noise
from tests.fakes.clears import CONVERSATIONS, World, says
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable
from tests.unit.clear.test_clearing import archived_contents


def written(world: World, export_id: str = "E1", **asked: Any) -> dict[str, Any]:
    """An export that clears, up to where its workflow would verify."""
    exporter = Exporter(world.ledger, world.exports, world.archive, MemorySigner())
    request = ExportRequest.model_validate({"format": "archive", "clear": True, **asked})
    states = MemoryStates()
    export(exporter, states, Wanted(ORGANIZATION, export_id, request), timedelta(0))
    place = plan_export(exporter, ORGANIZATION, export_id)
    for each in msgspec.json.decode(world.exports.get(place["key"]) or b"[]"):
        until = world.later
        while not write_export_part(exporter, ORGANIZATION, export_id, each["part"], until):
            pass
    return finish_export(exporter, ORGANIZATION, export_id, world.later)


def cleared(world: World, export_id: str = "E1", **asked: Any) -> Job:
    assert written(world, export_id, **asked)["next"] == "verify"
    world.verify(export_id)
    world.clear(export_id)
    world.reconcile(export_id)
    return world.job(export_id)


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    """Some conversations, and chunks small enough that there are several."""
    monkeypatch.setattr(chunk, "CHUNK_BYTES", 2000)
    world = World()
    world.fill(6)
    world.add(*(says("long", number, content=noise(900, number)) for number in range(12)))
    revised = says("plain", 2, content="corrected")
    world.add(revised)
    return world


@pytest.mark.parametrize("format", ["archive", "csv", "jsonl"])
def test_everything_that_is_exported_is_cleared(world: World, format: str):
    before = world.live()
    anonymize = {} if format == "archive" else {"anonymize": False}
    job = cleared(world, format=format, **anonymize)
    assert world.receipt() == Receipt(exported=43, cleared=43)
    assert job.status == "succeeded"
    assert not world.live()
    assert archived_contents(world) == before
    assert world.parts() > 1


def test_a_range_is_cleared_and_no_more(world: World):
    job = cleared(world, start_date="2026-11-21T08:15:00Z", end_date="2026-11-21T08:44:59Z")
    assert job.status == "succeeded"
    left = world.live()
    assert all(
        left[f"text 0 of {each}"] == left[f"text 3 of {each}"] == 1 for each in CONVERSATIONS
    )
    assert not any(left[f"text {n} of {each}"] for n in (1, 2) for each in CONVERSATIONS)
    assert not left["corrected"]


def test_filters_choose_what_is_cleared(world: World):
    cleared(world, filters={"conversation_id": ["plain", "with#hash"]})
    assert world.receipt() == Receipt(exported=13, cleared=13)
    assert world.live().total() == 30


def test_a_second_clear_finds_only_what_came_since(world: World):
    """I5, I8: what is cleared stays cleared; nothing is in two archives."""
    cleared(world, "E1")
    world.add(says("plain", 40), says("plain", 41))
    cleared(world, "E2")
    assert world.receipt("E2") == Receipt(exported=2, cleared=2)
    assert not archived_contents(world, "E1") & archived_contents(world, "E2")


def test_a_late_repeat_of_what_was_cleared_is_a_duplicate(world: World):
    cleared(world)
    done = append(world.ledger, ORGANIZATION, batch([says("plain", 0)]))
    assert done.inserted == 0
    assert not world.live()


def test_a_revision_after_the_archive_stays_with_its_conversation(world: World):
    written(world)
    world.add(says("plain", 3, content="corrected later"))
    world.verify()
    world.clear()
    assert world.reconcile() == Receipt(exported=43, cleared=43)
    assert world.live() == Counter(["corrected later"])


def test_holds_are_obeyed(world: World):
    place_hold(world.ledger, ORGANIZATION, "H1", HoldRequest(conversation_id="long"))
    cleared(world)
    assert world.receipt() == Receipt(exported=43, cleared=31, retained_held=12)


def test_an_export_of_nothing_clears_nothing(world: World):
    what_next = written(world, start_date="2020-01-01", end_date="2020-01-02")
    assert what_next["next"] == "end"
    job = world.job()
    assert job.status == "succeeded"
    assert job.clear
    assert job.clear.receipt == Receipt()


def test_one_that_waits_is_cleared_by_nobody(world: World):
    assert written(world, clear_on="acknowledged")["next"] == "end"
    clear = world.job().clear
    assert clear
    assert clear.status == "awaiting_acknowledgement"


def test_every_write_to_an_entry_is_conditional_on_its_token(world: World):
    writes = list[Update]()

    class Watching(MemoryTable):
        def update(self, update: Update) -> Any:
            writes.append(update)
            return super().update(update)

    written(world)
    table = world.table
    tokens = {entry.key: entry.token for entry in world.entries()}
    world.clear(table=Watching(table.journal, table._partitions, table._sorted, table._lock))
    for write in writes:
        assert write.when == Equals("w", tokens[write.key])
        assert write.put["w"] != tokens[write.key]
    assert len(writes) == len(tokens)
