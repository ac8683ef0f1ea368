"""Keys: who makes which, what is shown, and the function that makes the first."""

from typing import Any

import pytest

from chatledger.errors import InvalidRequest
from functions.bootstrap.app import lambda_handler as bootstrap
from tests.fakes.gateway import Gateway
from tests.functional.conftest import OPERATOR_KEY
from tests.functional.test_api_access import make_key


def test_a_key_is_shown_this_once(aws_gateway: Gateway):
    made = make_key(aws_gateway, "writer", requests_per_minute=600)
    assert made["key"].startswith("clk_")
    assert made["role"] == "writer"
    assert made["organization_id"] == "default"
    listed = aws_gateway.get("/keys")
    assert made["key"] not in listed.text
    assert OPERATOR_KEY not in listed.text
    del made["key"]
    assert made in listed.json()["keys"]


@pytest.mark.parametrize("role", ["reader", "writer", "admin", "owner"])
def test_an_owner_makes_keys_up_to_owner_in_its_organization(aws_gateway: Gateway, role: str):
    owner = aws_gateway.with_key(make_key(aws_gateway, "owner", organization_id="org")["key"])
    assert make_key(owner, role)["organization_id"] == "org"
    assert make_key(owner, role, organization_id="org")["organization_id"] == "org"


@pytest.mark.parametrize(
    "wrong", [{"role": "operator"}, {"role": "reader", "organization_id": "other"}], ids=repr
)
def test_an_owner_makes_no_more(aws_gateway: Gateway, wrong: dict[str, Any]):
    owner = aws_gateway.with_key(make_key(aws_gateway, "owner", organization_id="org")["key"])
    before = owner.get("/keys").json()
    reply = owner.post("/keys", {"name": "n", **wrong})
    assert (reply.status, reply.code) == (403, "forbidden")
    assert owner.get("/keys").json() == before
    assert aws_gateway.get("/keys?organization_id=other").json() == {"keys": []}


def test_an_operator_creates_an_organization_by_its_first_key(aws_gateway: Gateway):
    made = make_key(aws_gateway, "owner", organization_id="new/#😀")
    assert made["organization_id"] == "new/#😀"
    assert (
        aws_gateway.with_key(made["key"]).get("/keys").json()["keys"][0]["key_id"] == made["key_id"]
    )


def test_an_operator_makes_operators(aws_gateway: Gateway):
    made = make_key(aws_gateway, "operator")
    reply = aws_gateway.with_key(made["key"]).get("/keys?organization_id=anywhere")
    assert reply.status == 200
    assert reply.headers["RateLimit-Policy"] == '"minute";q=100;w=60'


def test_an_owner_does_not_revoke_an_operator(aws_gateway: Gateway):
    owner = aws_gateway.with_key(make_key(aws_gateway, "owner")["key"])
    operator = make_key(aws_gateway, "operator")
    reply = owner.call("DELETE", f"/keys/{operator['key_id']}")
    assert (reply.status, reply.code) == (403, "forbidden")
    assert aws_gateway.with_key(operator["key"]).get("/keys").status == 200


def test_a_key_of_another_organization_is_not_found(aws_gateway: Gateway):
    other = make_key(aws_gateway, "reader", organization_id="other")
    owner = aws_gateway.with_key(make_key(aws_gateway, "owner", organization_id="org")["key"])
    for target in (other["key_id"], "key_unknown", "K%23h%23x", "%F0%9F%98%80"):
        reply = owner.call("DELETE", f"/keys/{target}")
        assert (reply.status, reply.code) == (404, "not_found")
    path = f"/keys/{other['key_id']}?organization_id=other"
    assert aws_gateway.call("DELETE", path).status == 204
    assert aws_gateway.call("DELETE", path).status == 404


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "king", "name": "n"},
        {"role": "reader"},
        {"name": "n"},
        {"role": "reader", "name": "n", "key": "clk_brought_along_by_somebody"},
        {"role": "reader", "name": "n", "requests_per_minute": 0},
        {"role": "reader", "name": "n", "requests_per_minute": 1.5},
        {"role": "reader", "name": "n", "organization_id": "a\x00"},
    ],
    ids=repr,
)
def test_a_wrong_request_makes_no_key(aws_gateway: Gateway, wrong: dict[str, Any]):
    before = aws_gateway.get("/keys").json()
    reply = aws_gateway.post("/keys", wrong)
    assert (reply.status, reply.code) == (400, "invalid_request")
    assert aws_gateway.get("/keys").json() == before


@pytest.mark.usefixtures("deployed")
class TestBootstrap:
    def test_makes_an_operator_without_a_limit(self):
        made = bootstrap({"name": "first key", "organization_id": "default", "key": None}, None)
        assert made["role"] == "operator"
        assert made["organization_id"] == "default"
        reply = Gateway(made["key"]).get("/keys")
        assert reply.status == 200
        assert "RateLimit" not in reply.headers

    def test_takes_a_secret_along_and_makes_it_once(self):
        first = bootstrap({"key": OPERATOR_KEY}, None)
        assert first["key"] == OPERATOR_KEY
        assert bootstrap({"key": OPERATOR_KEY, "name": "again"}, None) == first
        assert len(Gateway(OPERATOR_KEY).get("/keys").json()["keys"]) == 1

    @pytest.mark.parametrize("event", [{"key": "clk_short"}, {"name": ""}, {"role": "reader"}])
    def test_refuses_what_it_does_not_know(self, event: dict[str, Any]):
        with pytest.raises(InvalidRequest) as caught:
            bootstrap(event, None)
        assert "clk_short" not in str(caught.value)
