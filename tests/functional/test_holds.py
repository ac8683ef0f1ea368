"""Holds and acknowledgements through the API, and a clear by the functions' own handlers."""

import importlib
import json
from typing import Any

import pytest

from chatledger.aws.states import Status
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.functional.test_api_access import make_key


class Context:
    """Of a function that has its whole time before it."""

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


def handler(function: str) -> Any:
    return importlib.import_module(f"functions.{function}.app").lambda_handler


def run_step(function: str, event: dict[str, Any]) -> dict[str, Any]:
    """Calls it as a state machine does, again until it is done."""
    while True:
        answer = json.loads(json.dumps(handler(function)(event, Context())))
        if answer.get("done", True):
            return answer


def run_workflow(below: Below, execution: str) -> None:
    """The steps of ``export.asl.json``, one after the other."""
    told = below.export_machine.started[execution]
    ids = {"organization": told["organization"], "export_id": told["export_id"]}
    if told["from"] == "plan":
        plan = run_step("plan", ids)
        for each in json.loads(below.exports.objects[plan["key"]]):
            run_step("write_part", {**ids, **each})
        told = run_step("finish", ids)
        if told["next"] == "end":
            return
    parts = json.loads(below.archive.objects[told["key"]])
    for function in ("verify", "clear"):
        for each in parts:
            assert run_step(function, {**ids, **each})["part"] == each["part"]
    assert run_step("reconcile", ids)["done"]


@pytest.fixture
def chats(gateway: Gateway) -> Gateway:
    for conversation in ("c1", "c2"):
        messages = [
            {"id": f"m{n}", "content": f"text {n}", "timestamp": f"2026-10-01T0{n}:00:00Z"}
            for n in range(4)
        ]
        body = {"conversation_id": conversation, "user_id": f"of {conversation}"}
        assert gateway.post("/chats", {**body, "messages": messages}).status == 201
    return gateway


def cleared(gateway: Gateway, below: Below, **asked: Any) -> dict[str, Any]:
    started = gateway.post("/exports", {"format": "archive", "clear": True, **asked})
    assert started.status == 202, started.text
    export_id = started.json()["export_id"]
    run_workflow(below, export_id)
    return gateway.get(f"/exports/{export_id}").json()


def test_a_hold_is_placed_listed_and_lifted(gateway: Gateway):
    placed = gateway.post("/holds", {"name": "case 17", "user_id": "ann", "end_date": "2026-10-31"})
    assert placed.status == 201
    hold = placed.json()
    assert hold["status"] == "pending"
    assert hold["hold_id"].startswith("hold_")
    assert gateway.get("/holds").json() == {"holds": [hold]}
    assert gateway.call("DELETE", f"/holds/{hold['hold_id']}").status == 204
    assert gateway.get("/holds").json() == {"holds": []}
    again = gateway.call("DELETE", f"/holds/{hold['hold_id']}")
    assert (again.status, again.code) == (404, "not_found")


def test_a_repeat_under_its_key_places_one_hold(gateway: Gateway):
    headers = {"Idempotency-Key": "case-17"}
    first = gateway.post("/holds", {"user_id": "ann"}, headers=headers)
    assert gateway.post("/holds", {"user_id": "ann"}, headers=headers).json() == first.json()
    assert len(gateway.get("/holds").json()["holds"]) == 1
    other = gateway.post("/holds", {"user_id": "bob"}, headers=headers)
    assert (other.status, other.code) == (422, "idempotency_mismatch")


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        ({}, 400, "invalid_request"),
        ({"name": "nothing named"}, 400, "invalid_request"),
        ({"user": "ann"}, 400, "invalid_request"),
        ({"user_id": "ann", "start_date": "soon"}, 400, "invalid_date_range"),
        ({"start_date": "2026-02-01", "end_date": "2026-01-01"}, 400, "invalid_date_range"),
        ({"user_id": "ann", "reason": "\u20ac" * 1000}, 413, "payload_too_large"),
    ],
    ids=str,
)
def test_a_hold_that_cannot_be_is_refused(
    gateway: Gateway, body: dict[str, Any], status: int, code: str
):
    reply = gateway.post("/holds", body)
    assert (reply.status, reply.code) == (status, code)
    assert gateway.get("/holds").json() == {"holds": []}


def test_holds_are_an_owners(gateway: Gateway):
    admin = gateway.with_key(make_key(gateway, "admin")["key"])
    for method, path in (("POST", "/holds"), ("GET", "/holds"), ("DELETE", "/holds/x")):
        assert (
            admin.call(method, path, {"user_id": "a"} if method == "POST" else None).status == 403
        )


def test_holds_of_another_organization_are_not_there(gateway: Gateway):
    """I6."""
    hold = gateway.post("/holds", {"user_id": "ann"}).json()
    other = gateway.with_key(make_key(gateway, "owner", organization_id="other")["key"])
    assert other.get("/holds").json() == {"holds": []}
    assert other.call("DELETE", f"/holds/{hold['hold_id']}").status == 404
    assert len(gateway.get("/holds").json()["holds"]) == 1


def test_a_clear_by_the_functions_leaves_a_receipt(chats: Gateway, below: Below):
    job = cleared(chats, below)
    assert job["status"] == "succeeded"
    clear = job["clear"]
    assert (clear["status"], clear["exported"], clear["cleared"]) == ("cleared", 8, 8)
    assert clear["undo_until"]
    assert chats.get("/chats/c1").status == chats.get("/chats/c2").status == 404


def test_what_is_held_stays(chats: Gateway, below: Below):
    chats.post("/holds", {"user_id": "of c1", "start_date": "2026-10-01T02:00:00Z"})
    below.export_machine.statuses.clear()
    started = chats.post("/exports", {"format": "archive", "clear": True}).json()["export_id"]
    told = below.export_machine.started[started]
    ids = {"organization": told["organization"], "export_id": started}
    plan = run_step("plan", ids)
    for each in json.loads(below.exports.objects[plan["key"]]):
        run_step("write_part", {**ids, **each})
    finish = run_step("finish", ids)
    for each in json.loads(below.archive.objects[finish["key"]]):
        run_step("clear", {**ids, **each})
    page = chats.get("/chats/c1").json()
    assert [message["id"] for message in page["messages"]] == ["m2", "m3"]
    assert chats.get("/chats/c2").status == 404


def test_an_acknowledged_clear(chats: Gateway, below: Below):
    job = cleared(chats, below, clear_on="acknowledged")
    assert (job["status"], job["clear"]["status"]) == ("running", "awaiting_acknowledgement")
    place = f"/exports/{job['export_id']}/acknowledge"
    wrong = chats.post(place, {"root_hash": "0" * 64})
    assert (wrong.status, wrong.code) == (400, "invalid_request")
    right = chats.post(place, {"root_hash": job["manifest"]["root_hash"]})
    assert right.status == 202
    assert right.headers["Location"] == f"/exports/{job['export_id']}"
    assert right.json()["clear"]["status"] == "pending"
    again = chats.post(place, {"root_hash": job["manifest"]["root_hash"]})
    assert (again.status, again.json()["clear"]) == (202, right.json()["clear"])
    run_workflow(below, f"{job['export_id']}-clear")
    done = chats.get(f"/exports/{job['export_id']}").json()
    assert (done["status"], done["clear"]["cleared"]) == ("succeeded", 8)


@pytest.mark.parametrize("root_hash", ["", "0" * 63, "g" * 64, None, 7], ids=str)
def test_what_is_no_hash_is_refused(gateway: Gateway, root_hash: Any):
    reply = gateway.post("/exports/E1/acknowledge", {"root_hash": root_hash})
    assert (reply.status, reply.code) == (400, "invalid_request")


def test_what_is_not_there_cannot_be_acknowledged(gateway: Gateway):
    reply = gateway.post("/exports/E1/acknowledge", {"root_hash": "0" * 64})
    assert (reply.status, reply.code) == (404, "not_found")


@pytest.mark.parametrize("status", ["FAILED", "ABORTED"])
def test_what_its_execution_left_is_ended_by_the_sweep(
    chats: Gateway, below: Below, status: Status
):
    started = chats.post("/exports", {"format": "archive", "clear": True}).json()["export_id"]
    below.export_machine.statuses[started] = status
    handler("sweep")({}, Context())
    job = chats.get(f"/exports/{started}").json()
    assert (job["status"], job["clear"]["status"]) == ("failed", "pending")
    assert chats.get("/chats/c1").status == 200


def test_what_its_execution_left_is_ended_by_the_rule(chats: Gateway, below: Below):
    started = chats.post("/exports", {"format": "archive", "clear": True}).json()["export_id"]
    told = json.dumps(below.export_machine.started[started])
    arn = f"arn:aws:states:eu-central-1:123456789012:execution:machine:{started}"
    event = {"detail": {"status": "ABORTED", "executionArn": arn, "input": told}}
    assert handler("ended")(event, Context()) is None
    assert chats.get(f"/exports/{started}").json()["status"] == "failed"


def test_steps_log_ids_and_nothing_else(
    chats: Gateway, below: Below, caplog: pytest.LogCaptureFixture
):
    caplog.clear()
    cleared(chats, below)
    said = [vars(record) for record in caplog.records if record.message == "step"]
    assert len(said) >= 6
    for word in ("text 1", "of c1", "c2", "clk_"):
        assert not any(word in str(value) for fields in said for value in fields.values())
