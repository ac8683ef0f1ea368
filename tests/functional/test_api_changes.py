"""GET /changes and since over the API: cursors are sealed, bound, and lead on."""

from typing import Any

import pytest

from chatledger.ledger import keys
from functions.adopt_table import app as adopt_table
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below

WAIT = {"Prefer": "wait=20"}


def say(gateway: Gateway, *names: str) -> None:
    messages = [
        {"id": name, "content": f"text of {name}", "timestamp": "2026-11-01T10:00:00Z"}
        for name in names
    ]
    reply = gateway.post("/chats", {"conversation_id": "c", "messages": messages})
    assert reply.status == 201


def export(gateway: Gateway, **asked: Any) -> dict[str, Any]:
    reply = gateway.post("/exports", {"format": "archive", **asked}, headers=WAIT)
    assert reply.status == 201, reply.text
    return reply.json()


def test_changes_lead_on_and_so_does_an_export_from_their_cursor(gateway: Gateway):
    say(gateway, "a", "b")
    page = gateway.get("/changes?limit=1").json()
    assert [each["id"] for each in page["changes"]] == ["a"]
    assert not page["end_of_stream"]
    page = gateway.get(f"/changes?cursor={page['cursor']}").json()
    assert [each["id"] for each in page["changes"]] == ["b"]
    assert page["end_of_stream"]
    say(gateway, "c")
    job = export(gateway, since=page["cursor"])
    assert job["counts"]["messages"] == 1
    assert gateway.get(f"/changes?cursor={job['cursor']}").json()["changes"] == []


def test_a_change_has_what_was_sent(gateway: Gateway):
    say(gateway, "a")
    (change,) = gateway.get("/changes").json()["changes"]
    assert change == {
        "type": "message",
        "conversation_id": "c",
        "id": "a",
        "timestamp": "2026-11-01T10:00:00Z",
        "role": "user",
        "content": "text of a",
        "user_id": None,
    }


def test_a_cursor_inside_a_large_append_is_for_changes_only(gateway: Gateway):
    say(gateway, "a", "b")
    cursor = gateway.get("/changes?limit=1").json()["cursor"]
    reply = gateway.post("/exports", {"format": "archive", "since": cursor})
    assert (reply.status, reply.code) == (400, "invalid_request")


@pytest.mark.parametrize("damage", ["changed", "of another list", "nonsense", "another's"])
def test_a_cursor_that_was_not_given_out_is_refused(gateway: Gateway, damage: str):
    say(gateway, "a")
    good = export(gateway)["cursor"]
    made = gateway.post("/keys", {"role": "admin", "name": "x", "organization_id": "other"})
    other = gateway.with_key(made.json()["key"])
    cursor, caller = {
        "changed": (good[:-1] + ("A" if good[-1] != "A" else "B"), gateway),
        "of another list": (gateway.get("/exports?limit=1").json()["next_cursor"] or "x", gateway),
        "nonsense": ("last but one", gateway),
        "another's": (good, other),
    }[damage]
    reply = caller.get(f"/changes?cursor={cursor.replace(' ', '%20')}")
    assert (reply.status, reply.code) == (400, "invalid_cursor")
    reply = caller.post("/exports", {"format": "archive", "since": cursor})
    assert (reply.status, reply.code) == (400, "invalid_cursor")


def test_after_an_adoption_older_cursors_are_gone(gateway: Gateway):
    say(gateway, "a")
    cursor = export(gateway, since="last", name="nightly")["cursor"]
    assert adopt_table.lambda_handler({}, None)["epoch"]
    for reply in (
        gateway.get(f"/changes?cursor={cursor}"),
        gateway.post("/exports", {"format": "archive", "since": cursor}),
        gateway.post("/exports", {"format": "archive", "since": "last", "name": "nightly"}),
    ):
        assert (reply.status, reply.code) == (410, "gone")
    anew = export(gateway, since="last", name="anew")
    assert gateway.get(f"/changes?cursor={anew['cursor']}").status == 200


def test_slots_that_are_no_longer_kept_are_gone(gateway: Gateway, below: Below):
    say(gateway, "a")
    say(gateway, "b")
    slot, _ = below.table.keys_of_kind("S")
    assert slot == keys.slot("default", int(slot.pk[-2:]), 1)
    below.table.delete(slot)
    assert gateway.get("/changes").status == 410


def test_a_dry_run_counts_what_came_since(gateway: Gateway):
    say(gateway, "a", "b")
    cursor = export(gateway)["cursor"]
    say(gateway, "c")
    asked = {"format": "archive", "since": cursor, "dry_run": True}
    assert gateway.post("/exports", asked).json()["counts"]["messages"] == 1


def test_a_reader_may_follow_and_may_not_export(gateway: Gateway):
    made = gateway.post("/keys", {"role": "reader", "name": "x"}).json()
    reader = gateway.with_key(made["key"])
    assert reader.get("/changes").status == 200
    assert reader.post("/exports", {"format": "archive", "since": "last"}).status == 403
