"""`chatledger keys`, and what holds for every command that speaks to the service."""

import io
import json
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from tests.unit.cli.service import KEY, URL, Service, chatledger, error, names

MADE = {
    "key_id": "key-1",
    "name": "bot",
    "role": "writer",
    "organization_id": "default",
    "requests_per_minute": None,
    "created_at": "2026-11-21T08:00:00Z",
    "key": "clk_" + "s" * 24,
}


class Keys:
    def __init__(
        self, *faults: httpx.Response | Exception, keys: list[dict[str, Any]] | None = None
    ) -> None:
        self.faults = list(faults)
        self.keys = keys or []
        self.requests: list[httpx.Request] = []

    def __call__(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        if self.faults:
            fault = self.faults.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        match request.method:
            case "POST":
                return httpx.Response(201, json=MADE)
            case "GET":
                return httpx.Response(200, json={"keys": self.keys})
            case _:
                return httpx.Response(204)


def test_a_new_key_stands_alone_on_standard_output():
    service = Keys()
    ran = chatledger(
        *(service, "keys", "create", "--role", "writer", "--name", "bot"),
        *("--organization", "other", "--requests-per-minute", "5"),
    )
    assert ran.status == 0
    assert ran.out == MADE["key"] + "\n"
    assert "once" in ran.err
    (request,) = service.requests
    assert not request.url.query
    assert json.loads(request.content) == {
        "role": "writer",
        "name": "bot",
        "organization_id": "other",
        "requests_per_minute": 5,
    }


@pytest.mark.parametrize(
    "fault", [httpx.ReadTimeout("lost"), error(503, "storage_error"), error(500, "internal_error")]
)
def test_a_key_that_may_have_been_made_is_not_made_again(fault: httpx.Response | Exception):
    service = Keys(fault)
    ran = chatledger(service, "keys", "create", "--role", "writer", "--name", "bot")
    assert ran.status == 1
    assert len(service.requests) == 1


@pytest.mark.parametrize(
    "fault", [httpx.ConnectError("refused"), error(429, "rate_limited", **{"Retry-After": "3"})]
)
def test_a_key_that_was_certainly_not_made_is_tried_again(fault: httpx.Response | Exception):
    service = Keys(fault)
    assert chatledger(service, "keys", "create", "--role", "writer", "--name", "b").status == 0
    assert len(service.requests) == 2


def test_a_list_is_a_line_per_key_and_never_cut():
    listed = {name: value for name, value in MADE.items() if name != "key"}
    long = listed | {"name": "n" * 100 + "\x1b[31m", "requests_per_minute": 0}
    ran = chatledger(Keys(keys=[listed, long]), "keys", "list", "--organization", "other")
    assert ran.status == 0
    head, first, second = ran.out.splitlines()
    assert head.split() == ["KEY", "ID", "ROLE", "LIMIT", "CREATED", "NAME"]
    assert first.split() == ["key-1", "writer", "usual", "2026-11-21", "bot"]
    assert "n" * 100 in second
    assert "\x1b" not in ran.out


def test_a_key_is_revoked_by_its_id():
    service = Keys()
    assert chatledger(service, "keys", "revoke", "a/b").status == 0
    assert service.requests[0].url.raw_path == b"/keys/a%2Fb"


def test_the_first_key_of_a_stack_comes_from_its_function(monkeypatch: pytest.MonkeyPatch):
    calls: list[Any] = []

    class Client:
        def describe_stacks(self, **arguments: str) -> Any:
            assert arguments == {"StackName": "ledger"}
            output = {"OutputKey": "BootstrapFunctionName", "OutputValue": "the-function"}
            return {"Stacks": [{"Outputs": [output]}]}

        def invoke(self, **arguments: Any) -> Any:
            calls.append(arguments)
            return {"Payload": io.BytesIO(json.dumps(MADE | {"role": "operator"}).encode())}

    class Session:
        def __init__(self, region_name: str | None) -> None:
            calls.append(region_name)

        def client(self, _name: str) -> Client:
            return Client()

    monkeypatch.setattr(boto3, "Session", Session)
    ran = chatledger(
        Keys(),
        "keys",
        "bootstrap",
        "--stack",
        "ledger",
        "--region",
        "eu-central-1",
        environment={"X": "1"},
    )
    assert ran.status == 0, ran.err
    assert ran.out == MADE["key"] + "\n"
    region, invoked = calls
    assert region == "eu-central-1"
    assert invoked["FunctionName"] == "the-function"
    assert json.loads(invoked["Payload"]) == {"name": "first key", "organization_id": "default"}


@pytest.mark.parametrize("given", [{}, {"CHATLEDGER_KEY": "not a key"}])
def test_without_a_key_nothing_is_asked_and_nothing_given_is_shown(given: dict[str, str]):
    service = Keys()
    ran = chatledger(service, "keys", "list", environment={"CHATLEDGER_URL": URL} | given)
    assert ran.status == 2
    assert "not a key" not in ran.err
    assert not service.requests


@pytest.mark.parametrize("place", ["before", "after"])
def test_address_and_key_stand_before_the_command_or_after_it(place: str):
    service, options = Keys(), ["--url", f"{URL}/stage/", "--key", KEY]
    words = ["keys", "list"]
    arguments = [*options, *words] if place == "before" else [*words, *options]
    assert chatledger(service, *arguments, environment={"X": "1"}).status == 0
    (request,) = service.requests
    assert str(request.url) == f"{URL}/stage/keys"
    assert request.headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "url", ["ftp://x", "ledger.test", "https://", "https://me:secret@ledger.test", "http://[::1"]
)
def test_what_is_no_address_is_wrong_usage(url: str):
    ran = chatledger(Keys(), "keys", "list", "--url", url)
    assert ran.status == 2
    assert "secret" not in ran.err


@pytest.mark.parametrize(
    ("url", "warned"),
    [("http://ledger.test", True), ("http://127.0.0.1:8080", False), (URL, False)],
)
def test_a_key_in_plain_text_on_a_network_is_warned_of(url: str, warned: bool):
    ran = chatledger(Keys(), "keys", "list", "--url", url)
    assert ran.status == 0
    assert ("encrypted" in ran.err) == warned


def test_a_busy_service_is_asked_again_when_it_says():
    service = Keys(
        error(429, "rate_limited", **{"Retry-After": "9"}),
        error(503, "storage_error", **{"Retry-After": "1"}),
        httpx.ReadError("lost"),
    )
    ran = chatledger(service, "keys", "list")
    assert ran.status == 0
    assert ran.waits[0] == 9
    assert len(service.requests) == 4
    assert "9 s" in ran.err


def test_an_address_where_nobody_is_is_given_up_soon():
    service = Keys(*(httpx.ConnectError("refused") for _ in range(20)))
    ran = chatledger(service, "keys", "list")
    assert ran.status == 1
    assert "Is the address right" in ran.err
    assert sum(ran.waits) < 3


def test_a_service_that_was_there_is_waited_for_a_minute(tmp_path: Path):
    service = Service(states=[{"status": "running"}])
    service.faults = {"GET /exports/export-1": [httpx.ConnectError("refused")] * 50}
    ran = chatledger(service, "export", "-o", tmp_path)
    assert ran.status == 1
    assert "no longer answers" in ran.err
    assert 45 < sum(ran.waits) < 180
    assert names(tmp_path) == [".chatledger-export.json"]


@pytest.mark.parametrize("body", [b"<html>", b"[]", b""])
def test_another_kind_of_server_is_recognised(body: bytes):
    ran = chatledger(Keys(httpx.Response(200, content=body)), "keys", "list")
    assert ran.status == 1
    assert "does not answer as Chatledger does" in ran.err


def test_an_error_is_told_in_the_services_words():
    ran = chatledger(Keys(error(403, "forbidden", "This needs the role owner.")), "keys", "list")
    assert ran.status == 1
    assert "This needs the role owner." in ran.err
