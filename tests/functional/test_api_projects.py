"""Everything that was said in a project, in one file of UIUC.chat's rows."""

import json

import pytest

from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below


def say(gateway: Gateway, conversation: str, app_id: str) -> None:
    body = {
        "conversation_id": conversation,
        "app_id": app_id,
        "user_email": "kim@school.example",
        "messages": [
            {"id": "q", "content": "What is it?", "timestamp": "2026-11-01T10:00:00Z"},
            {
                "id": "a",
                "role": "assistant",
                "content": "It is this.",
                "timestamp": "2026-11-01T10:00:05Z",
            },
        ],
    }
    assert gateway.post("/chats", body).status == 201


@pytest.mark.parametrize(
    ("app_id", "path", "name"),
    [
        ("biology", "biology", "biology-convo_history.jsonl"),
        ("a/b #1", "a%2Fb%20%231", "a_b_1-convo_history.jsonl"),
        ("../..", "..%2F..", "_..-convo_history.jsonl"),
        ("Größe", "Gr%C3%B6%C3%9Fe", "Größe-convo_history.jsonl"),
    ],
)
def test_a_project_is_one_file_of_all_its_conversations(
    gateway: Gateway, below: Below, app_id: str, path: str, name: str
):
    say(gateway, "c1", app_id)
    say(gateway, "c2", app_id)
    say(gateway, "c3", "another")
    reply = gateway.get(f"/projects/{path}/conversations/export")
    assert reply.status == 302, reply.text
    key = reply.headers["Location"].removeprefix("memory:").partition("?")[0]
    assert key.endswith(f"/{name}")
    rows = [json.loads(line) for line in below.exports.objects[key].splitlines()]
    assert [row["convo_id"] for row in rows] == ["c1", "c2"]
    assert {row["course_name"] for row in rows} == {app_id}
    assert {row["user_email"] for row in rows} == {"kim@school.example"}
    assert all(isinstance(row["id"], int) for row in rows)
    (job,) = gateway.get("/exports").json()["exports"]
    assert (job["files"][0]["name"], job["request"]["anonymize"]) == (name, False)


def test_a_project_that_is_not_known_is_an_empty_file(gateway: Gateway, below: Below):
    reply = gateway.get("/projects/nothing/conversations/export")
    key = reply.headers["Location"].removeprefix("memory:").partition("?")[0]
    assert below.exports.objects[key] == b""


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_only_owners_and_admins_may(gateway: Gateway, role: str):
    made = gateway.post("/keys", {"role": role, "name": "x"}).json()
    somebody = gateway.with_key(made["key"])
    assert somebody.get("/projects/biology/conversations/export").status == 403


@pytest.mark.parametrize("path", ["/projects/biology", "/projects/biology/documents"])
def test_nothing_else_of_a_project_is_there(gateway: Gateway, path: str):
    assert gateway.get(path).status == 404
