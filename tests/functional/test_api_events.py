"""The real payloads in ``events/``: each function takes its own."""

import importlib
import json
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.gateway import Gateway, routes_of_template

EVENTS = Path(__file__).parents[2] / "events"
OF_ROUTES = sorted(path for path in EVENTS.glob("*.json") if "routeKey" in path.read_text())
_KEY = "clk_example_key_of_a_person_0001"


def load(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text())


@pytest.mark.parametrize("path", OF_ROUTES, ids=lambda path: path.stem)
def test_a_function_takes_its_event(gateway: Gateway, path: Path):
    event, functions = load(path), routes_of_template()
    assert functions[event["routeKey"]] == path.stem.partition("-")[0]
    bootstrap = importlib.import_module("functions.bootstrap.app").lambda_handler
    bootstrap({"key": _KEY}, None)
    reply = gateway.deliver(event)
    assert reply.status in {200, 201, 202, 204, 302, 404}, reply.text


def test_the_event_that_makes_the_first_key(gateway: Gateway):
    handler = importlib.import_module("functions.bootstrap.app").lambda_handler
    made = handler(load(EVENTS / "bootstrap.json"), None)
    assert gateway.with_key(made["key"]).get("/keys").status == 200
