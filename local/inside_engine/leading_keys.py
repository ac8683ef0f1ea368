"""Teaches the engine the condition key `dynamodb:LeadingKeys`, which it does not know.

The template's roles say by it which kinds of items a function may touch. A condition that the
engine cannot resolve counts as met, so without this the tests here would show nothing of it.
It only adds to what the engine asks of a request.
"""

# The type checker works without the engine's packages, which live in an environment of their own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import json
import re
from collections.abc import Iterator
from typing import Any, Self

from ministack.core import iam_actions, iam_evaluator

_PARTITION_KEY = "PK"
_CONDITION = "dynamodb:LeadingKeys"
_EQUALS = re.compile(r"(#?\w+)\s*=\s*(:\w+)")

_engine_context = iam_actions.dynamodb_service_context
_engine_checks = iam_actions.dynamodb_transaction_checks
_engine_enforce = iam_evaluator.enforce


class _ItemAction(str):
    """An action within a transaction: it answers for its own item's key only."""

    __slots__ = ("leading_key",)

    def __new__(cls, action: str, leading_key: str) -> Self:
        made = super().__new__(cls, action)
        made.leading_key = leading_key
        return made


def install() -> None:
    """The engine looks these three up anew for each request."""
    iam_actions.dynamodb_service_context = _context
    iam_actions.dynamodb_transaction_checks = _checks
    iam_evaluator.enforce = _enforce


def _context(body: bytes) -> dict[str, Any]:
    context = _engine_context(body)
    if keys := list(_leading_keys(json.loads(body or b"{}"))):
        context[_CONDITION] = keys
    return context


def _checks(action: str, body: bytes, region: str, account: str) -> list[tuple[str, str]]:
    checks = _engine_checks(action, body, region, account)
    items = json.loads(body or b"{}").get("TransactItems", []) if checks else []
    keys = [key for item in items for member in item.values() for key in _leading_keys(member)]
    if len(keys) != len(checks):  # malformed: each act answers for all of it
        return checks
    return [(_ItemAction(act, key), arn) for (act, arn), key in zip(checks, keys, strict=True)]


def _enforce(access_key: str, action: str, *rest: Any, **named: Any) -> Any:
    if isinstance(action, _ItemAction):
        named["service_context"] = {
            **(named.get("service_context") or {}),
            _CONDITION: [action.leading_key],
        }
    return _engine_enforce(access_key, action, *rest, **named)


def _leading_keys(request: dict[str, Any]) -> Iterator[str]:
    """The partition keys that a request names."""
    for holder in (request.get("Key"), request.get("Item")):
        if isinstance(holder, dict) and _PARTITION_KEY in holder:
            yield holder[_PARTITION_KEY].get("S", "")
    yield from _queried(request)
    for table in request.get("RequestItems", {}).values():
        for act in table["Keys"] if isinstance(table, dict) else table:
            yield from _leading_keys({"Key": act} if _PARTITION_KEY in act else _inner(act))


def _inner(act: dict[str, Any]) -> dict[str, Any]:
    """The put or delete inside one member of a batch write."""
    return next(iter(act.values()), {})


def _queried(request: dict[str, Any]) -> Iterator[str]:
    names = request.get("ExpressionAttributeNames", {})
    for name, value in _EQUALS.findall(request.get("KeyConditionExpression", "")):
        if names.get(name, name) == _PARTITION_KEY:
            yield request["ExpressionAttributeValues"][value].get("S", "")
