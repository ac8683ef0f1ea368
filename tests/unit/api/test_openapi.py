import re
from typing import Any

import pytest
import schemathesis

from chatledger.api.bodies import MAX_BODY_BYTES
from chatledger.api.openapi import document
from chatledger.api.routes import GREEDY, ROUTES, TAGS
from chatledger.chats import ingest
from chatledger.messages import MAX_MESSAGE_BYTES
from chatledger.models.exports import FORMATS
from tests.fakes.gateway import routes_of_template


def routes_behind(key: str) -> list[str]:
    """Those that a route key of the template stands for."""
    return list(GREEDY.get(key, {"": key}).values())


def test_the_template_has_these_routes_and_no_others():
    meant = {route for key in routes_of_template() for route in routes_behind(key)}
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
        meant = {route for key in routed - {"$default"} for route in routes_behind(key)}
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


# Of JSON Schema 2020-12, the words that are used here.
KEYWORDS = {
    *("$ref", "title", "description", "default", "examples", "type", "enum", "const", "anyOf"),
    *("properties", "required", "additionalProperties", "items", "minItems", "maxItems"),
    *("minLength", "maxLength", "pattern", "minimum", "maximum"),
}


def schemas() -> dict[str, dict[str, Any]]:
    return document()["components"]["schemas"]


def parameters() -> list[dict[str, Any]]:
    return [
        parameter
        for path in document()["paths"].values()
        for operation in path.values()
        for parameter in operation["parameters"]
    ]


def inner(schema: dict[str, Any]) -> list[dict[str, Any]]:
    """The schema and those in it; a reference is not followed."""
    below = [*schema.get("anyOf", []), *schema.get("properties", {}).values()]
    below += [schema[each] for each in ("items", "additionalProperties") if each in schema]
    return [schema, *(each for part in below if isinstance(part, dict) for each in inner(part))]


def requests() -> set[str]:
    """The names of the schemas that a body is made of."""
    names = {route.body.__name__ for route in ROUTES.values() if route.body}
    while (
        more := set(re.findall(r"schemas/(\w+)", str([schemas()[each] for each in names]))) - names
    ):
        names |= more
    return names


def test_only_words_of_json_schema_are_published():
    published = [*schemas().values(), *(each["schema"] for each in parameters())]
    used = {word for schema in published for each in inner(schema) for word in each}
    assert used <= KEYWORDS
    limit = next(each for each in parameters() if each["name"] == "limit")["schema"]
    assert (limit["minimum"], limit["maximum"]) == (1, 100)


def test_no_field_of_a_request_and_no_parameter_is_without_description():
    assert {"ChatsRequest", "MessageIn", "ExportFilters", "KeyRequest"} <= requests()
    fields = {
        f"{name}.{field}": its
        for name in requests()
        for schema in inner(schemas()[name])
        for field, its in schema.get("properties", {}).items()
    }
    described = fields | {each["name"]: each for each in parameters()}
    assert [name for name, its in described.items() if not its.get("description")] == []


def test_no_schema_is_without_description():
    assert [name for name, its in schemas().items() if not its.get("description")] == []
    assert "``" not in str(document())


def test_limits_are_told_as_they_are():
    details = document()["paths"]["/chats"]["post"]["description"]
    messages = schemas()["ChatsRequest"]["properties"]["messages"]["description"]
    for told in (details, messages):
        words = " ".join(told.split())
        assert f"{MAX_BODY_BYTES // 2**20} MB" in words
        assert f"{MAX_MESSAGE_BYTES // 1024} KB" in words
        assert f"{ingest.MAX_DAYS:,} days" in words
        assert f"{ingest.MAX_QUARTERS:,} quarter hours" in words
        assert f"{ingest.MAX_USERS} users" in words


def test_what_is_not_there_yet_says_so():
    fields = schemas()["ExportRequest"]["properties"]
    for name in ["destination", "training", "webhook_url"]:
        assert fields[name]["description"].startswith("Not available yet")
    assert fields["format"]["enum"] == list(FORMATS)


def test_no_form_is_filled_in_with_what_cannot_be_meant():
    """A key of the day before, a range that holds nothing, a page beside a cursor."""
    told = {each["name"]: each for each in parameters()}
    for name in ("Idempotency-Key", "start_date", "end_date", "page", "cursor"):
        assert "example" not in told[name]
        assert told[name]["schema"].get("default") is None
    assert re.fullmatch("[0-9A-HJKMNP-TV-Z]{26}", told["export_id"]["example"])
    assert re.fullmatch("key_[0-9A-HJKMNP-TV-Z]{26}", told["key_id"]["example"])


def test_headers_of_answers_are_told():
    paths = document()["paths"]
    exports = paths["/exports"]["post"]["responses"]
    assert all("Location" in exports[status]["headers"] for status in ("201", "202"))
    assert {"RateLimit", "RateLimit-Policy"} <= set(
        paths["/chats"]["get"]["responses"]["200"]["headers"]
    )
    assert "headers" not in paths["/health"]["get"]["responses"]["200"]
    for status in ("429", "503"):
        assert "Retry-After" in document()["components"]["responses"][status]["headers"]
