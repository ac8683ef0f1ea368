"""Bad input gets its 4xx in the contract's body, and changes nothing."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Deployment

GOOD = {
    "conversation_id": "bad",
    "messages": [{"content": "x", "timestamp": "2026-01-01T00:00:00Z"}],
}
MESSAGE = {"content": "x", "timestamp": "2026-01-01T00:00:00Z"}
EXPORT = {"format": "csv", "anonymize": False}


def chats(**changes: Any) -> dict[str, Any]:
    return {"json": GOOD | changes}


def message(**changes: Any) -> dict[str, Any]:
    return {"json": {"messages": [MESSAGE | changes]}}


def export(**changes: Any) -> dict[str, Any]:
    return {"json": EXPORT | changes}


def raw(text: str | bytes) -> dict[str, Any]:
    return {"content": text}


# By what is wrong: the method, the path, the rest of the request; the status and the code.
CASES: dict[str, tuple[str, str, dict[str, Any], int, str]] = {
    "broken JSON": ("POST", "/chats", raw('{"messages": ['), 400, "invalid_request"),
    "no body": ("POST", "/chats", raw(""), 400, "invalid_request"),
    "a list": ("POST", "/chats", raw("[]"), 400, "invalid_request"),
    "not UTF-8": ("POST", "/chats", raw(b'{"messages": "\xff"}'), 400, "invalid_request"),
    "NaN": (
        "POST",
        "/chats",
        raw('{"messages": [{"content": "x", "metadata": {"n": NaN}}]}'),
        400,
        "invalid_request",
    ),
    "a lone surrogate": (
        "POST",
        "/chats",
        raw('{"messages": [{"content": "\\ud800"}]}'),
        400,
        "invalid_request",
    ),
    "an enormous integer": (
        "POST",
        "/chats",
        message(metadata={"n": 10**30}),
        400,
        "invalid_request",
    ),
    "wrong type": ("POST", "/chats", chats(messages="hello"), 400, "invalid_request"),
    "wrong type inside": ("POST", "/chats", message(content=5), 400, "invalid_request"),
    "unknown field": ("POST", "/chats", chats(colour="red"), 400, "invalid_request"),
    "unknown field inside": ("POST", "/chats", message(colour="red"), 400, "invalid_request"),
    "no messages": ("POST", "/chats", chats(messages=[]), 400, "invalid_request"),
    "messages missing": ("POST", "/chats", {"json": {"user_id": "a"}}, 400, "invalid_request"),
    "unknown role": ("POST", "/chats", message(role="robot"), 400, "invalid_request"),
    "a day that is none": (
        "POST",
        "/chats",
        message(timestamp="2026-02-30"),
        400,
        "invalid_request",
    ),
    "NUL in an id": ("POST", "/chats", chats(conversation_id="a\x00b"), 400, "invalid_request"),
    "an empty id": ("POST", "/chats", chats(conversation_id=""), 400, "invalid_request"),
    "a long id": ("POST", "/chats", chats(conversation_id="é" * 129), 400, "invalid_request"),
    "81 contexts": ("POST", "/chats", message(contexts=[1] * 81), 400, "invalid_request"),
    "the same message twice": (
        "POST",
        "/chats",
        {"json": {"messages": [MESSAGE | {"id": "m"}] * 2}},
        400,
        "invalid_request",
    ),
    "a message over 300 KB": (
        "POST",
        "/chats",
        message(content="x" * 310_000),
        413,
        "payload_too_large",
    ),
    "over 4 MB": (
        "POST",
        "/chats",
        raw(json.dumps({"messages": [MESSAGE | {"content": "x" * 250_000}] * 18})),
        413,
        "payload_too_large",
    ),
    "an empty description": ("PATCH", "/chats/nobody", {"json": {}}, 400, "invalid_request"),
    "describing nobody": ("PATCH", "/chats/nobody", {"json": {"title": "x"}}, 404, "not_found"),
    "reading nobody": ("GET", "/chats/nobody", {}, 404, "not_found"),
    "page 0": ("GET", "/chats/nobody?page=0", {}, 400, "invalid_request"),
    "limit 101": ("GET", "/chats?limit=101", {}, 400, "invalid_request"),
    "unknown parameter": ("GET", "/chats?colour=red", {}, 400, "invalid_request"),
    "a cursor that is none": ("GET", "/chats?cursor=abc", {}, 400, "invalid_cursor"),
    "another organization": ("GET", "/chats?organization_id=no%00", {}, 400, "invalid_request"),
    "no such route": ("GET", "/nothing", {}, 404, "not_found"),
    "no such method": ("PUT", "/chats", {"json": GOOD}, 404, "not_found"),
    "unknown format": ("POST", "/exports", export(format="docx"), 400, "invalid_request"),
    "end before start": (
        "POST",
        "/exports",
        export(start_date="2026-02-02", end_date="2026-02-01"),
        400,
        "invalid_date_range",
    ),
    "30 February": ("POST", "/exports", export(start_date="2026-02-30"), 400, "invalid_date_range"),
    "no such compression": ("POST", "/exports", export(compression="rar"), 400, "invalid_request"),
    "unknown filter": ("POST", "/exports", export(filters={"colour": 1}), 400, "invalid_request"),
    "an anonymized archive": (
        "POST",
        "/exports",
        {"json": {"format": "archive", "anonymize": True}},
        400,
        "invalid_request",
    ),
    "no such export": ("GET", "/exports/01ABC", {}, 404, "not_found"),
    "download of no export": ("GET", "/exports/01ABC/download", {}, 404, "not_found"),
    "removal of no export": ("DELETE", "/exports/01ABC", {}, 404, "not_found"),
    "no such key": ("DELETE", "/keys/key_nobody", {}, 404, "not_found"),
    "a key of no role": (
        "POST",
        "/keys",
        {"json": {"role": "king", "name": "x"}},
        400,
        "invalid_request",
    ),
}


def items(deployment: Deployment) -> set[tuple[str, str]]:
    """Every item of the table but the callers' limit windows."""
    pages = (
        deployment.aws("dynamodb")
        .get_paginator("scan")
        .paginate(TableName=deployment.physical_id("Table"))
    )
    return {
        (item["PK"]["S"], str(sorted(item.items(), key=lambda each: each[0])))
        for page in pages
        for item in page["Items"]
        if not item["PK"]["S"].startswith("L#")
    }


def objects(deployment: Deployment) -> set[str]:
    bucket = deployment.physical_id("ExportsBucket")
    pages = deployment.aws("s3").get_paginator("list_objects_v2").paginate(Bucket=bucket)
    return {each["Key"] for page in pages for each in page.get("Contents", [])}


@pytest.fixture
def unchanged(deployment: Deployment) -> Iterator[None]:
    before = items(deployment), objects(deployment)
    yield
    assert (items(deployment), objects(deployment)) == before


def check(answer: httpx.Response, status: int, code: str) -> None:
    assert answer.status_code == status, answer.text
    told = answer.json()
    assert told["status"] == status
    assert told["detail"]["code"] == code
    assert len(told["detail"]["error"]) > 20, "an error says what is wrong and what to do"
    assert told["detail"]["timestamp"].endswith("Z")
    assert told["request_id"]


@pytest.mark.parametrize("what", CASES)
@pytest.mark.usefixtures("unchanged")
def test_bad_input_is_refused_and_changes_nothing(http: httpx.Client, what: str):
    method, path, request, status, code = CASES[what]
    check(http.request(method, path, **request), status, code)


def key_for(http: httpx.Client, role: str, **named: str) -> dict[str, Any]:
    made = http.post("/keys", json={"role": role, "name": f"a {role}", **named})
    assert made.status_code == 201, made.text
    return made.json()


def test_who_may_not_is_refused(deployment: Deployment, http: httpx.Client):
    assert http.post("/chats", json=GOOD).status_code == 201
    reader = deployment.as_key(key_for(http, "reader")["key"])
    stranger = deployment.as_key(key_for(http, "owner", organization_id="other")["key"])
    revoked = key_for(http, "admin")
    assert http.delete(f"/keys/{revoked['key_id']}").status_code == 204
    export_id = http.post("/exports", json=EXPORT, headers={"Prefer": "wait=20"}).json()[
        "export_id"
    ]
    before = items(deployment), objects(deployment)
    nobody = httpx.Client(base_url=deployment.url)
    check(nobody.post("/chats", json=GOOD), 401, "unauthorized")
    check(nobody.get("/chats"), 401, "unauthorized")
    check(deployment.as_key("clk_" + "x" * 40).get("/chats"), 401, "unauthorized")
    check(deployment.as_key(revoked["key"]).get("/chats"), 401, "unauthorized")
    check(reader.post("/exports", json=EXPORT), 403, "forbidden")
    check(reader.post("/chats", json=GOOD), 403, "forbidden")
    check(reader.get("/keys"), 403, "forbidden")
    check(stranger.get("/chats/bad"), 404, "not_found")
    check(stranger.get(f"/exports/{export_id}"), 404, "not_found")
    check(stranger.delete(f"/exports/{export_id}"), 404, "not_found")
    check(stranger.get("/chats", params={"organization_id": "default"}), 403, "forbidden")
    assert stranger.get("/chats").json()["conversations"] == []
    assert (items(deployment), objects(deployment)) == before


def test_a_cursor_holds_for_its_list_and_its_organization_only(
    deployment: Deployment, http: httpx.Client
):
    for number in range(3):
        http.post("/chats", json=GOOD | {"conversation_id": f"list {number}"})
    cursor = http.get("/chats", params={"limit": 1}).json()["next_cursor"]
    assert http.get("/chats", params={"cursor": cursor}).status_code == 200
    for place in (0, len(cursor) // 2, len(cursor) - 1):
        other = "A" if cursor[place] != "A" else "B"
        tampered = cursor[:place] + other + cursor[place + 1 :]
        check(http.get("/chats", params={"cursor": tampered}), 400, "invalid_cursor")
    check(http.get("/exports", params={"cursor": cursor}), 400, "invalid_cursor")
    elsewhere = {"cursor": cursor, "organization_id": "other"}
    check(http.get("/chats", params=elsewhere), 400, "invalid_cursor")


@pytest.mark.parametrize(
    "awkward",
    [
        "a/b",
        "a#b",
        "a b",
        "100%",
        "émoji 🙂",
        "..",
        "a/../b",
        "%2F",
        "?x=1",
        "日本語",
        "'\"<>",
        "a+b",
    ],
)
def test_any_id_round_trips(http: httpx.Client, awkward: str):
    from urllib.parse import quote

    asked = GOOD | {"conversation_id": awkward, "user_id": awkward}
    assert http.post("/chats", json=asked).json()["conversation_id"] == awkward
    escaped = quote(awkward, safe="").replace(".", "%2E")
    read = http.get(f"/chats/{escaped}")
    assert read.json()["conversation_id"] == awkward, read.text
    history = http.get(f"/users/{escaped}/chats").json()
    assert [each["conversation_id"] for each in history["conversations"]] == [awkward]
    job = http.post(
        "/exports",
        json={"format": "jsonl", "anonymize": False, "filters": {"conversation_id": [awkward]}},
        headers={"Prefer": "wait=20"},
    ).json()
    line = json.loads(httpx.get(job["files"][0]["url"]).content)
    assert line["conversation_id"] == awkward
