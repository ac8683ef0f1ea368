"""What a handler imports: the resolver, the request's parts, and the answers."""

import hashlib
import time
from collections.abc import Callable
from functools import cache
from typing import Any, TypeVar
from urllib.parse import quote

import msgspec
from aws_lambda_powertools import Logger
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from pydantic import BaseModel

from chatledger.access.admission import Caller, anonymous_at, caller_with, secret_of
from chatledger.access.limits import WRONG_KEYS, caller_at, count_request
from chatledger.access.roles import Role
from chatledger.api import idempotency
from chatledger.api.answers import (
    Answer,
    accepted,
    account,
    created,
    error_answer,
    found,
    meant,
    no_content,
    ok,
    text,
)
from chatledger.api.bodies import validated
from chatledger.api.request import Request, begin, current
from chatledger.aws.bucket import Bucket
from chatledger.aws.dynamodb import DynamoTable
from chatledger.aws.kms import KmsSigner, Signer
from chatledger.aws.s3 import S3Bucket
from chatledger.aws.secrets import secret
from chatledger.aws.states import StateMachine, StepFunctions
from chatledger.errors import Unauthorized
from chatledger.ledger.ledger import Ledger, open_ledger
from chatledger.settings import settings

__all__ = [
    "MAX_WAIT_SECONDS",
    "Answer",
    "accepted",
    "archive_bucket",
    "body",
    "caller",
    "claimed",
    "created",
    "export_machine",
    "exports_bucket",
    "found",
    "handle",
    "header",
    "idempotency_key",
    "ledger",
    "location",
    "no_content",
    "ok",
    "path",
    "pseudonym_secret",
    "query",
    "resolver",
    "restore_machine",
    "signer",
    "text",
    "wait_seconds",
]

MAX_WAIT_SECONDS = 20

M = TypeVar("M", bound=BaseModel)


def resolver() -> APIGatewayHttpResolver:
    """A resolver whose routes are guarded, and whose errors are the contract's."""
    app = APIGatewayHttpResolver()
    app.use([_guard])  # pyright: ignore[reportUnknownMemberType]
    app.exception_handler(Exception)(_answer_error)
    return app


def handle(app: APIGatewayHttpResolver, event: dict[str, Any], context: Any) -> dict[str, Any]:
    """Answers one request and logs one line of it, which holds nothing that people wrote."""
    started = time.perf_counter()
    request = begin(event)
    answer = app.resolve(request.routable(), context)
    _add_headers(answer, request)
    _log(request, answer["statusCode"], started)
    return answer


@cache
def ledger() -> Ledger:
    """The table's ledger, opened with the first request that needs it."""
    return open_ledger(DynamoTable(settings().table_name), settings().ledger_shards)


@cache
def exports_bucket() -> Bucket:
    return S3Bucket(settings().exports_bucket)


@cache
def archive_bucket() -> Bucket:
    return S3Bucket(settings().archive_bucket)


@cache
def signer() -> Signer:
    return KmsSigner(settings().signing_key)


def pseudonym_secret() -> bytes:
    """What the keys of an export's pseudonyms are made of; raises ``StorageError``."""
    return secret(settings().pseudonym_secret)


@cache
def export_machine() -> StateMachine:
    return StepFunctions(settings().export_state_machine)


@cache
def restore_machine() -> StateMachine:
    return StepFunctions(settings().restore_state_machine)


def caller() -> Caller:
    return current().caller


def body(model: type[M]) -> M:
    """The body as this model; raises ``InvalidRequest``, ``PayloadTooLarge``."""
    return validated(model, current().content)


def query(model: type[M]) -> M:
    """The query as the route's model."""
    checked = current().query
    if not isinstance(checked, model):
        raise TypeError(f"routes.py has another query model for {current().route_key}")
    return checked


def path(name: str) -> str:
    """An id of the path, decoded; raises ``InvalidRequest``."""
    return current().path(name)


def header(name: str) -> str | None:
    return current().headers.get(name.lower())


def idempotency_key() -> str | None:
    """Raises ``InvalidRequest`` for one that is empty, too long or not visible."""
    key = header("Idempotency-Key")
    return None if key is None else idempotency.check_key(key)


def claimed(**values: str) -> dict[str, str]:
    """These values, or those of the first request under the same idempotency key and body."""
    key = idempotency_key()
    if key is None:
        return values
    request = current()
    canonical = msgspec.json.encode(request.content, order="deterministic")
    digest = hashlib.sha256(canonical).hexdigest()
    organization = request.caller.organization
    return idempotency.claim(ledger(), organization, request.route_key, key, digest, values)


def location(path: str) -> str:
    """Where the caller finds this again: in the organization that the request named, if it did."""
    named = current().named_organization
    return f"{path}?organization_id={quote(named, safe='')}" if named else path


def wait_seconds() -> int:
    """How long the caller would wait: ``Prefer: wait=SECONDS``, at most 20; 0 if not said."""
    for preference in (header("Prefer") or "").replace(";", ",").split(","):
        name, _, seconds = preference.partition("=")
        if name.strip().lower() == "wait" and seconds.strip().isdecimal():
            return min(int(seconds.strip()[:9]), MAX_WAIT_SECONDS)
    return 0


def _guard(app: APIGatewayHttpResolver, next_middleware: Callable[..., Answer]) -> Answer:
    """Nobody gets to a handler but by the table of routes."""
    request = current()
    if request.route.role is not None:
        _admit(request, request.route.role)
    return next_middleware(app)


def _admit(request: Request, role: Role) -> None:
    """Who it is, whether within the limit, allowed here, and in which organization."""
    who = _identify(request)
    request.admitted = who
    if who.requests_per_minute is not None:
        table, now = ledger().table, ledger().now()
        request.window = count_request(table, who.counted_as, who.requests_per_minute, now)
        request.window.check()
    who.needs(role)
    request.admitted = who.acting_in(request.read_query())


def _identify(request: Request) -> Caller:
    secret = secret_of(request.headers)
    if secret is not None:
        try:
            return caller_with(ledger().table, secret)
        except Unauthorized:
            _count_refused(request)
            raise
    if request.route.anonymous and settings().allow_anonymous:
        return anonymous_at(request.source_ip)
    raise Unauthorized("This needs a key. Send it as 'Authorization: Bearer KEY'.")


def _count_refused(request: Request) -> None:
    """Who tries keys is soon answered 429, whatever they try."""
    address = f"refused {caller_at(request.source_ip)}"
    request.window = count_request(ledger().table, address, WRONG_KEYS, ledger().now())
    request.window.check()


def _answer_error(error: Exception) -> Answer:
    request = current()
    told = meant(error)
    if told is not error and told.status >= 500:
        _logger().error("unforeseen", extra=account(error))
    return error_answer(told, request.request_id, as_problem=request.wants_problem)


def _add_headers(answer: dict[str, Any], request: Request) -> None:
    usual = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    limit = request.window.headers if request.window else {}
    answer["headers"] = {**usual, **(answer.get("headers") or {}), **limit}


@cache
def _logger() -> Logger:
    return Logger(location=None)


def _log(request: Request, status: int, started: float) -> None:
    who = request.admitted
    fields = {
        "method": request.method,
        "route": request.route_key,
        "status": status,
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "request_id": request.request_id,
        "organization": who.organization if who else None,
        "key_id": who.key_id if who else None,
    }
    _logger().info("answered", extra=fields)
