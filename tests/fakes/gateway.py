"""The HTTP API of ``template.yaml`` in this process: routes a request to its function's handler.

It hands over what the real one does: lower-case headers, path parameters decoded once, the query
as it was written, and ``$default`` for whatever has no route.
"""

import importlib
import json
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from functools import cache
from typing import Any
from urllib.parse import unquote

from tests.conftest import load_template

Handler = Any


@dataclass(frozen=True)
class Reply:
    status: int
    headers: dict[str, str]
    text: str

    def json(self) -> Any:
        return json.loads(self.text)

    @property
    def code(self) -> str:
        """The error code of the contract's body."""
        return self.json()["detail"]["code"]

    @property
    def error(self) -> str:
        return self.json()["detail"]["error"]


class Gateway:
    def __init__(self, key: str | None = None) -> None:
        self.key = key
        self._functions = routes_of_template()

    def with_key(self, key: str | None) -> "Gateway":
        return Gateway(key)

    def call(
        self,
        method: str,
        target: str,
        body: Any = None,
        headers: dict[str, str] | None = None,
        source_ip: str = "203.0.113.7",
    ) -> Reply:
        """``target`` as in a request line; bytes go in base64, what is no text as JSON."""
        path, _, query = target.partition("?")
        route_key, parameters = self._match(method, path)
        sent = {"authorization": f"Bearer {self.key}"} if self.key else {}
        sent |= {name.lower(): value for name, value in (headers or {}).items()}
        http = {"method": method, "path": decoded(path), "sourceIp": source_ip}
        event: dict[str, Any] = {
            "version": "2.0",
            "routeKey": route_key,
            "rawPath": decoded(path),
            "rawQueryString": query,
            "headers": sent,
            "requestContext": {"http": http, "stage": "$default", "requestId": "request-1"},
            "isBase64Encoded": False,
        }
        if parameters:
            event["pathParameters"] = parameters
        if isinstance(body, bytes):
            event |= {"body": b64encode(body).decode(), "isBase64Encoded": True}
        elif body is not None:
            event["body"] = body if isinstance(body, str) else json.dumps(body)
        return self.deliver(event)

    def deliver(self, event: dict[str, Any]) -> Reply:
        folder = self._functions[event["routeKey"]]
        app = importlib.import_module(f"functions.{folder}.app")
        answer = app.lambda_handler(json.loads(json.dumps(event)), None)
        json.dumps(answer)  # what the platform does with it
        text = answer.get("body") or ""
        if answer.get("isBase64Encoded"):
            text = b64decode(text).decode("latin-1")
        return Reply(answer["statusCode"], answer["headers"], text)

    def get(self, target: str, **rest: Any) -> Reply:
        return self.call("GET", target, **rest)

    def post(self, target: str, body: Any, **rest: Any) -> Reply:
        return self.call("POST", target, body, **rest)

    def _match(self, method: str, path: str) -> tuple[str, dict[str, str]]:
        for route_key in self._functions:
            if route_key == "$default" or not route_key.startswith(f"{method} "):
                continue
            pattern = route_key.partition(" ")[2]
            pattern = re.sub(r"{(\w+)}", r"(?P<\1>[^/]+)", pattern)
            pattern = re.sub(r"{(\w+)\+}", r"(?P<\1>.+)", pattern)
            if match := re.fullmatch(pattern, decoded(path), re.DOTALL):
                return route_key, match.groupdict()
        return "$default", {}


def decoded(path: str) -> str:
    """As the gateway decodes a path before it matches it: every escape but ``%25``."""
    return unquote(path.replace("%25", "%2525"))


@cache
def routes_of_template() -> dict[str, str]:
    """Route key to function folder."""
    routes: dict[str, str] = {}
    for resource in load_template()["Resources"].values():
        if resource["Type"] != "AWS::Serverless::Function":
            continue
        properties = resource["Properties"]
        folder = properties["CodeUri"].strip("/").rpartition("/")[2]
        for event in properties.get("Events", {}).values():
            if event["Type"] == "HttpApi":
                where = event["Properties"]
                named = "Path" in where
                routes[f"{where['Method']} {where['Path']}" if named else "$default"] = folder
    return routes
