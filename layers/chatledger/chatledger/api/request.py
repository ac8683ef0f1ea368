"""The request being answered: what the gateway handed over, read once and checked."""

from collections.abc import Iterable
from contextvars import ContextVar
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chatledger.access.admission import Caller
from chatledger.api.bodies import body_bytes, decode_json, decode_query, validated
from chatledger.api.routes import GREEDY, ROUTES, Route, no_route
from chatledger.errors import InvalidRequest, NotFound, Unauthorized
from chatledger.identifiers import check_id

if TYPE_CHECKING:
    from pydantic import BaseModel

    from chatledger.access.limits import Window

DEFAULT_STAGE = "$default"


class Request:
    """An HTTP API event, payload 2.0."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.event = event
        self.route_key, self.parameters = _place(event)
        self.known = ROUTES.get(self.route_key)
        self.admitted: Caller | None = None
        self.window: Window | None = None
        self.query: BaseModel | None = None
        self.named_organization: str | None = None

    @property
    def route(self) -> Route:
        """What the table says of it; raises ``NotFound``."""
        if not self.known:
            raise NotFound(no_route(str(self.event.get("rawPath", ""))))
        return self.known

    @property
    def context(self) -> dict[str, Any]:
        return self.event.get("requestContext") or {}

    @property
    def request_id(self) -> str:
        return str(self.context.get("requestId", ""))

    @property
    def method(self) -> str:
        return str(self.context.get("http", {}).get("method", ""))

    @property
    def source_ip(self) -> str:
        return str(self.context.get("http", {}).get("sourceIp", ""))

    @cached_property
    def headers(self) -> dict[str, str]:
        """By lower-case name."""
        return {name.lower(): value for name, value in _texts(self.event, "headers")}

    @property
    def wants_problem(self) -> bool:
        return "application/problem+json" in self.headers.get("accept", "").lower()

    @property
    def caller(self) -> Caller:
        if not self.admitted:
            raise Unauthorized("This needs a key.")
        return self.admitted

    @cached_property
    def content(self) -> dict[str, Any]:
        """The body; of a route that needs none, no body is as good as an empty object."""
        data = body_bytes(self.event)
        return decode_json(data) if data or self.route.body else {}

    def path(self, name: str) -> str:
        """An id of the path; raises ``InvalidRequest``."""
        try:
            return check_id(name, self.parameters[name])
        except ValueError as error:
            raise InvalidRequest(str(error)) from None

    def read_query(self) -> str | None:
        """Checks the query as the route wants it; answers the organization it names."""
        values = decode_query(self.event.get("rawQueryString") or "")
        organization = values.pop("organization_id", None)
        try:
            if organization is not None:
                check_id("organization_id", organization)
        except ValueError as error:
            raise InvalidRequest(str(error)) from None
        self.query = validated(self.route.query, values)
        self.named_organization = organization
        return organization

    def routable(self) -> dict[str, Any]:
        """The event with a path that the resolver matches to the route key and to nothing else.

        The gateway has matched the route already. Its decoded path could match another one, or
        none: an id may hold slashes, or characters that the resolver's pattern leaves out.
        """
        if not self.known:
            return self._at("GET", "/$default")
        method, template = self.route_key.split(" ")
        for name, value in self.parameters.items():
            template = template.replace(f"{{{name}}}", quote(value, safe="", errors="replace"))
        return self._at(method, template)

    def _at(self, method: str, path: str) -> dict[str, Any]:
        http = {**self.context.get("http", {}), "method": method, "path": path}
        context = {**self.context, "stage": DEFAULT_STAGE, "http": http}
        return {**self.event, "rawPath": path, "requestContext": context}


def _texts(event: dict[str, Any], name: str) -> Iterable[tuple[str, str]]:
    texts: dict[str, str] | None = event.get(name)
    return (texts or {}).items()


def _place(event: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """The route's key and the ids of its path.

    The gateway has decoded the path, all but `%25`, which it keeps so that a `%` of an id is
    never taken for the beginning of an escape.
    """
    key: str = event.get("routeKey") or DEFAULT_STAGE
    values = _texts(event, "pathParameters")
    parameters = {name: value.replace("%25", "%") for name, value in values}
    for ending, route in GREEDY.get(key, {"": key}).items():
        if all(value.endswith(ending) for value in parameters.values()):
            return route, {name: value.removesuffix(ending) for name, value in parameters.items()}
    return DEFAULT_STAGE, {}


_current: ContextVar[Request] = ContextVar("request")


def current() -> Request:
    """The request that this handler is answering."""
    return _current.get()


def begin(event: dict[str, Any]) -> Request:
    request = Request(event)
    _current.set(request)
    return request
