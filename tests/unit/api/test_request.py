import re
from typing import Any

import pytest

from chatledger.api import app
from chatledger.api.request import Request, begin
from chatledger.errors import InvalidRequest, NotFound, Unauthorized


def event(route_key: str = "GET /chats/{conversation_id}", **rest: Any) -> dict[str, Any]:
    return {
        "routeKey": route_key,
        "rawPath": "/dev/whatever/the/gateway/decoded",
        "requestContext": {"stage": "dev", "http": {"method": "GET"}},
        **rest,
    }


@pytest.mark.parametrize(
    "value", ["a/b", "#", "😀", "%", "%2F", "..", "<x>", "a b", "/", "?", "~'"]
)
def test_a_path_parameter_is_decoded_once_and_routed_by_its_key(value: str):
    request = Request(event(pathParameters={"conversation_id": value}))
    assert request.path("conversation_id") == value
    path = request.routable()["rawPath"]
    assert path.startswith("/chats/")
    assert path.isascii()
    assert path.count("/") == 2
    assert request.routable()["requestContext"]["stage"] == "$default"


@pytest.mark.parametrize(
    ("key", "sent", "meant"),
    [
        ("GET /chats/{conversation_id+}", "a/b", "a/b"),
        ("GET /chats/{conversation_id+}", "100%25", "100%"),
        ("GET /chats/{conversation_id+}", "%252F", "%2F"),
        ("PATCH /chats/{conversation_id+}", "a/chats", "a/chats"),
        ("GET /users/{user_id+}", "ann/chats", "ann"),
        ("GET /users/{user_id+}", "chats/chats", "chats"),
        ("GET /users/{user_id+}", "/chats/chats", "/chats"),
    ],
)
def test_a_greedy_key_stands_for_its_route(key: str, sent: str, meant: str):
    (name,) = re.findall(r"{(\w+)\+}", key)
    request = Request(event(key, pathParameters={name: sent}))
    assert request.route
    assert request.path(name) == meant


def test_a_greedy_key_without_the_routes_ending_is_no_route():
    request = Request(event("GET /users/{user_id+}", pathParameters={"user_id": "ann"}))
    with pytest.raises(NotFound):
        _ = request.route


@pytest.mark.parametrize("value", ["a\x00b", "x" * 257, "\ud800", "\x9f"])
def test_a_path_parameter_is_an_id(value: str):
    request = Request(event(pathParameters={"conversation_id": value}))
    request.routable()
    with pytest.raises(InvalidRequest, match="conversation_id"):
        request.path("conversation_id")


@pytest.mark.parametrize("route_key", ["$default", "GET /unknown", "ANY /{proxy+}", "", None])
def test_what_is_not_in_the_table_has_no_route(route_key: Any):
    request = Request(event(route_key))
    request.routable()
    with pytest.raises(NotFound):
        _ = request.route


def test_headers_are_found_whatever_their_case():
    begin(event(headers={"X-Api-Key": "k", "ACCEPT": "text/html, application/problem+json"}))
    assert app.header("x-aPI-kEY") == "k"
    assert Request(event(headers={"Accept": "application/problem+JSON;q=1"})).wants_problem
    assert not Request(event()).wants_problem


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        (None, 0),
        ("wait=5", 5),
        ("respond-async, wait=7", 7),
        ("WAIT = 7; x=y", 7),
        ("wait=20", 20),
        ("wait=3600", 20),
        ("wait=99999999999999999999", 20),
        ("wait", 0),
        ("wait=-1", 0),
        ("wait=soon", 0),
        ("waiting=5", 0),
    ],
)
def test_how_long_a_caller_would_wait(prefer: str | None, seconds: int):
    begin(event(headers={"prefer": prefer} if prefer else {}))
    assert app.wait_seconds() == seconds


def test_without_an_idempotency_key_nothing_is_kept():
    begin(event())
    assert app.idempotency_key() is None
    assert app.claimed(id="1") == {"id": "1"}


def test_nobody_is_a_caller_before_being_admitted():
    begin(event())
    with pytest.raises(Unauthorized):
        app.caller()
