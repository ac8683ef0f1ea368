"""The state machine, a short run of it; and that it finds what is broken on purpose."""

from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any
from unittest.mock import patch

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from chatledger.aws.table import Equals, Update
from chatledger.clear import clearing
from chatledger.ledger import append as appending
from chatledger.ledger.entries import Entry, revival, tombstone
from chatledger.restore import undo_part
from tests.machine.rules import TIMES, Service
from tests.machine.world import FIGURES, LONG_ENOUGH

SHORT = settings(
    max_examples=60,
    stateful_step_count=40,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=False,
    # What it finds is told as it was found: to shrink and to explain take minutes.
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


def test_nothing_is_lost_or_doubled_whatever_happens_in_whatever_order():
    before = Counter(FIGURES)
    run_state_machine_as_test(Service, settings=SHORT)
    done = FIGURES - before
    # An empty run would find nothing either.
    assert done[LONG_ENOUGH] >= 40
    assert done["faults"] > 200
    assert done["messages cleared"] > 50
    assert done["exports succeeded, clear undone"] > 3


# --- what must be found ------------------------------------------------------------------------


@contextmanager
def clear_without_a_token() -> Iterator[None]:
    """A clear that takes an entry whoever wrote it since."""

    def careless(entry: Entry, job: str, now: Any) -> Any:
        return replace(tombstone(entry, job, now), when=None)

    with patch.object(clearing, "tombstone", careless):
        yield


@contextmanager
def undo_without_a_fresh_token() -> Iterator[None]:
    """What comes back has the token of before, which a late clear still holds."""
    tokens: dict[Any, bytes] = {}

    def remembering(entry: Entry, job: str, now: Any) -> Any:
        tokens[entry.key] = entry.token
        return tombstone(entry, job, now)

    def stale(cleared: Entry, payload: bytes, restored_by: str | None = None) -> Any:
        update = revival(cleared, payload, restored_by)
        return replace(update, put={**update.put, "w": tokens.get(cleared.key, cleared.token)})

    with (
        patch.object(clearing, "tombstone", remembering),
        patch.object(undo_part, "revival", stale),
        patch.object(undo_part, "refreshed", _untouched),
    ):
        yield


@contextmanager
def only_the_current_revision_counts() -> Iterator[None]:
    """A late repeat of an older revision is taken for a new one."""

    real = appending.held_entries

    def newest_only(*args: Any) -> Iterator[Entry]:
        found = sorted(real(*args), key=lambda entry: entry.place.slot)
        yield from found[-1:]

    with patch.object(appending, "held_entries", newest_only):
        yield


def _untouched(entry: Entry) -> Update:
    return Update(entry.key, put={"w": entry.token}, when=Equals("w", entry.token))


def test_what_is_broken_on_purpose_is_found():
    with only_the_current_revision_counts(), pytest.raises(AssertionError):
        run_state_machine_as_test(Service, settings=settings(SHORT, max_examples=400))


def a_clear_comes_late() -> None:
    """One write of a clear gets no answer, and comes when the clear is done and undone."""
    service = Service()
    try:
        service.begin([("acme", "a", [(0, TIMES[0], 0)])])
        service.clear("acme", {}, False, None, False)
        (execution,) = service.world.running()
        service.world.advance(execution, 4)  # plan, write part, finish, verify
        service.world.delay("update")
        service.world.advance(execution, 40)
        service.check()
        service.undo_a_clear(0, None, True)
        service.check()
        assert len(service.world.faults.late) == 1
        service.release()
        service.check()
    finally:
        service.teardown()


def test_a_clear_that_comes_late_changes_nothing():
    a_clear_comes_late()


@pytest.mark.parametrize("broken", [clear_without_a_token, undo_without_a_fresh_token])
def test_and_is_found_where_it_does(broken: Callable[[], Any]):
    """Found by the search as well, which takes a hundred runs and more."""
    with broken(), pytest.raises(AssertionError, match="I8"):
        a_clear_comes_late()
