"""What the handler of a workflow's step imports: its ids, its time, and the line it logs."""

import time
from collections.abc import Generator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from aws_lambda_powertools import Logger

from chatledger.api.answers import account
from chatledger.errors import ChatledgerError
from chatledger.jobs.ended import Ended

# A step returns before its function is cut off: what it has begun it can still commit.
_MARGIN = timedelta(seconds=60)
_IDS = ("organization", "export_id", "restore_id", "part")


class StepFailed(Exception):
    """A step failed in a way that nobody foresaw; its function's log says where."""


@contextmanager
def step(event: dict[str, Any]) -> Generator[dict[str, Any]]:
    """Logs one line of a step: its ids, what it adds to the yielded fields, how it went.

    What nobody foresaw leaves as ``StepFailed``, so that nothing people wrote gets into the log
    of the function or the history of its execution.
    """
    started, said = time.perf_counter(), dict[str, Any]()
    try:
        yield said
    except (Ended, ChatledgerError) as error:
        _log(event, started, said | {"outcome": type(error).__name__})
        raise
    except Exception as error:
        _logger().error("unforeseen", extra=account(error))
        _log(event, started, said | {"outcome": type(error).__name__})
        raise StepFailed(type(error).__name__) from None
    _log(event, started, said)


def time_is_up_at(now: datetime, context: Any) -> datetime:
    """When the step must return, whether it is done or not."""
    left = timedelta(milliseconds=context.get_remaining_time_in_millis())
    return now + left - _MARGIN


def _log(event: dict[str, Any], started: float, said: dict[str, Any]) -> None:
    fields = {
        **{name: event[name] for name in _IDS if name in event},
        "ms": round((time.perf_counter() - started) * 1000, 1),
        "peak_mb": _peak_kilobytes() // 1024,
        **said,
    }
    _logger().info("step", extra=fields)


def _peak_kilobytes() -> int:
    """The most memory that this process has had so far.

    Not by getrusage: what it says includes the process that started this one.
    """
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1])
    return 0


@cache
def _logger() -> Logger:
    return Logger(location=None)
