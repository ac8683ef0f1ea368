"""The OpenAPI 3.1 document, made of the routes and the models."""

import re
from functools import cache
from http import HTTPStatus
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import JsonSchemaMode, models_json_schema

from chatledger import __version__
from chatledger.access.roles import Role
from chatledger.api.routes import ROUTES, TAGS, Route
from chatledger.errors import STATUS
from chatledger.models.answers import Error, Problem

_Shape = tuple[type[BaseModel], JsonSchemaMode]

_REFERENCE = "#/components/schemas/{model}"
_DESCRIPTION = """The system of record for AI-chat logs: every message accounted for.

Send a key as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Times are RFC 3339 in UTC; both ends
of a range are included, and a bare `end_date` takes that whole day. Sending messages twice stores
them once, so whatever fails with 429 or 503 may be repeated after `Retry-After` seconds."""
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, `clk_…`"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "The same key and body within 24 hours start the same work once.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
        "example": "7d0c1c9e-6f0e-4f3a-9d3c-0d9f6e2f8a11",
    },
    "Prefer": {
        "description": "`wait=SECONDS`, at most 20: answer when it is done, if that is sooner.",
        "schema": {"type": "string"},
        "example": "wait=20",
    },
}
_EXAMPLES = {
    "conversation_id": "meeting_123",
    "user_id": "john_doe",
    "asset": "start.css",
}


@cache
def document() -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for key, route in ROUTES.items():
        method, path = key.split(" ")
        paths.setdefault(path, {})[method.lower()] = _operation(method, path, route)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Chatledger",
            "version": __version__,
            "description": _DESCRIPTION,
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "paths": paths,
        "components": {
            "schemas": _schemas(),
            "responses": _error_answers(),
            "securitySchemes": _SCHEMES,
        },
    }


def _operation(method: str, path: str, route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": _operation_id(method, path),
        "summary": route.summary,
        "tags": [route.tag],
        "security": _SECURITY if route.role else [],
        "parameters": [*_path_parameters(path), *_query_parameters(route), *_headers(route)],
        "responses": _answers(route) | _errors(route),
    }
    if route.role:
        operation["description"] = _who(route, route.role)
    if route.body:
        schema = _REFERENCE.format(model=route.body.__name__)
        content: dict[str, Any] = {"schema": {"$ref": schema}}
        if examples := route.body.model_json_schema().get("examples"):
            content["example"] = examples[0]
        operation["requestBody"] = {"required": True, "content": {"application/json": content}}
    return operation


def _operation_id(method: str, path: str) -> str:
    words = [word for word in re.split(r"\W+", path) if word]
    return "_".join([method.lower(), *words]) if words else "get_start_page"


def _who(route: Route, role: Role) -> str:
    also = " Anonymous callers too, where the deployment allows them." if route.anonymous else ""
    return f"Needs the role `{role.label}`.{also}"


def _path_parameters(path: str) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": "Percent-encoded where it holds more than letters and digits.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            "example": _EXAMPLES.get(
                name, f"{name.removesuffix('_id')}_01JD5M1X9Q5V0Z6W3T8R2N4K7B"
            ),
        }
        for name in re.findall(r"{(\w+)}", path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if not route.role:
        return []
    parameters = [
        _query_parameter(name, schema)
        for name, schema in route.query.model_json_schema().get("properties", {}).items()
    ]
    organization = {
        "name": "organization_id",
        "in": "query",
        "description": "The key's own organization; an operator may name another and acts there.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    }
    return [*parameters, organization]


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null; what may be left out needs no null either."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    kind = kinds[0] if kinds else {key: schema[key] for key in schema if key != "title"}
    parameter: dict[str, Any] = {"name": name, "in": "query", "schema": kind}
    if examples := schema.get("examples"):
        parameter["example"] = examples[0]
    return parameter


def _headers(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", **_HEADERS[name]} for name in route.headers]


def _answers(route: Route) -> dict[str, Any]:
    return {str(status): _answer(status, what) for status, what in route.answers.items()}


def _answer(status: int, what: type[BaseModel] | str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if status in {202, 302}:
        answer["headers"] = {
            "Location": {"description": "Where it is, or goes on.", "schema": {"type": "string"}}
        }
    if isinstance(what, str):
        answer["content"] = {what: {}}
    elif what:
        schema = {"$ref": _REFERENCE.format(model=what.__name__)}
        answer["content"] = {"application/json": {"schema": schema}}
    return answer


def _errors(route: Route) -> dict[str, Any]:
    codes = [*route.errors]
    if route.role:
        codes += ["invalid_request", "unauthorized", "forbidden", "rate_limited"]
        codes += ["internal_error", "storage_error"]
    if route.body:
        codes.append("payload_too_large")
    if "Idempotency-Key" in route.headers:
        codes.append("idempotency_mismatch")
    statuses = sorted({STATUS[code] for code in codes})
    return {str(each): {"$ref": f"#/components/responses/{each}"} for each in statuses}


def _error_answers() -> dict[str, Any]:
    return {
        str(status): {
            "description": f"{HTTPStatus(status).phrase}: {', '.join(_codes_of(status))}",
            "headers": _error_headers(status),
            "content": {
                "application/json": {"schema": {"$ref": _REFERENCE.format(model="Error")}},
                "application/problem+json": {
                    "schema": {"$ref": _REFERENCE.format(model="Problem")}
                },
            },
        }
        for status in sorted(set(STATUS.values()))
    }


def _codes_of(status: int) -> list[str]:
    return [f"`{code}`" for code, its in STATUS.items() if its == status]


def _error_headers(status: int) -> dict[str, Any]:
    if status not in {429, 503}:
        return {}
    seconds = {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}}
    return {"Retry-After": seconds}


def _schemas() -> dict[str, Any]:
    """Requests as they may be sent, answers as they are."""
    requests = [route.body for route in ROUTES.values() if route.body]
    told = [what for route in ROUTES.values() for what in route.answers.values()]
    answers = [what for what in told if what and not isinstance(what, str)]
    sent: list[_Shape] = [(model, "validation") for model in requests]
    back: list[_Shape] = [(model, "serialization") for model in (*answers, Error, Problem)]
    _, schemas = models_json_schema(list(dict.fromkeys(sent + back)), ref_template=_REFERENCE)
    return schemas["$defs"]
