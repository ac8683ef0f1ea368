"""Exports through the API: in the request, handed to the state machine, run by its steps."""

import json
from dataclasses import dataclass
from typing import Any

import pytest

from chatledger.api.step import StepFailed
from chatledger.jobs.ended import Ended
from functions.finish import app as finish
from functions.plan import app as plan
from functions.write_part import app as write_part
from tests.fakes.gateway import Gateway, Reply
from tests.functional.conftest import Below

CSV = {"format": "csv", "anonymize": False}
WAITING = {"Prefer": "wait=20"}


@dataclass
class Context:
    """What the platform hands to a function beside the event."""

    milliseconds: int = 900_000

    def get_remaining_time_in_millis(self) -> int:
        return self.milliseconds


@pytest.fixture
def filled(gateway: Gateway) -> Gateway:
    for number in range(3):
        messages = [
            {"content": f"text {each}", "timestamp": f"2026-10-0{each}T10:00:00Z"}
            for each in range(1, 5)
        ]
        body = {"conversation_id": f"c{number}", "user_id": "ann", "messages": messages}
        assert gateway.post("/chats", body).status == 201
    return gateway


def run_by_the_machine(below: Below, export_id: str, time_left: int = 900_000) -> dict[str, Any]:
    """The state machine's way through an export, up to its clear."""
    ids = dict(below.export_machine.started[export_id])
    assert ids.pop("from") == "plan"
    context = Context(time_left)
    place = plan.lambda_handler(ids, context)
    for each in json.loads(below.exports.objects[place["key"]]):
        event = {**ids, "part": each["part"]}
        while not write_part.lambda_handler(event, context)["done"]:
            pass
    return finish.lambda_handler(ids, context)


def ended(reply: Reply) -> dict[str, Any]:
    assert reply.status in {200, 201}, reply.text
    return reply.json()


@pytest.mark.parametrize("time_left", [900_000, 60_000])
def test_the_workflow_makes_the_file_that_the_request_makes(
    filled: Gateway, below: Below, time_left: int
):
    here = ended(filled.post("/exports", CSV, headers=WAITING))
    asked = filled.post("/exports", CSV)
    assert (asked.status, asked.json()["status"]) == (202, "queued")
    place = asked.headers["Location"]
    assert filled.get(f"{place}/download").status == 409
    assert run_by_the_machine(below, asked.json()["export_id"], time_left)["next"] == "end"
    there = ended(filled.get(place))
    assert there["status"] == "succeeded"
    assert there["files"][0]["sha256"] == here["files"][0]["sha256"]
    assert there["counts"] == here["counts"]
    assert there["progress"]["messages"] == 12
    assert filled.get(f"{place}/download").status == 302


def test_one_parquet_file_is_downloaded_and_several_are_named(
    filled: Gateway, below: Below, monkeypatch: pytest.MonkeyPatch
):
    asked = {"format": "parquet", "anonymize": False}
    one = ended(filled.post("/exports", asked, headers=WAITING))
    (file,) = one["files"]
    assert file["name"].endswith("-0001.parquet")
    assert filled.get(f"/exports/{one['export_id']}/download").status == 302
    monkeypatch.setattr("chatledger.export.chunk.CHUNK_BYTES", 0)
    several = ended(filled.post("/exports", asked, headers=WAITING))
    names = [file["name"].rpartition("-")[2] for file in several["files"]]
    assert names == ["0001.parquet", "0002.parquet", "0003.parquet"]
    assert several["counts"]["bytes"] == sum(file["bytes"] for file in several["files"])
    keys = [file["url"].removeprefix("memory:").partition("?")[0] for file in several["files"]]
    assert {below.exports.media_types[key] for key in keys} == {"application/vnd.apache.parquet"}
    refused = filled.get(f"/exports/{several['export_id']}/download")
    assert (refused.status, refused.code) == (409, "conflict")
    assert "has 3 files" in refused.text
    assert "GET /exports/{export_id}" in refused.text
    listed = {each["export_id"]: each["files"] for each in filled.get("/exports").json()["exports"]}
    assert (len(listed[one["export_id"]]), listed[several["export_id"]]) == (1, [])


def test_a_clear_is_admitted_once_and_archived(filled: Gateway, below: Below):
    headers = {"Idempotency-Key": "a-clear"}
    asked = filled.post("/exports", CSV | {"clear": True}, headers=headers)
    assert asked.status == 202
    export_id = asked.json()["export_id"]
    assert asked.json()["clear"] == {
        "on": "verified",
        "status": "pending",
        **dict.fromkeys(
            (
                "exported",
                "cleared",
                "retained_changed",
                "retained_held",
                "cleared_elsewhere",
                "not_cleared",
                "undo_until",
            )
        ),
    }
    refused = filled.post("/exports", CSV | {"clear": True})
    assert (refused.status, refused.code) == (409, "conflict")
    assert len(filled.get("/exports").json()["exports"]) == 1
    again = filled.post("/exports", CSV | {"clear": True}, headers=headers)
    assert (again.status, again.json()["export_id"]) == (202, export_id)
    what_next = run_by_the_machine(below, export_id)
    assert what_next["next"] == "verify"
    assert what_next["bucket"] == below.archive.name
    assert json.loads(below.archive.objects[what_next["key"]]) == [{"part": 1}]
    told = ended(filled.get(f"/exports/{export_id}"))
    assert told["status"] == "running"
    assert told["clear"]["exported"] == 12
    assert told["manifest"]["url"].startswith("memory:archives/default/")
    assert [file["name"] for file in told["archive"]["files"]] == ["archive-00001.jsonl.gz"]


def test_a_cancelled_clear_leaves_nothing(filled: Gateway, below: Below):
    export_id = filled.post("/exports", CSV | {"clear": True}).json()["export_id"]
    run_by_the_machine(below, export_id)
    told = ended(filled.call("DELETE", f"/exports/{export_id}"))
    assert (told["status"], told["files"], told["archive"]) == ("cancelled", [], None)
    assert not below.archive.versions
    assert not below.exports.objects
    with pytest.raises(Ended):
        finish.lambda_handler({"organization": "default", "export_id": export_id}, Context())
    assert filled.post("/exports", CSV | {"clear": True}).status == 202  # The lease is free.


def test_a_clear_off_the_quarter_hour_is_refused(filled: Gateway):
    asked = CSV | {"clear": True, "end_date": "2026-10-01T10:20:00Z"}
    refused = filled.post("/exports", asked)
    assert (refused.status, refused.code) == (400, "invalid_date_range")
    assert "2026-10-01T10:14:59Z or 2026-10-01T10:29:59Z" in refused.error


def test_a_dry_run_of_a_clear_counts_and_changes_nothing(filled: Gateway, below: Below):
    told = ended(filled.post("/exports", CSV | {"clear": True, "dry_run": True}))
    assert (told["counts"]["messages"], told["would_clear"]) == (12, 12)
    assert ended(filled.post("/exports", CSV | {"dry_run": True}))["would_clear"] is None
    assert not below.table.keys_of_kind("X")
    assert not below.table.keys_of_kind("J")


def test_nothing_foreign_is_in_what_an_unforeseen_step_says(
    filled: Gateway, below: Below, caplog: pytest.LogCaptureFixture
):
    export_id = filled.post("/exports", CSV).json()["export_id"]

    def fail(_: str) -> None:
        raise RuntimeError("hello, this is what somebody wrote")

    below.exports.before = fail
    with pytest.raises(StepFailed) as caught:
        run_by_the_machine(below, export_id)
    logged = [str(vars(record)) for record in caplog.records]
    assert any("RuntimeError" in each for each in logged)
    assert not any("somebody wrote" in each for each in (*logged, str(caught.value)))


def test_a_step_logs_its_ids_and_its_memory(
    filled: Gateway, below: Below, caplog: pytest.LogCaptureFixture
):
    export_id = filled.post("/exports", CSV).json()["export_id"]
    run_by_the_machine(below, export_id)
    steps = [vars(record) for record in caplog.records if record.message == "step"]
    assert len(steps) == 3
    assert {each["export_id"] for each in steps} == {export_id}
    assert steps[1]["part"] == 1
    assert all(each["peak_mb"] > 0 and each["ms"] >= 0 for each in steps)
