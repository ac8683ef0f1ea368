"""Entries are never cut: an archive that comes back into its own ledger leaves nothing behind."""

import gzip
import random
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.formats.members import read_lines
from chatledger.messages import Message
from chatledger.restore import records
from chatledger.restore.import_file import import_file
from chatledger.restore.job import Counts, Position
from chatledger.restore.records import Reader, Unit
from tests.fakes.audit import audit
from tests.fakes.chats import NOON, ORGANIZATION, message, noise
from tests.fakes.restores import IMPORT, Restored, compressed_anew
from tests.unit.restore.test_histories import showing

OTHER = "other org"
Change = Callable[[bytes], bytes]
ways = pytest.mark.parametrize(
    "change", [lambda data: data, compressed_anew], ids=["as downloaded", "compressed anew"]
)
listed = pytest.mark.parametrize("with_manifest", [True, False], ids=["manifest", "none"])


def many(quarter: int, count: int, size: int) -> list[Message]:
    start = NOON + timedelta(minutes=15 * quarter)
    return [
        message(1000 * quarter + n, start + timedelta(seconds=n), content=f"{n} " + "x" * size)
        for n in range(count)
    ]


def comes_back(world: Restored, change: Change, *, with_manifest: bool) -> None:
    """Cleared and imported all is as it was; elsewhere the same shows, and again adds nothing."""
    before, shown = world.live(), showing(world, ORGANIZATION)
    count = sum(before.values())
    world.clear_all()
    assert not world.live()
    archive, manifest = world.archive_file()
    files = change(archive), manifest if with_manifest else None
    assert world.restore(*files, "I1") == Counts(restored=count)
    assert world.live() == before
    assert world.restore(*files, "I2", OTHER) == Counts(restored=count)
    assert world.restore(*files, "I3", OTHER) == Counts(already_there=count)
    for organization in (ORGANIZATION, OTHER):
        assert showing(world, organization) == shown
        for entry in audit(world.ledger, organization).entries:
            ids = [(each.id, each.timestamp) for each in entry.messages()]
            assert len(ids) == len(set(ids)), "a reader takes an entry's messages as they are"


@ways
@listed
def test_entries_of_300_kb(change: Change, with_manifest: bool):
    world = Restored()
    for quarter in range(10):
        world.add(*many(quarter, 100, 3000))
    comes_back(world, change, with_manifest=with_manifest)


@ways
@listed
def test_a_quarter_hour_of_many_large_entries(change: Change, with_manifest: bool):
    world = Restored()
    for turn in range(6):
        world.add(*(replaced(each, id=f"{turn}-{each.id}") for each in many(0, 100, 7000)))
    comes_back(world, change, with_manifest=with_manifest)


@ways
@listed
def test_an_entry_that_begins_before_a_revision_of_another(change: Change, with_manifest: bool):
    world = Restored()
    first, second = message(0), message(1)
    world.add(second)
    world.add(first, replaced(second, content="revised"))
    world.add(replaced(first, content="revised"), replaced(second, content="revised again"))
    comes_back(world, change, with_manifest=with_manifest)


@pytest.mark.parametrize("seed", range(15))
@ways
@listed
def test_any_requests(seed: int, change: Change, with_manifest: bool):
    """Some revise many messages, some are large, some are of many quarter hours."""
    dice, world = random.Random(seed), Restored()
    for turn in range(12):
        conversation = dice.choice("ab")
        numbers = dice.sample(range(40), dice.choice([1, 2, 10, 40]))
        size, minutes = dice.choice([1, 10_000, 40_000]), dice.choice([0, 1, 15])
        said = [
            message(
                number,
                NOON + timedelta(minutes=minutes * number),
                conversation_id=conversation,
                content=f"{turn} {number} " + "x" * size,
            )
            for number in numbers
        ]
        world.add(*said)
    comes_back(world, change, with_manifest=with_manifest)


def test_more_revisions_than_a_slot_has_entries():
    world = Restored()
    for turn in range(130):
        world.add(message(1, content=f"{turn}"), message(2, content=f"{turn // 2}"))
    comes_back(world, compressed_anew, with_manifest=False)


def replaced(each: Message, **changes: Any) -> Message:
    return msgspec.structs.replace(each, **changes)


# --- units without a manifest ------------------------------------------------------------------


def units(data: bytes, begun: Position | None = None) -> list[Unit]:
    begun = begun or Position()
    return list(Reader(begun, begun.lines).units([data[begun.offset :]]))


def test_a_quarter_hour_that_is_large_is_cut_where_a_member_begins(
    monkeypatch: pytest.MonkeyPatch,
):
    world = Restored()
    for turn in range(6):
        world.add(*(message(100 * turn + n, NOON, content=noise(500, n)) for n in range(4)))
    world.archived()
    archive, _ = world.archive_file()
    monkeypatch.setattr(records, "_RUN_BYTES", 3000)
    assert [len(unit) for unit in units(archive)] == [1, 8, 8, 8]
    assert [len(unit) for unit in units(compressed_anew(archive))] == [1, 24]
    monkeypatch.setattr(records, "_MAX_RUN_BYTES", 5000)
    cut = units(compressed_anew(archive))
    assert max(sum(len(each.line) for each in unit) for unit in cut) <= 5000
    assert sum(len(unit) for unit in cut) == 25


def test_who_goes_on_begins_with_the_next_unit():
    world = Restored()
    world.add(*(message(n, NOON + timedelta(minutes=5 * n)) for n in range(12)))
    world.archived()
    data = compressed_anew(world.archive_file()[0])
    whole = units(data)
    assert [len(unit) for unit in whole] == [1, 3, 3, 3, 3]
    for number, unit in enumerate(whole, 1):
        assert units(data, unit[-1].after) == whole[number:]


# --- heads without messages --------------------------------------------------------------------


def test_time_is_looked_at_where_only_heads_come():
    lines = (
        msgspec.json.encode(
            {"record": "head", "conversation_id": f"h{n}", "first_day": "", "last_day": ""}
        )
        for n in range(2500)
    )
    world, calls = Restored(), 1
    world.upload(gzip.compress(b"\n".join(lines) + b"\n"))
    while not import_file(world.ledger, world.exports, ORGANIZATION, IMPORT, world.clock.now()):
        assert world.restore_job(IMPORT).progress.conversations == min(1000 * calls, 2500)
        calls += 1
    assert calls == 4
    assert world.restore_job(IMPORT).progress.conversations == 2500


def test_members_of_ours_are_entries():
    """What is relied on without a manifest."""
    world = Restored()
    for turn in range(3):
        world.add(*(message(10 * turn + n, NOON) for n in range(3)))
    world.archived()
    lines = read_lines([world.archive_file()[0]])
    assert [line.member is not None for line in lines][1:] == [True, False, False] * 3
