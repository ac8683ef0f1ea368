"""Who may call what: keys, roles, organizations, limits, the anonymous."""

from typing import Any
from urllib.parse import quote

import pytest

from chatledger.access import limits
from chatledger.access.roles import Role
from chatledger.api import app
from chatledger.api.routes import ROUTES
from tests.fakes.gateway import Gateway, Reply
from tests.functional.conftest import OPERATOR_KEY, forget

GUARDED = {key: route for key, route in ROUTES.items() if route.role}
OPEN = [key for key, route in ROUTES.items() if not route.role]
HELLO = {"messages": [{"content": "Hello", "timestamp": "2026-10-01T09:00:00Z"}]}
BODIES: dict[str, Any] = {
    "POST /chats": HELLO,
    "PATCH /chats/{conversation_id}": {"title": "t"},
    "POST /documents": {"document_id": "d", "app_id": "a"},
    "POST /exports": {"anonymize": False, "dry_run": True},
    "POST /exports/preview": {"anonymize": False},
    "POST /crm/ai-conversations/preview": {"anonymize": False},
    "POST /crm/ai-conversations/export": {"anonymize": False, "dry_run": True},
    "POST /exports/{export_id}/acknowledge": {"root_hash": "0" * 64},
    "POST /holds": {"user_id": "nobody"},
    "POST /imports": {"format": "archive"},
    "POST /keys": {"role": "reader", "name": "n"},
}
QUERIES = {"GET /api/conversation-logs": "?action=summary"}


def make_key(gateway: Gateway, role: str, **fields: Any) -> dict[str, Any]:
    reply = gateway.post("/keys", {"role": role, "name": f"the {role}", **fields})
    assert reply.status == 201, reply.text
    return reply.json()


def send(gateway: Gateway, route_key: str, **rest: Any) -> Reply:
    method, path = route_key.split(" ")
    for name in ("conversation_id", "user_id", "export_id", "key_id", "hold_id"):
        path = path.replace(f"{{{name}}}", "nobody")
    path = path.replace("{asset}", "start.css")
    path += QUERIES.get(route_key, "")
    return gateway.call(method, path, BODIES.get(route_key), **rest)


@pytest.mark.parametrize("route_key", GUARDED)
def test_without_a_good_key_there_is_nothing(gateway: Gateway, route_key: str):
    for key in (None, "clk_" + "x" * 43, "nonsense", OPERATOR_KEY + "x"):
        reply = send(gateway.with_key(key), route_key)
        assert (reply.status, reply.code) == (401, "unauthorized")
        assert reply.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("route_key", GUARDED)
def test_every_route_asks_for_its_role(gateway: Gateway, route_key: str):
    needed = GUARDED[route_key].role
    assert needed
    for role in Role:
        reply = send(gateway.with_key(make_key(gateway, role.label)["key"]), route_key)
        if role < needed:
            assert (reply.status, reply.code) == (403, "forbidden")
            assert needed.label in reply.error
        else:
            assert reply.status in {200, 201, 202, 302, 404}, reply.text


@pytest.mark.parametrize("route_key", OPEN)
def test_the_open_routes_need_no_key_and_no_table(
    gateway: Gateway, route_key: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.delattr(app, "DynamoTable")
    forget()
    reply = send(gateway.with_key(None), route_key)
    assert reply.status == 200
    assert "RateLimit" not in reply.headers


@pytest.mark.parametrize("header", ["Authorization", "X-API-Key", "x-api-key"])
def test_a_key_comes_in_either_header(gateway: Gateway, header: str):
    value = f"Bearer {OPERATOR_KEY}" if header == "Authorization" else OPERATOR_KEY
    assert gateway.with_key(None).get("/keys", headers={header: value}).status == 200


def test_two_different_keys_are_none(gateway: Gateway):
    reply = gateway.get("/keys", headers={"X-API-Key": "clk_" + "y" * 43})
    assert (reply.status, reply.code) == (401, "unauthorized")


def test_a_revoked_key_is_refused_at_once(gateway: Gateway):
    made = make_key(gateway, "reader")
    reader = gateway.with_key(made["key"])
    assert reader.get("/chats").status == 200
    assert gateway.call("DELETE", f"/keys/{made['key_id']}").status == 204
    assert (reader.get("/chats").status, reader.get("/chats").code) == (401, "unauthorized")


@pytest.mark.parametrize("route_key", GUARDED)
def test_an_organization_is_the_keys_own(gateway: Gateway, route_key: str):
    method, path = route_key.split(" ")
    owner = gateway.with_key(make_key(gateway, "owner")["key"])
    asked = QUERIES.get(route_key)
    path = path.replace("{", "").replace("}", "") + (f"{asked}&" if asked else "?")
    body = BODIES.get(route_key)
    other = owner.call(method, f"{path}organization_id=other", body)
    assert (other.status, other.code) == (403, "forbidden")
    assert owner.call(method, f"{path}organization_id=default", body).status < 405
    operator = gateway.call(method, f"{path}organization_id=other", body)
    assert operator.status in {200, 201, 202, 302, 404}


def test_an_operator_works_in_the_organization_it_names(gateway: Gateway):
    strange = quote("ä/b#😀", safe="")
    assert gateway.post(f"/chats?organization_id={strange}", HELLO).status == 201
    assert gateway.get("/chats").json()["conversations"] == []
    there = gateway.get(f"/chats?organization_id={strange}").json()["conversations"]
    assert [each["last_message"] for each in there] == ["Hello"]


def test_organizations_do_not_see_each_other(gateway: Gateway):
    mine = gateway.with_key(make_key(gateway, "owner", organization_id="mine")["key"])
    theirs = gateway.with_key(make_key(gateway, "owner", organization_id="theirs")["key"])
    said = {**HELLO, "conversation_id": "c", "user_id": "u", "title": "mine"}
    assert mine.post("/chats", said).status == 201
    assert theirs.get("/chats/c").status == 404
    assert theirs.call("PATCH", "/chats/c", {"title": "x"}).status == 404
    assert theirs.get("/chats").json()["conversations"] == []
    assert theirs.get("/users/u/chats").json()["total_conversations"] == 0
    assert mine.get("/chats/c").json()["title"] == "mine"


def test_the_limit_of_a_key(gateway: Gateway):
    limited = gateway.with_key(make_key(gateway, "reader", requests_per_minute=2)["key"])
    for left in (1, 0):
        reply = limited.get("/chats")
        assert reply.status == 200
        assert reply.headers["RateLimit-Policy"] == '"minute";q=2;w=60'
        assert reply.headers["RateLimit"].startswith(f'"minute";r={left};t=')
    over = limited.get("/chats")
    assert (over.status, over.code) == (429, "rate_limited")
    assert 1 <= int(over.headers["Retry-After"]) <= 60
    assert over.headers["RateLimit"].startswith('"minute";r=0;')
    assert gateway.get("/chats").status == 200


def test_a_key_has_the_usual_limit_and_the_first_one_none(gateway: Gateway):
    reader = gateway.with_key(make_key(gateway, "reader")["key"])
    assert reader.get("/chats").headers["RateLimit-Policy"] == f'"minute";q={limits.WITH_KEY};w=60'
    assert "RateLimit-Policy" not in gateway.get("/chats").headers


def test_what_is_refused_counts_too(gateway: Gateway):
    limited = gateway.with_key(make_key(gateway, "reader", requests_per_minute=2)["key"])
    assert [limited.get("/keys").status for _ in range(3)] == [403, 403, 429]


class TestTheAnonymous:
    @pytest.fixture
    def anonymous(self, gateway: Gateway, monkeypatch: pytest.MonkeyPatch) -> Gateway:
        monkeypatch.setenv("ALLOW_ANONYMOUS", "true")
        forget()
        return gateway.with_key(None)

    def test_store_and_read_in_the_organization_public(self, anonymous: Gateway, gateway: Gateway):
        assert anonymous.post("/chats", {**HELLO, "conversation_id": "c"}).status == 201
        assert anonymous.get("/chats/c").status == 200
        assert gateway.get("/chats/c").status == 404
        assert gateway.get("/chats/c?organization_id=public").status == 200

    @pytest.mark.parametrize("route_key", GUARDED)
    def test_get_no_further_than_that(self, anonymous: Gateway, route_key: str):
        reply = send(anonymous, route_key)
        reached = {"POST /chats", "GET /chats", "GET /chats/{conversation_id}"}
        reached |= {"GET /users/{user_id}/chats"}
        assert (reply.status == 401) == (route_key not in reached)

    def test_name_no_other_organization(self, anonymous: Gateway):
        assert anonymous.get("/chats?organization_id=default").code == "forbidden"

    def test_are_not_taken_for_someone_with_a_wrong_key(self, anonymous: Gateway):
        assert anonymous.with_key("clk_" + "x" * 43).get("/chats").status == 401

    def test_have_ten_requests_a_minute_and_address(self, anonymous: Gateway):
        statuses = [anonymous.get("/chats").status for _ in range(11)]
        assert statuses == [200] * 10 + [429]
        assert anonymous.get("/chats", source_ip="203.0.113.8").status == 200


def test_trying_keys_is_limited_by_address(gateway: Gateway):
    thief = gateway.with_key("clk_" + "x" * 40)
    replies = [thief.get("/chats", source_ip="192.0.2.7") for _ in range(32)]
    assert [reply.status for reply in replies] == [401] * 30 + [429] * 2
    assert thief.get("/chats", source_ip="192.0.2.8").status == 401
    assert gateway.get("/chats", source_ip="192.0.2.7").status == 200


def test_an_operator_elsewhere_is_told_where_the_export_is(gateway: Gateway):
    asked = {"format": "csv", "anonymize": False}
    made = gateway.post("/exports?organization_id=a%2Fb", asked)
    assert made.headers["Location"].endswith("?organization_id=a%2Fb")
    assert gateway.get(made.headers["Location"]).status == 200
