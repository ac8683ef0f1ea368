"""Runs inside the engine's own environment: the engine, tied to the process that started it.

The engine saves its state only when it stops gracefully. Its standard input is a pipe from its
parent; when that closes, even because the parent was killed, the engine is told to stop.
"""

# The type checker works without the engine's packages, which live in an environment of their own.
# pyright: reportMissingImports=false, reportUnknownVariableType=false

import os
import signal
import sys
import threading

import error_names
import leading_keys
import versioned_reads
from ministack.app import main


def _stop_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.argv = ["ministack"]
    for lesson in (leading_keys, error_names, versioned_reads):
        lesson.install()
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    main()
