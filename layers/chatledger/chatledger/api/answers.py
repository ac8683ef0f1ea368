"""Answers: what a handler returns, and how errors look."""

import traceback
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from aws_lambda_powertools.event_handler import Response

from chatledger.errors import ChatledgerError, NotFound, StorageError
from chatledger.timestamps import format_time, utc_now

JSON = "application/json"
PROBLEM = "application/problem+json"

Answer = Response[str]


class InternalError(ChatledgerError):
    """What nobody foresaw."""


def ok(content: Mapping[str, Any]) -> Answer:
    return _json(200, content)


def created(content: Mapping[str, Any], location: str | None = None) -> Answer:
    return _json(201, content, {"Location": location} if location else {})


def accepted(content: Mapping[str, Any], location: str) -> Answer:
    """It goes on; ask at ``location`` how far it is."""
    return _json(202, content, {"Location": location})


def found(location: str) -> Answer:
    return Response(302, headers={"Location": location}, body="")


def no_content() -> Answer:
    return Response(204, body="")


def text(content: str, media_type: str, headers: Mapping[str, str] | None = None) -> Answer:
    return Response(200, f"{media_type}; charset=utf-8", content, headers=dict(headers or {}))


def _json(
    status: int, content: Mapping[str, Any], headers: Mapping[str, str] | None = None
) -> Answer:
    return Response(
        status, JSON, msgspec.json.encode(content).decode(), headers=dict(headers or {})
    )


def meant(error: Exception) -> ChatledgerError:
    """The error in the words of the contract; nothing of an unforeseen one's text is told."""
    if isinstance(error, ChatledgerError):
        return error
    if type(error).__name__ == "NotFoundError":
        return NotFound("There is no such route. GET /openapi.json lists those there are.")
    if type(error).__module__.startswith("botocore."):
        return StorageError()
    return InternalError("Something went wrong here. Repeat the request; if it stays, report it.")


def account(error: Exception) -> dict[str, Any]:
    """What to log: what and where it was.

    What it said only if the error is ours, such as a wrong number of shards: anything else's words
    may hold what people wrote.
    """
    frames = traceback.extract_tb(error.__traceback__)
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return {
        "exception_name": type(error).__name__,
        "said": str(error) if type(error).__module__.startswith("chatledger.") else None,
        "aws_error": response.get("Error", {}).get("Code"),
        "aws_operation": getattr(error, "operation_name", None),
        "trace": [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames],
    }


def error_answer(error: ChatledgerError, request_id: str, *, as_problem: bool) -> Answer:
    """The contract's body, or RFC 9457's."""
    now = format_time(utc_now().replace(microsecond=0))
    head = {
        "type": f"urn:chatledger:error:{error.code}",
        "title": HTTPStatus(error.status).phrase,
        "status": error.status,
        "request_id": request_id,
    }
    if as_problem:
        content = head | {"detail": error.message, "code": error.code, "timestamp": now}
    else:
        detail = {"error": error.message, "code": error.code, "timestamp": now}
        content = {"detail": detail} | head
    return Response(
        error.status,
        PROBLEM if as_problem else JSON,
        msgspec.json.encode(content).decode(),
        headers=_error_headers(error),
    )


def _error_headers(error: ChatledgerError) -> dict[str, str]:
    headers: dict[str, str] = {}
    if error.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    retry_after = error.retry_after or (1 if error.status == 503 else None)
    if retry_after:
        headers["Retry-After"] = str(retry_after)
    return headers
