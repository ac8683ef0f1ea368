"""The audit trail through the API: who did what, each once, in the right organization."""

import hashlib
import json
from typing import Any

import pytest

from chatledger.api import app
from chatledger.aws.table import Table
from chatledger.errors import StorageError
from functions.anchor.app import lambda_handler as anchor
from tests.fakes.faults import Fault, FaultyTable, first
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.functional.test_api_access import make_key
from tests.functional.test_api_exports import CSV, WAITING, Context, run_by_the_machine
from tests.functional.test_api_restores import cleared, say


def trail(gateway: Gateway, query: str = "") -> list[dict[str, Any]]:
    """Oldest first, all pages."""
    found: list[dict[str, Any]] = []
    cursor = ""
    while True:
        answer = gateway.get(f"/audit?limit=3{query}{cursor}").json()
        found += answer["records"]
        if not answer["next_cursor"]:
            return found[::-1]
        cursor = f"&cursor={answer['next_cursor']}"


def actions(gateway: Gateway, query: str = "") -> list[str]:
    return [each["action"] for each in trail(gateway, query)]


def test_the_first_key_is_the_first_record(gateway: Gateway):
    (first,) = trail(gateway)
    assert (first["seq"], first["action"], first["organization"]) == (1, "key.made", "default")
    assert first["actor"] == {"key_id": None, "role": "bootstrap"}
    assert first["subject"]["role"] == "operator"


def test_everything_is_on_record_with_its_actor(gateway: Gateway, below: Below):
    admin = make_key(gateway, "admin", name="Ann Example")
    ours = gateway.with_key(admin["key"])
    say(gateway, 1, 2)
    job = ours.post("/exports", CSV, headers=WAITING).json()
    for _ in range(3):  # However often it asks: one record of links in a quarter hour.
        ours.get(f"/exports/{job['export_id']}")
    assert ours.get(f"/exports/{job['export_id']}/download").status == 302
    ours.get("/exports")
    assert ours.call("DELETE", f"/exports/{job['export_id']}").status == 200
    hold = gateway.post("/holds", {"user_id": "ann@example.com"}).json()
    gateway.call("DELETE", f"/holds/{hold['hold_id']}")
    ours.post("/imports", {"format": "archive"})
    gateway.call("DELETE", f"/keys/{admin['key_id']}")
    found = trail(gateway)[1:]
    assert [each["action"] for each in found] == [
        *("key.made", "export.admitted", "export.ended", "links.given"),
        *("export.deleted", "hold.placed", "hold.lifted", "import.admitted", "key.revoked"),
    ]
    by_admin = {each["action"] for each in found if each["actor"]["key_id"] == admin["key_id"]}
    assert by_admin == {"export.admitted", "links.given", "export.deleted", "import.admitted"}
    assert [each["action"] for each in found if each["actor"]["role"] == "system"] == [
        "export.ended"
    ]
    assert found[1]["subject"] == {
        "export_id": job["export_id"],
        "format": "csv",
        "anonymize": "false",
    }
    assert found[2]["counts"] == job["counts"]
    assert actions(gateway, f"&subject={job['export_id']}&action=export") == [
        *("export.admitted", "export.ended", "export.deleted")
    ]
    assert actions(gateway, f"&key_id={admin['key_id']}&action=links") == ["links.given"]
    said = json.dumps(found)
    for personal in ("ann@example.com", "Ann Example", admin["key"], "text 1"):
        assert personal not in said


def test_a_clear_and_its_undo_are_on_record(gateway: Gateway, below: Below):
    say(gateway, 1, 2, 3)
    job = cleared(gateway, below)
    gateway.post(f"/exports/{job['export_id']}/undo", None)
    found = {each["action"]: each for each in trail(gateway)}
    assert list(found)[1:] == [
        *("export.admitted", "clear.began", "clear.ended", "export.ended"),
        *("links.given", "undo.admitted"),
    ]
    assert found["export.admitted"]["subject"]["clear_on"] == "verified"
    assert found["clear.ended"]["subject"] == {"export_id": job["export_id"], "status": "cleared"}
    assert found["clear.ended"]["counts"]["cleared"] == 3
    assert found["undo.admitted"]["subject"]["export_id"] == job["export_id"]


def test_a_step_that_is_repeated_records_once(gateway: Gateway, below: Below):
    say(gateway, 1)
    export_id = gateway.post("/exports", CSV).json()["export_id"]
    run_by_the_machine(below, export_id)
    assert actions(gateway)[1:] == ["export.admitted", "export.ended"]


def test_a_repeat_under_its_key_is_recorded_once(gateway: Gateway):
    for _ in range(3):
        gateway.post("/holds", {"user_id": "u"}, headers={"Idempotency-Key": "k"})
        gateway.post("/exports", CSV, headers={"Idempotency-Key": "k"})
    assert actions(gateway)[1:] == ["hold.placed", "export.admitted"]


def test_what_is_refused_is_not_recorded(gateway: Gateway):
    gateway.call("DELETE", "/holds/none")
    gateway.call("DELETE", "/keys/none")
    gateway.call("DELETE", "/exports/none")
    gateway.post("/exports", {"format": "none"})
    gateway.post("/exports", {**CSV, "dry_run": True})
    gateway.with_key(make_key(gateway, "admin")["key"]).post("/holds", {"user_id": "u"})
    assert actions(gateway) == ["key.made", "key.made"]


def test_an_operators_visit_is_in_the_organizations_trail(gateway: Gateway):
    make_key(gateway, "owner", organization_id="acme")
    gateway.post("/holds?organization_id=acme", {"user_id": "u"})
    visits = trail(gateway, "&organization_id=acme")
    assert [each["action"] for each in visits] == ["key.made", "hold.placed"]
    assert {each["actor"]["role"] for each in visits} == {"operator"}
    assert actions(gateway) == ["key.made"]


@pytest.mark.parametrize("target", ["/audit", "/audit/verify"])
@pytest.mark.parametrize("role", ["reader", "writer", "admin"])
def test_only_an_owner_reads_it(gateway: Gateway, target: str, role: str):
    key = make_key(gateway, role)["key"]
    assert gateway.with_key(key).get(target).status == 403
    owner = make_key(gateway, "owner", organization_id="acme")["key"]
    assert gateway.with_key(owner).get(target).status == 200
    assert gateway.with_key(owner).get(f"{target}?organization_id=default").status == 403


@pytest.mark.parametrize(
    "query",
    [
        *("action=EXPORT", "action=", "action=a.b.c", "limit=0", "cursor=x", "subject="),
        *("start_date=x", "start_date=2026-11-02&end_date=2026-11-01", "what=1"),
    ],
)
def test_bad_queries_are_told(gateway: Gateway, query: str):
    assert gateway.get(f"/audit?{query}").status == 400


def test_a_cursor_is_good_for_its_own_query_only(gateway: Gateway):
    make_key(gateway, "admin")
    cursor = gateway.get("/audit?limit=1").json()["next_cursor"]
    assert gateway.get(f"/audit?limit=1&cursor={cursor}").json()["records"][0]["seq"] == 1
    assert gateway.get(f"/audit?limit=1&action=key&cursor={cursor}").code == "invalid_cursor"
    assert gateway.get(f"/audit/verify?cursor={cursor}").code == "invalid_cursor"


def test_dates_choose_records(gateway: Gateway):
    assert actions(gateway, "&start_date=2020-01-01") == ["key.made"]
    assert actions(gateway, "&end_date=2020-01-01") == []
    assert actions(gateway, "&start_date=2999-01-01") == []


def test_anybody_can_compute_a_hash_from_the_answer(gateway: Gateway):
    make_key(gateway, "admin", organization_id="default")
    before = "0" * 64
    for record in trail(gateway):
        told = record.pop("hash")
        canonical = json.dumps(
            record, sort_keys=True, separators=(",", ":"), ensure_ascii=False
        ).encode()
        assert (hashlib.sha256(canonical).hexdigest(), record["prev"]) == (told, before)
        before = told
    assert gateway.get("/audit/verify").json()["head_hash"] == before


def test_a_whole_trail_is_valid(gateway: Gateway, below: Below):
    anchor({}, Context())
    make_key(gateway, "admin")
    verdict = gateway.get("/audit/verify").json()
    assert (verdict["valid"], verdict["records"], verdict["anchors"]) == (True, 2, 1)
    assert (verdict["first"]["seq"], verdict["last"]["seq"]) == (1, 2)
    assert (verdict["problems"], verdict["next_cursor"]) == ([], None)
    assert [key for key in below.archive.objects if key.startswith("anchors/default/")]


def test_tampering_is_named(gateway: Gateway, below: Below):
    make_key(gateway, "admin")
    anchor({}, Context())
    first = below.table.page("A#default").items[0]
    below.table.poke({**first, "record": bytes(first["record"]).replace(b"operator", b"reader")})  # pyright: ignore[reportArgumentType]
    verdict = gateway.get("/audit/verify").json()
    assert not verdict["valid"]
    assert [each["seq"] for each in verdict["problems"]] == [1]


def test_an_organization_without_records_is_valid(gateway: Gateway):
    verdict = gateway.get("/audit/verify?organization_id=nobody").json()
    assert (verdict["valid"], verdict["records"], verdict["first"]) == (True, 0, None)


def test_all_of_it_on_aws(aws_gateway: Gateway):
    make_key(aws_gateway, "admin", organization_id="a/#..")
    anchor({}, Context())
    anchor({}, Context())
    for name in ("default", "a%2F%23.."):
        verdict = aws_gateway.get(f"/audit/verify?organization_id={name}").json()
        assert (verdict["valid"], verdict["records"], verdict["anchors"]) == (True, 1, 1)
    assert actions(aws_gateway, "&organization_id=a%2F%23..") == ["key.made"]


class Unrecordable(FaultyTable):
    """Takes no audit record: every transaction with one is refused as if the table were away."""

    def __init__(self, table: Table) -> None:
        super().__init__(table, lambda _: None)

    def transact(self, writes: Any) -> None:
        if any(str(getattr(each, "item", {}).get("PK")).startswith("A#") for each in writes):
            raise StorageError
        super().transact(writes)


def test_what_cannot_be_recorded_does_not_happen(
    gateway: Gateway, below: Below, monkeypatch: pytest.MonkeyPatch
):
    say(gateway, 1)
    job = gateway.post("/exports", CSV, headers=WAITING).json()
    hold = gateway.post("/holds", {"user_id": "u"}).json()
    key, other = make_key(gateway, "admin"), make_key(gateway, "owner")["key"]
    before = {kind: below.table.keys_of_kind(kind) for kind in "AKHJR"}
    monkeypatch.setattr(app, "DynamoTable", lambda _: Unrecordable(below.table))  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    app.ledger.cache_clear()
    place = f"/exports/{job['export_id']}"
    for method, target, body in (
        ("POST", "/keys", {"role": "reader", "name": "n"}),
        ("DELETE", f"/keys/{key['key_id']}", None),
        ("POST", "/holds", {"user_id": "v"}),
        ("DELETE", f"/holds/{hold['hold_id']}", None),
        ("POST", "/exports", CSV),
        ("POST", "/imports", {"format": "archive"}),
        ("DELETE", place, None),
        ("GET", place, None),
        ("GET", f"{place}/download", None),
    ):
        reply = gateway.with_key(other).call(method, target, body)
        assert (reply.status, reply.code) == (503, "storage_error"), f"{method} {target}"
        assert "memory:" not in reply.text, "a link left unrecorded"
    assert {kind: below.table.keys_of_kind(kind) for kind in "AKHJR"} == before


def test_a_lost_reply_records_once(gateway: Gateway, below: Below, monkeypatch: pytest.MonkeyPatch):
    lost = FaultyTable(below.table, first(Fault.LOST, "transact"))
    monkeypatch.setattr(app, "DynamoTable", lambda _: lost)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    app.ledger.cache_clear()
    assert gateway.post("/holds", {"user_id": "u"}).status == 201
    assert lost.hits
    assert actions(gateway)[1:] == ["hold.placed"]


def test_an_action_that_is_never_recorded_is_refused(gateway: Gateway):
    """An empty list would say that it never happened."""
    reply = gateway.get("/audit?action=clear.begun")
    assert (reply.status, reply.code) == (400, "invalid_request")
    assert "clear.began" in reply.error
    assert gateway.get("/audit?action=clear").status == 200


def test_the_beginning_of_time_is_a_time(gateway: Gateway):
    assert gateway.get("/audit?start_date=0001-01-01").status == 200
