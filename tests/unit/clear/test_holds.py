"""Holds: what they cover, and that no clear touches it."""

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from chatledger.clear.covering import Holds, Spans
from chatledger.clear.holds import MAX_HOLDS, Hold, all_holds, lift_hold, place_hold
from chatledger.errors import Conflict, InvalidDateRange, NotFound, StorageError
from chatledger.export.job import Receipt
from chatledger.ledger import heads, keys
from chatledger.models.holds import HoldRequest
from chatledger.timestamps import Range, from_microseconds, parse_range
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import CONVERSATIONS, MORNING, NOW, World, says
from tests.fakes.faults import Crashed, Fault, FaultyTable, at
from tests.fakes.memory_table import MemoryTable


@pytest.fixture
def world() -> World:
    world = World()
    world.fill()
    return world


def place(world: World, hold_id: str = "H1", **named: Any) -> Hold:
    return place_hold(world.ledger, ORGANIZATION, hold_id, HoldRequest(**named))


def held_contents(world: World) -> Counter[str]:
    """What is still live after a clear of everything."""
    world.archived()
    world.verify()
    world.clear()
    return world.live()


def contents(*conversations: str, numbers: range = range(4)) -> Counter[str]:
    return Counter(f"text {number} of {each}" for each in conversations for number in numbers)


OTHERS = tuple(each for each in CONVERSATIONS if each != "plain")


@pytest.mark.parametrize(
    ("named", "stays"),
    [
        ({"conversation_id": "plain"}, contents("plain")),
        ({"conversation_id": "with#hash"}, contents("with#hash")),
        ({"conversation_id": "nobody"}, contents()),
        ({"user_id": "ann"}, contents(*CONVERSATIONS)),
        ({"user_id": "bob"}, contents()),
        ({"app_id": "shop"}, contents(*CONVERSATIONS)),
        ({"app_id": "help"}, contents()),
        ({"app_id": "shop", "conversation_id": "plain"}, contents("plain")),
        ({"app_id": "help", "conversation_id": "plain"}, contents()),
        ({"app_id": "shop", "user_id": "bob"}, contents()),
        ({"app_id": "shop", "user_id": "ann"}, contents(*CONVERSATIONS)),
        ({"start_date": "2026-11-21"}, contents(*CONVERSATIONS)),
        ({"start_date": "2026-11-22"}, contents()),
        ({"end_date": "2026-11-20"}, contents()),
        (
            {"start_date": "2026-11-21T08:15:00Z", "end_date": "2026-11-21T08:15:00Z"},
            contents(*CONVERSATIONS, numbers=range(1, 2)),
        ),
        (
            {"start_date": "2026-11-21T08:29:59Z", "end_date": "2026-11-21T08:30:00Z"},
            contents(*CONVERSATIONS, numbers=range(1, 3)),
        ),
        (
            {"user_id": "ann", "conversation_id": "b/c", "end_date": "2026-11-21T08:14:00Z"},
            contents("b/c", numbers=range(1)),
        ),
    ],
    ids=str,
)
def test_what_a_hold_covers_stays(world: World, named: dict[str, str], stays: Counter[str]):
    place(world, **named)
    assert held_contents(world) == stays
    held = stays.total()
    assert world.reconcile() == Receipt(exported=20, cleared=20 - held, retained_held=held)
    assert world.job().status == "succeeded"


def test_of_several_holds_one_is_enough(world: World):
    place(world, "H1", conversation_id="plain", end_date="2026-11-21T08:00:00Z")
    place(world, "H2", conversation_id="plain", start_date="2026-11-21T08:45:00Z")
    place(world, "H3", user_id="nobody")
    assert held_contents(world) == contents("plain", numbers=range(0, 4, 3))


def test_a_lifted_hold_holds_nothing(world: World):
    place(world, conversation_id="plain")
    lift_hold(world.ledger, ORGANIZATION, "H1")
    assert not held_contents(world)


def test_another_organizations_hold_holds_nothing_here(world: World):
    """I6."""
    place_hold(world.ledger, "other", "H1", HoldRequest(app_id="shop"))
    assert not held_contents(world)


def test_a_user_whom_the_head_no_longer_names_is_held(world: World):
    """A head knows 50 users; of the others, the links do."""
    crowd = [says("crowded", number, user_id=f"u{number:03}") for number in range(60)]
    world.add(*crowd, users=tuple(f"u{number:03}" for number in range(60)))
    head = heads.load(world.table, ORGANIZATION, world.ledger.shard_of("crowded"), "crowded")
    assert head
    assert "u059" not in head.users
    place(world, user_id="u059")
    assert held_contents(world) == contents("crowded", numbers=range(60))


def test_nobody_talks_a_conversation_out_of_the_hold_on_its_app(world: World):
    place(world, app_id="shop")
    world.add(says("plain", 9), app_id="help")
    kept = (
        contents(*OTHERS)
        + contents("plain", numbers=range(4))
        + contents("plain", numbers=range(9, 10))
    )
    assert held_contents(world) == kept


def test_a_conversation_of_too_many_apps_to_remember_is_held_for_any(world: World):
    for number in range(heads.MAX_KNOWN_APPS + 3):
        world.add(says("plain", 9 + number), app_id=f"app {number}")
    place(world, app_id="never said")
    assert {each.rpartition(" ")[2] for each in held_contents(world)} == {"plain"}


def test_many_held_users_of_a_crowd_are_looked_up_together(world: World):
    world.add(says("crowded", 0), users=tuple(f"u{number:03}" for number in range(60)))
    for number in range(500):
        place(world, f"H{number}", user_id=f"nobody {number}")
    world.archived(parts=1)
    start = len(world.table.journal)
    world.clear()
    assert not world.live()
    looks = [each for each in world.table.journal[start:] if each.keys[0].pk.startswith("U#")]
    assert len(looks) <= 5 * 2


def test_in_doubt_it_is_held(world: World):
    """Without its head, nobody knows whose a conversation is."""
    world.archived()
    place(world, "H1", app_id="help")
    world.table.delete(keys.head(ORGANIZATION, world.ledger.shard_of("plain"), "plain"))
    world.clear()
    assert world.live() == contents("plain")
    lift_hold(world.ledger, ORGANIZATION, "H1")
    place(world, "H2", user_id="bob", start_date="2026-11-21T08:30:00Z")
    world.clear()
    assert world.live() == contents("plain", numbers=range(2, 4))


def test_a_hold_that_comes_while_a_clear_runs_is_seen_by_its_next_batch(world: World):
    world.fill(300, ("long",))
    world.archived(parts=1)
    batches = 0

    class Placing(MemoryTable):
        def get_many(self, keys: Any) -> Any:
            nonlocal batches
            batches += len(keys) > 1
            if batches == 2:
                place(world, conversation_id="long")
            return super().get_many(keys)

    table = world.table
    world.clear(table=Placing(table.journal, table._partitions, table._sorted, table._lock))
    cleared = Counter(entry.place.conversation_id for entry in world.tombstones())
    assert 100 < cleared["long"] <= 200
    receipt = world.reconcile()
    assert receipt.cleared == len(world.tombstones())
    assert receipt.cleared + receipt.retained_held == 320


def test_many_holds_cost_a_batch_no_more_requests(world: World):
    """Holds times entries would be a hundred thousand questions; it is a read of the heads."""

    def requests(count: int) -> Counter[str]:
        world = World()
        world.fill(20)
        for number in range(count):
            named = ({"conversation_id": f"c{number}"}, {"user_id": f"u{number}"})
            place(world, f"H{number}", **named[number % 2])
        world.archived(parts=1)
        start = len(world.table.journal)
        world.clear()
        assert not world.live()
        return Counter(world.table.operations()[start:])

    assert requests(900) == requests(3)


def test_a_hold_is_active_after_a_minute(world: World):
    hold = place(world, name="case 17", user_id="ann")
    assert hold.answer(NOW)["status"] == "pending"
    assert hold.answer(NOW + timedelta(seconds=59))["status"] == "pending"
    assert hold.answer(NOW + timedelta(seconds=60)) == {
        "hold_id": "H1",
        "status": "active",
        "created_at": "2026-12-01T00:00:00Z",
        "active_at": "2026-12-01T00:01:00Z",
        "name": "case 17",
        "reason": None,
        "conversation_id": None,
        "user_id": "ann",
        "app_id": None,
        "start_date": None,
        "end_date": None,
    }


def test_there_is_a_most_of_holds_but_a_repeat_is_always_answered(world: World):
    for number in range(MAX_HOLDS):
        place(world, f"H{number:04}", user_id="ann")
    with pytest.raises(Conflict):
        place(world, "one more", user_id="ann")
    assert place(world, "H0999", user_id="ann").hold_id == "H0999"
    assert len(all_holds(world.table, ORGANIZATION)) == MAX_HOLDS


def test_a_hold_that_is_not_there_cannot_be_lifted(world: World):
    with pytest.raises(NotFound):
        lift_hold(world.ledger, ORGANIZATION, "H1")


@pytest.mark.parametrize("fault", list(Fault))
@pytest.mark.parametrize("call", [1, 2, 3])
def test_a_fault_then_a_repeat_places_one_hold(world: World, fault: Fault, call: int):
    table = FaultyTable(world.table, at({call: fault}))
    request = HoldRequest(user_id="ann")
    try:
        made = place_hold(world.ledger_on(table), ORGANIZATION, "H1", request)
    except (StorageError, Crashed):
        made = place_hold(world.ledger, ORGANIZATION, "H1", request)
    assert table.hits
    assert all_holds(world.table, ORGANIZATION) == [made]


@pytest.mark.parametrize(
    "wrong", [{}, {"name": "n"}, {"conversation_id": ""}, {"user": "ann"}, {"user_id": 7}], ids=str
)
def test_a_hold_of_nothing_is_refused(wrong: dict[str, Any]):
    with pytest.raises(ValidationError):
        HoldRequest.model_validate(wrong)


def test_a_hold_with_its_ends_swapped_is_refused():
    with pytest.raises(InvalidDateRange):
        HoldRequest(start_date="2026-02-01", end_date="2026-01-01")


MINUTES = st.integers(0, 300).map(lambda minutes: MORNING + timedelta(minutes=minutes))
RANGES = st.builds(
    lambda start, length: Range(start, start and start + length if length else None),
    st.one_of(st.none(), MINUTES),
    st.one_of(st.none(), st.integers(1, 90).map(lambda minutes: timedelta(minutes=minutes))),
)


@given(st.lists(RANGES, max_size=8), st.integers(0, 24))
def test_a_union_of_ranges_touches_what_one_of_them_does(ranges: list[Range], number: int):
    begin = MORNING + timedelta(minutes=15 * number)
    end = begin + timedelta(minutes=15)
    touched = any(
        (each.start is None or each.start < end) and (each.end is None or each.end > begin)
        for each in ranges
    )
    quarter = (begin.date().isoformat(), f"{begin:%H%M}")
    assert Spans(ranges).touch(quarter) == touched


def test_the_calendars_ends_can_be_asked():
    assert Spans([parse_range("9999-12-31", None)]).touch(("9999-12-31", "2345"))
    assert Spans([parse_range(None, "0001-01-01")]).touch(("0001-01-01", "0000"))
    assert not Spans([]).touch(("9999-12-31", "2345"))
    assert from_microseconds(0).year == 1970


def test_without_holds_no_head_is_read(world: World):
    covered = Holds(FaultyLedger(world).ledger, ORGANIZATION, []).covered(CONVERSATIONS)
    assert not covered.holds("plain", ("2026-11-21", "0800"))


class FaultyLedger:
    """Whose every request fails."""

    def __init__(self, world: World) -> None:
        self.ledger = world.ledger_on(FaultyTable(world.table, lambda _: Fault.BUSY))
