"""Undo and imports through their routes, with all the functions behind them."""

import json
from datetime import datetime
from typing import Any

import pytest

from chatledger.ledger.ledger import open_ledger
from tests.fakes import workflow
from tests.fakes.audit import audit
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.functional.test_api_access import make_key

CLEAR = {"format": "archive", "clear": True}


def say(gateway: Gateway, *numbers: int, conversation: str = "c1", **fields: Any) -> None:
    messages = [
        {"id": f"m{n}", "timestamp": f"2026-11-21T10:{n:02}:00Z", "content": f"text {n}"}
        for n in numbers
    ]
    body = {"user_id": "ann", "conversation_id": conversation, "messages": messages, **fields}
    assert gateway.post("/chats", body).status == 201


def cleared(gateway: Gateway, below: Below) -> dict[str, Any]:
    """An export that cleared everything."""
    job = gateway.post("/exports", CLEAR).json()
    workflow.export(below.export_machine.started[job["export_id"]])
    job = gateway.get(f"/exports/{job['export_id']}").json()
    assert job["clear"]["status"] == "cleared", job
    return job


def downloaded(below: Below, job: dict[str, Any]) -> tuple[bytes, bytes]:
    """What the answer's links lead to."""

    def of(url: str) -> bytes:
        key = url.removeprefix("memory:").partition("?")[0]
        return below.exports.objects.get(key) or below.archive.objects[key]

    return of(job["files"][0]["url"]), of(job["manifest"]["url"])


def put(below: Below, url: str, headers: dict[str, str], data: bytes) -> str:
    """What an upload through the link does; answers the object's key."""
    key, _, media_type = url.removeprefix("memory:").partition("?put=")
    assert headers == {"Content-Type": media_type}
    below.exports.put(key, data, media_type)
    return key


def event_of(key: str) -> dict[str, Any]:
    return {"source": "aws.s3", "detail-type": "Object Created", "detail": {"object": {"key": key}}}


def imported(
    gateway: Gateway, below: Below, archive: bytes, manifest: bytes | None = None
) -> dict[str, Any]:
    """An import to its end, through the event of its upload."""
    job = gateway.post("/imports", {"format": "archive"}).json()
    upload = job["upload"]
    if manifest is not None:
        key = put(below, upload["manifest_url"], upload["headers"], manifest)
        workflow.call("import_uploaded", event_of(key))
        assert gateway.get(f"/imports/{job['import_id']}").json()["status"] == "awaiting_upload"
    key = put(below, upload["url"], upload["headers"], archive)
    workflow.call("import_uploaded", event_of(key))
    workflow.restore(below.restore_machine.started[job["import_id"]])
    workflow.call("import_uploaded", event_of(key))  # It comes once more.
    return gateway.get(f"/imports/{job['import_id']}").json()


# --- undo --------------------------------------------------------------------------------------


def test_what_was_cleared_comes_back(gateway: Gateway, below: Below):
    say(gateway, 1, 2)
    before = gateway.get("/chats/c1").json()
    export_id = cleared(gateway, below)["export_id"]
    assert gateway.get("/chats/c1").status == 404
    reply = gateway.post(f"/exports/{export_id}/undo", None)
    assert reply.status == 202
    assert reply.headers["Location"] == f"/exports/{export_id}"
    assert reply.json()["clear"]["status"] == "undoing"
    workflow.restore(below.restore_machine.started[f"{export_id}-undo"])
    assert gateway.get("/chats/c1").json() == before
    assert gateway.get(f"/exports/{export_id}").json()["clear"]["status"] == "undone"
    again = gateway.post(f"/exports/{export_id}/undo", None, headers={"Prefer": "wait=20"})
    assert (again.status, again.json()["clear"]["status"]) == (200, "undone")
    assert len(below.restore_machine.started) == 1


def test_who_waits_is_told_of_the_end(
    gateway: Gateway, below: Below, monkeypatch: pytest.MonkeyPatch
):
    say(gateway, 1)
    export_id = cleared(gateway, below)["export_id"]
    start = below.restore_machine.start

    def start_and_run(name: str, content: dict[str, Any]) -> None:
        start(name, content)
        workflow.restore(content)

    monkeypatch.setattr(below.restore_machine, "start", start_and_run)
    headers = {"Prefer": "wait=5"}
    reply = gateway.post(f"/exports/{export_id}/undo", {}, headers=headers)
    assert (reply.status, reply.json()["clear"]["status"]) == (200, "undone")


def test_what_has_cleared_nothing_cannot_be_undone(gateway: Gateway, below: Below):
    say(gateway, 1)
    headers = {"Prefer": "wait=20"}
    job = gateway.post("/exports", {"format": "archive"}, headers=headers).json()
    reply = gateway.post(f"/exports/{job['export_id']}/undo", None)
    assert (reply.status, reply.code) == (409, "conflict")
    running = gateway.post("/exports", CLEAR).json()
    reply = gateway.post(f"/exports/{running['export_id']}/undo", None)
    assert (reply.status, reply.code) == (409, "conflict")
    assert "DELETE" in reply.error
    assert gateway.post("/exports/none/undo", None).status == 404
    assert not below.restore_machine.started


@pytest.mark.parametrize("body", [{"force": True}, [1], "text"])
def test_an_undo_takes_no_fields(gateway: Gateway, below: Below, body: Any):
    say(gateway, 1)
    export_id = cleared(gateway, below)["export_id"]
    body = json.dumps(body)
    assert gateway.post(f"/exports/{export_id}/undo", body).status == 400
    assert not below.restore_machine.started


def test_one_key_is_for_one_undo(gateway: Gateway, below: Below):
    headers = {"Idempotency-Key": "undo-it"}
    say(gateway, 1)
    first = cleared(gateway, below)["export_id"]
    say(gateway, 2)
    second = cleared(gateway, below)["export_id"]
    for _ in range(2):
        assert gateway.post(f"/exports/{first}/undo", None, headers=headers).status == 202
    reply = gateway.post(f"/exports/{second}/undo", None, headers=headers)
    assert (reply.status, reply.code) == (422, "idempotency_mismatch")


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_only_an_admin_puts_back(gateway: Gateway, below: Below, role: str):
    say(gateway, 1)
    export_id = cleared(gateway, below)["export_id"]
    less = gateway.with_key(make_key(gateway, role)["key"])
    assert less.post(f"/exports/{export_id}/undo", None).status == 403
    assert less.post("/imports", {}).status == 403
    assert less.get("/imports").status == 403
    admin = gateway.with_key(make_key(gateway, "admin", organization_id="other")["key"])
    assert admin.post(f"/exports/{export_id}/undo", None).status == 404


# --- imports -----------------------------------------------------------------------------------


@pytest.mark.parametrize("organization", ["other", "a b/c#.%2E 🙂"])
@pytest.mark.parametrize("with_manifest", [True, False])
def test_an_archive_moves_to_another_organization(
    gateway: Gateway, below: Below, organization: str, with_manifest: bool
):
    say(gateway, 1, 2, title="a title", status="resolved")
    say(gateway, 3, conversation="c/2 #")
    files = downloaded(below, cleared(gateway, below))
    key = make_key(gateway, "admin", organization_id=organization)["key"]
    there = gateway.with_key(key)
    job = imported(there, below, files[0], files[1] if with_manifest else None)
    assert job["status"] == "succeeded"
    assert job["counts"] == {"restored": 3, "already_there": 0, "left_alone": 0}
    assert job["progress"] == {"conversations": 2, "messages": 3}
    assert job["upload"] is None
    restored = there.get("/chats/c1").json()
    assert (restored["title"], restored["status"]) == ("a title", "resolved")
    assert [each["content"] for each in restored["messages"]] == ["text 1", "text 2"]
    assert there.get("/users/ann/chats").json()["total_conversations"] == 2
    assert gateway.get("/chats/c1").status == 404
    audit(open_ledger(below.table, 16), organization)


def test_back_to_where_it_was_cleared(gateway: Gateway, below: Below):
    say(gateway, 1, 2)
    before = gateway.get("/chats/c1").json()
    files = downloaded(below, cleared(gateway, below))
    assert imported(gateway, below, *files)["counts"]["restored"] == 2
    assert gateway.get("/chats/c1").json() == before
    assert imported(gateway, below, *files)["counts"]["already_there"] == 2


def test_the_answer_says_where_to_upload(gateway: Gateway, below: Below):
    reply = gateway.post("/imports", {"name": "mine"})
    job = reply.json()
    assert reply.status == 201
    assert reply.headers["Location"] == f"/imports/{job['import_id']}"
    assert (job["status"], job["format"], job["name"]) == ("awaiting_upload", "archive", "mine")
    datetime.fromisoformat(job["upload"]["expires_at"])
    folder = f"memory:imports/default/{job['import_id']}"
    assert job["upload"]["url"].startswith(f"{folder}/archive.jsonl.gz?put=")
    assert job["upload"]["manifest_url"].startswith(f"{folder}/manifest.jsonl?put=")
    assert gateway.get(f"/imports/{job['import_id']}").json()["upload"]["url"]


def test_a_repeat_under_its_key_is_the_same_import(gateway: Gateway):
    headers = {"Idempotency-Key": "mine"}
    ids = {
        gateway.post("/imports", {"name": "a"}, headers=headers).json()["import_id"]
        for _ in range(2)
    }
    assert len(ids) == 1
    assert gateway.post("/imports", {"name": "b"}, headers=headers).status == 422
    assert len(gateway.get("/imports").json()["imports"]) == 1


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        ({"format": "chatgpt"}, "not available yet"),
        ({"format": "zip"}, "not a format"),
        ({"archive": True}, "archive"),
    ],
)
def test_what_cannot_be_imported_is_refused(gateway: Gateway, wrong: dict[str, Any], words: str):
    reply = gateway.post("/imports", wrong)
    assert reply.status == 400
    assert words in reply.error
    assert gateway.get("/imports").json()["imports"] == []


def test_a_file_that_is_no_archive(gateway: Gateway, below: Below):
    job = imported(gateway, below, b"a zip file, say")
    assert job["status"] == "failed"
    assert job["error"]["code"] == "invalid_request"
    assert "gzip" in job["error"]["error"]
    assert job["finished_at"]


def test_the_list_of_imports(gateway: Gateway, below: Below):
    say(gateway, 1)
    export_id = cleared(gateway, below)["export_id"]
    gateway.post(f"/exports/{export_id}/undo", None)
    made = [gateway.post("/imports", {}).json()["import_id"] for _ in range(5)]
    found: list[str] = []
    cursor = ""
    while cursor is not None:
        page = gateway.get(f"/imports?limit=2&cursor={cursor}").json()
        found += [each["import_id"] for each in page["imports"]]
        cursor = page["next_cursor"]
    assert found == made[::-1]
    assert gateway.get(f"/imports/{export_id}-undo").status == 404
    assert gateway.get("/imports/none").status == 404
    assert gateway.get("/imports?cursor=x").code == "invalid_cursor"
    other = gateway.with_key(make_key(gateway, "admin", organization_id="other")["key"])
    assert other.get("/imports").json()["imports"] == []
    assert other.get(f"/imports/{made[0]}").status == 404


@pytest.mark.parametrize(
    "key",
    [
        "imports/default/none/archive.jsonl.gz",
        "imports/default/none/manifest.jsonl",
        "imports/archive.jsonl.gz",
        "exports/default/E1/archive.jsonl.gz",
    ],
)
def test_events_of_other_objects_start_nothing(gateway: Gateway, below: Below, key: str):
    workflow.call("import_uploaded", event_of(key))
    assert not below.restore_machine.started


def test_an_undo_cannot_be_started_by_an_upload(gateway: Gateway, below: Below):
    say(gateway, 1)
    export_id = cleared(gateway, below)["export_id"]
    gateway.post(f"/exports/{export_id}/undo", None)
    started = dict(below.restore_machine.started)
    key = f"imports/default/{export_id}-undo/archive.jsonl.gz"
    workflow.call("import_uploaded", event_of(key))
    assert below.restore_machine.started == started
