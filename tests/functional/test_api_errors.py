"""Errors: one body, in both shapes, for bad input, unknown routes, and what nobody foresaw."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from botocore.exceptions import ClientError

from chatledger.access import keys
from chatledger.api import app
from chatledger.errors import STATUS, StorageError
from chatledger.ledger.ledger import open_ledger
from tests.fakes.gateway import Gateway, Reply

HELLO = {"content": "Hello", "timestamp": "2026-10-01T09:00:00Z"}
PROBLEM = {"Accept": "application/problem+json"}


def is_an_error(reply: Reply, status: int, code: str) -> None:
    assert reply.status == status, reply.text
    body = reply.json()
    assert body.keys() == {"detail", "type", "title", "status", "request_id"}
    assert body["detail"].keys() == {"error", "code", "timestamp"}
    assert body["detail"]["code"] == code
    assert body["status"] == status == STATUS[code]
    assert body["request_id"] == "request-1"
    assert body["detail"]["timestamp"].endswith("Z")
    assert reply.headers["Content-Type"] == "application/json"
    assert len(reply.error) < 400
    assert reply.error.endswith((".", "?", ")"))


BAD_BODIES: list[tuple[Any, int, str]] = [
    (None, 400, "invalid_request"),
    ("", 400, "invalid_request"),
    ("{", 400, "invalid_request"),
    ("[]", 400, "invalid_request"),
    ('{"messages": NaN}', 400, "invalid_request"),
    ('{"messages": [{"content": "\\ud800"}]}', 400, "invalid_request"),
    ({}, 400, "invalid_request"),
    ({"messages": []}, 400, "invalid_request"),
    ({"messages": [{}]}, 400, "invalid_request"),
    ({"messages": "Hello"}, 400, "invalid_request"),
    ({"messages": [{"content": 7}]}, 400, "invalid_request"),
    ({"messages": [HELLO], "colour": "red"}, 400, "invalid_request"),
    ({"messages": [{**HELLO, "timestamp": "2026-02-30"}]}, 400, "invalid_request"),
    ({"messages": [{**HELLO, "id": "a"}, {**HELLO, "id": "a"}]}, 400, "invalid_request"),
    ({"messages": [HELLO], "conversation_id": "a\x00b"}, 400, "invalid_request"),
    ({"messages": [HELLO], "metadata": {"n": 2**64}}, 400, "invalid_request"),
    ({"messages": [{**HELLO, "content": "x" * 310_000}]}, 413, "payload_too_large"),
    ({"messages": [HELLO], "prompt": "x" * 200_000}, 413, "payload_too_large"),
    ({"messages": [{**HELLO, "content": "x" * 4_200_000}]}, 413, "payload_too_large"),
]


@pytest.mark.parametrize(("body", "status", "code"), BAD_BODIES, ids=lambda each: repr(each)[:60])
def test_a_bad_body_changes_nothing(gateway: Gateway, body: Any, status: int, code: str):
    is_an_error(gateway.post("/chats", body), status, code)
    assert gateway.get("/chats").json()["conversations"] == []


def test_a_body_that_is_no_text(gateway: Gateway):
    is_an_error(gateway.post("/chats", b'{"messages": "\xff"}'), 400, "invalid_request")


def test_a_body_in_base64_is_as_good(gateway: Gateway):
    assert gateway.post("/chats", json.dumps({"messages": [HELLO]}).encode()).status == 201


@pytest.mark.parametrize(
    ("target", "code"),
    [
        ("/chats?colour=red", "invalid_request"),
        ("/chats?limit=0", "invalid_request"),
        ("/chats?limit=101", "invalid_request"),
        ("/chats?limit=5&limit=5", "invalid_request"),
        ("/chats?status=open", "invalid_request"),
        ("/chats?user_id=%00", "invalid_request"),
        ("/chats?contains=%FF", "invalid_request"),
        ("/chats?organization_id=a%0Ab", "invalid_request"),
        ("/chats?user_id=", "invalid_request"),
        ("/chats?app_id=", "invalid_request"),
        ("/chats?contains=", "invalid_request"),
        ("/chats?status=", "invalid_request"),
        ("/chats?limit=", "invalid_request"),
        ("/chats?start_date=", "invalid_request"),
        ("/chats?organization_id=", "invalid_request"),
        ("/chats?flag", "invalid_request"),
        ("/users/u/chats?page=", "invalid_request"),
        ("/chats?cursor=tampered", "invalid_cursor"),
        ("/chats?start_date=2026-02-30", "invalid_date_range"),
        ("/chats?start_date=2026-10-02&end_date=2026-10-01", "invalid_date_range"),
        ("/chats/c?page=0", "invalid_request"),
        ("/chats/c?page=x", "invalid_request"),
        ("/chats/c?cursor=tampered", "invalid_cursor"),
        ("/chats/a%00b", "invalid_request"),
        ("/chats/" + "x" * 257, "invalid_request"),
        ("/users/u%7F/chats", "invalid_request"),
        ("/users/u/chats?end_date=soon", "invalid_date_range"),
        ("/users/u/chats?cursor=AAAA&page=2", "invalid_request"),
        ("/exports?status=running", "invalid_request"),
        ("/exports?cursor=tampered", "invalid_cursor"),
        ("/keys?page=2", "invalid_request"),
    ],
)
def test_a_bad_target(gateway: Gateway, target: str, code: str):
    is_an_error(gateway.get(target), 400, code)


@pytest.mark.parametrize("path", ["/chats", "/users/u/chats", "/exports"])
def test_an_empty_cursor_is_as_good_as_none(gateway: Gateway, path: str):
    assert gateway.post("/chats", {"messages": [HELLO], "user_id": "u"}).status == 201
    assert gateway.get(f"{path}?cursor=").json() == gateway.get(path).json()


def test_a_post_has_no_query_of_its_own(gateway: Gateway):
    is_an_error(gateway.post("/chats?dry_run=1", {"messages": [HELLO]}), 400, "invalid_request")
    assert gateway.get("/chats").json()["conversations"] == []


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ({"format": "pdf", "anonymize": False}, "invalid_request"),
        ({"format": "archive", "anonymize": True}, "invalid_request"),
        ({"anonymize": False, "filters": {"contains": ""}}, "invalid_request"),
        ({"anonymize": False, "filters": {"status": ["open"]}}, "invalid_request"),
        ({"anonymize": False, "start_date": "2026-02-30"}, "invalid_date_range"),
        (
            {"anonymize": False, "start_date": "2026-10-02", "end_date": "2026-10-01"},
            "invalid_date_range",
        ),
    ],
    ids=repr,
)
def test_a_bad_export_makes_no_job(gateway: Gateway, body: dict[str, Any], code: str):
    is_an_error(gateway.post("/exports", body), 400, code)
    assert gateway.get("/exports").json()["exports"] == []


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/nothing"),
        ("DELETE", "/chats"),
        ("PUT", "/chats/c"),
        ("POST", "/health"),
        ("GET", "/chats/"),
        ("GET", "//chats"),
        ("OPTIONS", "/chats"),
        ("GET", "/docs/a/b"),
    ],
)
def test_an_unknown_route_is_not_found_even_without_a_key(gateway: Gateway, method: str, path: str):
    is_an_error(gateway.with_key(None).call(method, path), 404, "not_found")


def test_a_path_is_never_routed_twice(gateway: Gateway):
    """What an id holds could look like another route; the gateway's choice stands."""
    for strange in ("../keys", "c/../../keys", "a?b", "a%2Fb", "a%25", "x y+z", "<id>", "ä😀", "."):
        body = {"conversation_id": strange, "messages": [HELLO]}
        assert gateway.post("/chats", body).status == 201
        reply = gateway.get(f"/chats/{quote(strange, safe='')}")
        assert reply.json()["conversation_id"] == strange


def test_an_asset_there_is_not(gateway: Gateway):
    is_an_error(gateway.get("/docs/nothing.css"), 404, "not_found")
    is_an_error(gateway.get("/docs/..%2Fapp.py"), 404, "not_found")


def test_the_other_shape_is_rfc_9457(gateway: Gateway):
    reply = gateway.get("/chats?limit=0", headers=PROBLEM)
    assert reply.headers["Content-Type"] == "application/problem+json"
    body = reply.json()
    assert body["type"] == "urn:chatledger:error:invalid_request"
    assert (body["title"], body["status"], body["code"]) == ("Bad Request", 400, "invalid_request")
    assert body["detail"] == "limit must be at least 1."
    assert body["request_id"] == "request-1"
    for other in (gateway.get("/nothing", headers=PROBLEM), gateway.with_key(None).get("/chats")):
        assert other.headers["X-Content-Type-Options"] == "nosniff"


def test_what_nobody_foresaw_tells_nothing_and_is_logged_without_content(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    def fail(*_: Any) -> None:
        raise RuntimeError("what somebody wrote")

    monkeypatch.setattr("functions.keys.app.list_keys", fail)
    reply = gateway.get("/keys")
    is_an_error(reply, 500, "internal_error")
    logged = "".join(repr(record.__dict__) for record in caplog.records)
    assert "RuntimeError" in logged
    assert "test_api_errors.py" in logged, "where it happened"
    assert "what somebody wrote" not in reply.text + logged


@pytest.mark.parametrize(
    "error",
    [StorageError(), ClientError({"Error": {"Code": "InternalFailure"}}, "Query")],
    ids=["ours", "the client's"],
)
def test_a_storage_that_does_not_answer_is_503(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, error: Exception
):
    def fail(*_: Any) -> None:
        raise error

    monkeypatch.setattr("functions.keys.app.list_keys", fail)
    reply = gateway.get("/keys")
    is_an_error(reply, 503, "storage_error")
    assert reply.headers["Retry-After"] == "1"


def test_a_failure_before_the_handler_is_answered_too(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch
):
    def fail(*_: Any) -> None:
        raise StorageError

    monkeypatch.setattr("chatledger.access.admission.find_key", fail)
    assert keys.find_key
    is_an_error(gateway.get("/keys"), 503, "storage_error")


def test_one_line_is_logged_and_nothing_that_people_wrote(
    gateway: Gateway, caplog: pytest.LogCaptureFixture
):
    caplog.clear()
    body = {"messages": [{"content": "my secret words"}], "conversation_id": "private/id"}
    gateway.post("/chats", body)
    gateway.get(f"/chats/{quote('private/id', safe='')}?limit=7")
    lines = [record.__dict__ for record in caplog.records]
    assert [(line["route"], line["status"]) for line in lines] == [
        ("POST /chats", 201),
        ("GET /chats/{conversation_id}", 200),
    ]
    for line in lines:
        assert line["organization"] == "default"
        assert line["key_id"].startswith("key_")
        assert line["ms"] >= 0
        assert not any(word in repr(line) for word in ("secret", "private", "clk_"))


def test_an_idempotency_key_fixes_what_the_first_request_decided(gateway: Gateway):
    headers = {"Idempotency-Key": "one"}
    untimed = {"messages": [{"content": "Hello"}]}
    first = gateway.post("/chats", untimed, headers=headers).json()
    assert first["inserted_count"] == 1
    again = gateway.post("/chats", json.dumps(untimed, indent=2), headers=headers).json()
    assert again == {**first, "inserted_count": 0, "duplicate_count": 1}
    other = gateway.post("/chats", {"messages": [{"content": "Bye"}]}, headers=headers)
    is_an_error(other, 422, "idempotency_mismatch")
    for bad in ("", "a b", "x" * 256):
        reply = gateway.post("/chats", untimed, headers={"Idempotency-Key": bad})
        is_an_error(reply, 400, "invalid_request")
    assert len(gateway.get("/chats").json()["conversations"]) == 1


def test_another_number_of_shards_is_refused_and_the_log_says_which(
    gateway: Gateway, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    monkeypatch.setattr(app, "open_ledger", lambda table, _: open_ledger(table, 8))
    app.ledger.cache_clear()
    reply = gateway.get("/chats")
    assert (reply.status, reply.code) == (500, "internal_error")
    assert "made with 16" not in reply.text
    assert any("made with 16" in getattr(record, "said", "") for record in caplog.records)


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("POST", "/statistics", "This path takes GET only."),
        ("GET", "/crm/ai-conversations/export", "This path takes POST only."),
        ("PUT", "/chats/a/b", "This path takes GET and PATCH only."),
        ("GET", "/nothing", "There is no such route."),
    ],
)
def test_a_wrong_method_is_told_the_right_ones(gateway: Gateway, method: str, path: str, told: str):
    reply = gateway.call(method, path)
    assert (reply.status, reply.code) == (404, "not_found")
    assert reply.error.startswith(told)
