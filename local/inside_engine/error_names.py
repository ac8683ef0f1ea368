"""Teaches the engine to report a function's failure by its exception's name, as AWS does.

To the engine every failure is a `Runtime.HandlerError`; the state machines' `Retry` and `Catch`
tell failures apart by name.
"""

# The type checker works without the engine's packages, which live in an environment of their own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false, reportUnknownMemberType=false
# pyright: reportUnknownArgumentType=false

import re
from typing import Any

from ministack.services import lambda_svc

_UNNAMED = "Runtime.HandlerError"
_DIED = "Worker process died"
_NAME = re.compile(r"[A-Za-z_][\w.]*")

_engine_execute = lambda_svc._execute_function_warm  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def install() -> None:
    """The engine looks this one up anew for each invocation."""
    lambda_svc._execute_function_warm = _execute  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]


def _execute(func: Any, event: Any, request_id: str) -> dict[str, Any]:
    result = _engine_execute(func, event, request_id)
    body = result.get("body")
    if result.get("error") and isinstance(body, dict) and body.get("errorType") == _UNNAMED:
        body["errorType"] = error_name(body.get("errorMessage", ""), result.get("log", ""))
    return result


def error_name(message: str, log: str) -> str:
    """The exception's class, which a traceback says at its end: `package.Class: message`."""
    if message == _DIED:
        return "Runtime.ExitError"
    before = log.rstrip("\n").removesuffix(message.rstrip("\n")).rstrip(": ")
    last_line = before.rsplit("\n", 1)[-1]
    return last_line.rsplit(".", 1)[-1] if _NAME.fullmatch(last_line) else _UNNAMED
