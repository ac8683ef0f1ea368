import re
from typing import Any

import pytest
import schemathesis

from chatledger.api.openapi import document
from chatledger.api.routes import GREEDY, ROUTES, TAGS
from tests.fakes.gateway import routes_of_template


def test_the_template_has_these_routes_and_no_others():
    meant = {GREEDY.get(key, (key, ""))[0] for key in routes_of_template()}
    assert meant == {*ROUTES, "$default"}


def test_every_handler_is_a_route_of_the_table():
    from importlib import import_module

    for folder in set(routes_of_template().values()):
        app = import_module(f"functions.{folder}.app").app
        handled = {
            f"{route.method} {re.sub('<.*?>', '{}', route.path)}"
            for route in [*app._static_routes, *app._dynamic_routes]
        }
        routed = {key for key, its in routes_of_template().items() if its == folder}
        meant = {GREEDY.get(key, (key, ""))[0] for key in routed - {"$default"}}
        assert handled == {re.sub("{.*?}", "{}", key) for key in meant}


def test_the_document_is_openapi():
    schemathesis.openapi.from_dict(document()).validate()


@pytest.mark.parametrize("route_key", ROUTES)
def test_every_route_is_described(route_key: str):
    method, path = route_key.split(" ")
    operation = document()["paths"][path][method.lower()]
    assert operation["summary"]
    assert operation["tags"][0] in TAGS
    assert bool(operation["security"]) == bool(ROUTES[route_key].role)
    named = {each["name"] for each in operation["parameters"] if each["in"] == "path"}
    assert named == set(re.findall(r"{(\w+)}", path))
    if ROUTES[route_key].role:
        assert {"400", "401", "403", "429", "500", "503"} <= set(operation["responses"])


def test_operations_have_names_of_their_own():
    names = [each["operationId"] for path in document()["paths"].values() for each in path.values()]
    assert len(names) == len(set(names))


def test_every_reference_leads_somewhere():
    def references(value: Any) -> list[str]:
        if isinstance(value, dict):
            own = [value["$ref"]] if "$ref" in value else []
            return own + [each for inner in value.values() for each in references(inner)]
        if isinstance(value, list):
            return [each for inner in value for each in references(inner)]
        return []

    found = set(references(document()))
    assert found
    for reference in found:
        target: Any = document()
        for step in reference.removeprefix("#/").split("/"):
            target = target[step]


@pytest.mark.parametrize("route_key", [key for key, route in ROUTES.items() if route.body])
def test_the_example_of_a_body_is_a_good_one(route_key: str):
    method, path = route_key.split(" ")
    body = document()["paths"][path][method.lower()]["requestBody"]
    model = ROUTES[route_key].body
    assert model
    assert model.model_validate(body["content"]["application/json"]["example"])
