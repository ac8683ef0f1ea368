"""The protocol, searched through to its end; and each of its rules, broken, is found."""

from dataclasses import fields
from typing import Any

import pytest

from tests.model import appends, clears
from tests.model.search import Found, search

# Rule of the model → what breaking it is called, and the invariant that it violates.
APPENDS = {
    "same_slot_after_conflict": ("the next slot on a TransactionConflict", "I9"),
    "slot_before_look": ("the look-up before reading the last slot", "I5"),
    "waits_for_entries": ("no re-read of a slot's entries not yet visible", "I"),
    "all_revisions_count": ("only the current revision counted as duplicate", "I5"),
    "reads_the_last_slot": ("a cached last slot", "I5"),
    "position_is_a_slot": ("event time as cursor", "I9"),
}
CLEARS = {
    "first_manifest_stands": ("the last manifest wins", "I"),
    "clears_at_the_archived_token": ("no w condition", "I8"),
    "tokens_are_random": ("a counter for w", "I8"),
    "undo_takes_the_lease": ("undo without the lease", "I8"),
    "undo_is_of_its_own": ("undo of any tombstone", "I8"),
    "undo_renews_tokens": ("undo without a fresh w", "I8"),
    "tombstones_win": ("live revisions winning over a cleared newer one", "I11"),
}


def of_appends(**broken: bool) -> Found[Any]:
    model = appends.Model(appends.Rules(**broken))
    return search(appends.initial(), model.steps, model.wrong)


def of_clears(**broken: bool) -> Found[Any]:
    model = clears.Model(clears.Rules(**broken))
    return search(clears.initial(), model.steps, model.wrong)


def test_appends_and_readers_hold_in_every_state():
    found = of_appends()
    assert found.violation is None, found.told()
    assert found.states > 50_000  # An empty search would find nothing either.


def test_clears_and_undos_hold_in_every_state():
    found = of_clears()
    assert found.violation is None, found.told()
    assert found.states > 1_000


@pytest.mark.parametrize("rule", APPENDS)
def test_an_append_without_one_of_its_rules_is_found(rule: str):
    found = of_appends(**{rule: False})
    assert found.violation, f"survives: {APPENDS[rule][0]}"
    assert found.violation.startswith(APPENDS[rule][1]), found.told()


@pytest.mark.parametrize("rule", CLEARS)
def test_a_clear_without_one_of_its_rules_is_found(rule: str):
    found = of_clears(**{rule: False})
    assert found.violation, f"survives: {CLEARS[rule][0]}"
    assert found.violation.startswith(CLEARS[rule][1]), found.told()


def test_every_rule_is_broken_once():
    assert [each.name for each in fields(appends.Rules)] == list(APPENDS)
    assert [each.name for each in fields(clears.Rules)] == list(CLEARS)
