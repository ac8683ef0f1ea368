"""The log files of the "Conversation Logs Management Guide": their summary, and their export."""

from typing import Any

import pytest

from chatledger.export import conversation_logs
from chatledger.export.conversation_logs import folder
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below

PATH = "/api/conversation-logs"

# The guide's "Log File Format", as it is sent, and as it must come back.
SENT: dict[str, Any] = {
    "conversation_id": "conv-abc123",
    "app_id": "app-xyz789",
    "title": "Customer Support Chat #123",
    "status": "completed",
    "from_source": "whatsapp",
    "user_id": "user-456",
    "messages": [
        {
            "id": "msg-1",
            "content": "Hello, I need help with my order",
            "timestamp": "2025-10-15T10:30:15Z",
            "message_tokens": 25,
        },
        {
            "id": "msg-1",
            "role": "assistant",
            "content": "Hello! I'd be happy to help you with your order...",
            "timestamp": "2025-10-15T10:30:16.230Z",
            "answer_tokens": 150,
            "provider_response_latency": 1.23,
        },
    ],
}
LOGGED: dict[str, Any] = {
    "conversation_id": "conv-abc123",
    "app_id": "app-xyz789",
    "name": "Customer Support Chat #123",
    "status": "completed",
    "from_source": "whatsapp",
    "created_at": "2025-10-15T10:30:15Z",
    "updated_at": "2025-10-15T10:30:16.230000Z",
    "dialogue_count": 1,
    "messages": [
        {
            "id": "msg-1",
            "conversation_id": "conv-abc123",
            "query": "Hello, I need help with my order",
            "answer": "Hello! I'd be happy to help you with your order...",
            "created_at": "2025-10-15T10:30:15Z",
            "message_tokens": 25,
            "answer_tokens": 150,
            "provider_response_latency": 1.23,
            "from_source": "whatsapp",
            "from_end_user_id": "user-456",
        }
    ],
}


@pytest.fixture
def filled(gateway: Gateway) -> Gateway:
    assert gateway.post("/chats", SENT).status == 201
    return gateway


def keyed(gateway: Gateway, role: str) -> Gateway:
    return gateway.with_key(gateway.post("/keys", {"role": role, "name": role}).json()["key"])


def test_an_export_is_the_log_file_format_field_by_field(filled: Gateway):
    reply = filled.get(f"{PATH}?action=export&start_date=2025-10-01&end_date=2025-10-15")
    assert reply.status == 200, reply.text
    answer = reply.json()
    (found,) = answer.pop("conversations")
    assert answer == {"success": True, "count": 1}
    assert found.pop("logged_at").endswith("Z")
    assert found == LOGGED
    (job,) = filled.get("/exports").json()["exports"]
    assert (job["format"], job["request"]["anonymize"]) == ("conversation_logs", False)
    assert filled.get("/audit?action=links.given").json()["records"]


def test_outside_the_range_there_is_nothing(filled: Gateway):
    reply = filled.get(f"{PATH}?action=export&start_date=2025-10-16")
    assert reply.json() == {"success": True, "conversations": [], "count": 0}


@pytest.mark.parametrize("limit", ["MAX_ANSWER_BYTES", "_MAX_EVENT_BYTES"])
def test_what_does_not_fit_an_answer_is_an_export_to_follow(
    filled: Gateway, monkeypatch: pytest.MonkeyPatch, limit: str
):
    monkeypatch.setattr(conversation_logs, limit, 100)
    reply = filled.get(f"{PATH}?action=export")
    assert reply.status == 202, reply.text
    assert reply.json()["files"][0]["url"]
    job = filled.get(reply.headers["Location"]).json()
    assert (job["status"], job["counts"]["conversations"]) == ("succeeded", 1)


def test_an_export_that_is_deleted_meanwhile_is_no_empty_answer(
    filled: Gateway, below: Below, monkeypatch: pytest.MonkeyPatch
):
    read = below.exports.get
    monkeypatch.setattr(below.exports, "get", lambda key: None if "/files/" in key else read(key))
    reply = filled.get(f"{PATH}?action=export")
    assert (reply.status, "Location" in reply.headers) == (202, True), reply.text


def test_a_summary_is_of_the_organizations_own_files(filled: Gateway, below: Below):
    own = folder("default")
    files = {
        f"{own}2025/10/14/conversation_a_1.json": b"12345",
        f"{own}2025/10/15/conversation_b_2.json": b"123",
        f"{own}2025/10/15/conversation_c_3.json": b"12",
        f"{folder('other')}2025/10/15/conversation_d_4.json": b"1",
        "archives/default/x": b"1",
    }
    for key, data in files.items():
        below.archive.put(key, data, "application/json")
    reader = keyed(filled, "reader")
    assert reader.get(f"{PATH}?action=summary").json() == {
        "success": True,
        "total_files": 3,
        "total_size_bytes": 10,
        "directories": [f"{own}2025/10/14", f"{own}2025/10/15"],
    }
    assert reader.get(f"{PATH}?action=summary&organization_id=default").status == 200
    assert reader.get(f"{PATH}?action=summary&organization_id=other").status == 403
    assert filled.get(f"{PATH}?action=summary&organization_id=other").json()["total_files"] == 1


def test_there_may_be_no_files_yet(gateway: Gateway):
    found = gateway.get(f"{PATH}?action=summary").json()
    assert found == {"success": True, "total_files": 0, "total_size_bytes": 0, "directories": []}


def test_an_export_needs_an_admin(filled: Gateway):
    assert keyed(filled, "writer").get(f"{PATH}?action=export").code == "forbidden"
    assert keyed(filled, "admin").get(f"{PATH}?action=export").status == 200


@pytest.mark.parametrize(
    "query", ["", "?action=delete", "?action=summary&start_date=2025-10-01", "?action=export&x=1"]
)
def test_bad_queries_say_what_to_do(filled: Gateway, query: str):
    reply = filled.get(f"{PATH}{query}")
    assert (reply.status, reply.code) == (400, "invalid_request")


def test_an_end_before_the_start_is_refused(filled: Gateway):
    reply = filled.get(f"{PATH}?action=export&start_date=2025-10-15&end_date=2025-10-01")
    assert (reply.status, reply.code) == (400, "invalid_date_range")
