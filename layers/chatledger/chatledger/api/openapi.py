"""The OpenAPI 3.1 document, made of the routes and the models."""

import re
from collections.abc import Iterable
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
from chatledger.models.fields import ID

_Shape = tuple[type[BaseModel], JsonSchemaMode]

_REFERENCE = "#/components/schemas/{model}"
_DESCRIPTION = """The system of record for AI-chat logs: every message accounted for.

Send a key as `Authorization: Bearer KEY` or `X-API-Key: KEY`. Times are RFC 3339 in UTC; both ends
of a range are included, and a bare `end_date` takes that whole day. Sending messages twice with
their timestamps, or under an `Idempotency-Key`, stores them once: what fails with 429 or 503 may
then be repeated after `Retry-After` seconds. Bodies are JSON of at most 4 MB; ids are 1 to 256
bytes of UTF-8 without control characters."""
_SECURITY: list[dict[str, list[str]]] = [{"bearer": []}, {"api_key": []}]
_SCHEMES = {
    "bearer": {"type": "http", "scheme": "bearer", "description": "A key, `clk_…`"},
    "api_key": {"type": "apiKey", "in": "header", "name": "X-API-Key"},
}
_HEADERS: dict[str, dict[str, Any]] = {
    "Idempotency-Key": {
        "description": "1 to 255 visible ASCII characters, such as a new UUID for each piece of "
        "work. The same key and body within 24 hours do the same work once; another body is 422.",
        "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
    },
    "Prefer": {
        "description": "`wait=SECONDS`, at most 20: 201 when it is done, if that is sooner.",
        "schema": {"type": "string"},
        "example": "wait=20",
    },
}
_ULID = "01JD5M1X9Q5V0Z6W3T8R2N4K7B"
_PATH_PARAMETERS = {
    "conversation_id": ("Which conversation.", "meeting_123"),
    "user_id": ("Which user.", "john_doe"),
    "app_id": ("Which application or project.", "support"),
    "document_id": ("Which document.", "syllabus_2026"),
    "export_id": ("Which export.", _ULID),
    "import_id": ("Which import.", _ULID),
    "hold_id": ("Which hold.", f"hold_{_ULID}"),
    "key_id": ("Which key; not its secret.", f"key_{_ULID}"),
    "asset": ("The file's name.", "start.css"),
}
_ANSWER_HEADERS = {
    "Location": "Where it is, or goes on.",
    "RateLimit-Policy": "How many requests (`q`) in how many seconds (`w`), such as "
    '`"minute";q=100;w=60`. Not there for a key without a limit.',
    "RateLimit": "How many requests remain (`r`) for how many seconds (`t`), such as "
    '`"minute";r=99;t=42`. Not there for a key without a limit.',
    "Retry-After": "Whole seconds to wait before the request is repeated, such as `1`.",
    "WWW-Authenticate": "`Bearer`: send a key.",
}
_LIMITED = ("RateLimit-Policy", "RateLimit")


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
            "headers": {
                name: {"description": text, "schema": {"type": "string"}}
                for name, text in _ANSWER_HEADERS.items()
            },
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
    said = [route.details, _who(route, route.role) if route.role else ""]
    if any(said):
        operation["description"] = "\n\n".join(filter(None, said))
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
            "description": f"{description} In a URL percent-encoded where it holds more than "
            "letters and digits.",
            "schema": {"type": "string", "minLength": 1, "maxLength": 256},
            "example": example,
        }
        for name in re.findall(r"{(\w+)}", path)
        for description, example in [_PATH_PARAMETERS[name]]
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
        "description": "The key's own if left out; an operator may name another and acts there. "
        f"{ID}.",
        "schema": {"type": "string", "minLength": 1, "maxLength": 256},
    }
    return [*parameters, organization]


def _query_parameter(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    """A query cannot say null; what may be left out needs no null either."""
    kinds = [kind for kind in schema.get("anyOf", []) if kind.get("type") != "null"]
    kind = kinds[0] if kinds else schema
    return {
        "name": name,
        "in": "query",
        "description": schema["description"],
        "schema": {key: kind[key] for key in kind if key not in {"title", "description"}},
    }


def _headers(route: Route) -> list[dict[str, Any]]:
    return [{"name": name, "in": "header", **_HEADERS[name]} for name in route.headers]


def _answers(route: Route) -> dict[str, Any]:
    return {str(status): _answer(route, status, what) for status, what in route.answers.items()}


def _answer(route: Route, status: int, what: type[BaseModel] | str | None) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    located = ("Location",) if status in route.located else ()
    if names := (*located, *(_LIMITED if route.role else ())):
        answer["headers"] = _answer_headers(names)
    if isinstance(what, str):
        answer["content"] = {what: {}}
    elif what:
        schema = {"$ref": _REFERENCE.format(model=what.__name__)}
        answer["content"] = {"application/json": {"schema": schema}}
    return answer


def _answer_headers(names: Iterable[str]) -> dict[str, Any]:
    return {name: {"$ref": f"#/components/headers/{name}"} for name in names}


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
    """Who is not known yet has no limit yet."""
    if status == HTTPStatus.UNAUTHORIZED:
        return _answer_headers(["WWW-Authenticate"])
    waits = ["Retry-After"] if status in {429, 503} else []
    return _answer_headers([*waits, *_LIMITED])


def _schemas() -> dict[str, Any]:
    """Requests as they may be sent, answers as they are."""
    requests = [route.body for route in ROUTES.values() if route.body]
    told = [what for route in ROUTES.values() for what in route.answers.values()]
    answers = [what for what in told if what and not isinstance(what, str)]
    sent: list[_Shape] = [(model, "validation") for model in requests]
    back: list[_Shape] = [(model, "serialization") for model in (*answers, Error, Problem)]
    _, schemas = models_json_schema(list(dict.fromkeys(sent + back)), ref_template=_REFERENCE)
    return schemas["$defs"]
