"""How long to wait before a request is repeated, and how often it is."""

import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field

TRIES = 10  # about a minute and a half: a service that restarts is back by then
FIRST_TRIES = 3  # as long as it never answered, the address is probably wrong
_BASE = 0.5
_LONGEST = 20.0
_LONGEST_ASKED_FOR = 120.0  # seconds; of a Retry-After


def _nobody(_seconds: float) -> None: ...


@dataclass
class Patience:
    """``pause`` sleeps, ``now`` is monotonic, both in seconds; ``waiting`` is told of each wait."""

    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    waiting: Callable[[float], None] = field(default=_nobody)

    def wait(self, failures: int, asked_for: float | None = None) -> None:
        """Waits after this many failures in a row, at least as long as the service asked for."""
        backoff = min(_BASE * 2 ** (failures - 1), _LONGEST)
        # Never all clients at once, and never at once.
        seconds = backoff * random.uniform(0.5, 1)  # noqa: S311 - no secret
        if asked_for is not None:
            seconds = max(seconds, min(asked_for, _LONGEST_ASKED_FOR))
        self.waiting(seconds)
        self.pause(seconds)


def retry_after(value: str | None) -> float | None:
    """The seconds of a ``Retry-After``; None for none, and for a date, which nobody here sends."""
    return float(value) if value and value.isascii() and value.isdecimal() else None
