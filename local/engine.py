"""The engine that plays AWS on this machine: starting it, reaching it, stopping it gracefully."""

import fcntl
import os
import signal
import socket
import subprocess
import time
from pathlib import Path
from typing import IO
from urllib.error import URLError
from urllib.request import urlopen

from local.settings import HOST, ROOT

REGION = "us-east-1"
PYTHON = ROOT / ".tools/engine/bin/python"

_START_SECONDS = 30
_STOP_SECONDS = 60


class EngineError(Exception):
    """The engine did not start; the message says where to look."""


class Engine:
    """One engine over one data directory. Its port is its own affair: any free one."""

    def __init__(self, data: Path) -> None:
        self.data = data
        self.port = _free_port()
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: IO[str] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://{HOST}:{self.port}"

    @property
    def log(self) -> Path:
        return self.data / "engine.log"

    def start(self) -> None:
        """Returns once the engine answers. Raises ``EngineError``."""
        try:
            for name in ("state", "objects", "tmp"):
                (self.data / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise EngineError(f"CHATLEDGER_DATA cannot be written: {error}.") from None
        self._lock = _lock(self.data / "lock")
        with self.log.open("ab") as log:
            # A session of its own: Ctrl-C in the terminal must reach us only, and we stop it.
            self._process = subprocess.Popen(
                [PYTHON, Path(__file__).parent / "inside_engine/start.py"],
                cwd=self.data,
                env=self._environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        self._wait_until_ready(self._process)

    def stop(self) -> None:
        """Graceful, so that the state is saved; returns when the engine has gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def _environment(self) -> dict[str, str]:
        # Nothing of this shell's environment but the path: all of it would reach the functions.
        return {
            "PATH": os.environ.get("PATH", os.defpath),
            "LANG": "C.UTF-8",
            "HOME": str(self.data),
            "TMPDIR": str(self.data / "tmp"),
            "BIND_HOST": HOST,
            "GATEWAY_PORT": str(self.port),
            "MINISTACK_REGION": REGION,
            "AUTH": "true",  # policies are enforced, as on AWS
            "PERSIST_STATE": "1",
            "STATE_DIR": str(self.data / "state"),
            "S3_PERSIST": "1",
            "S3_DATA_DIR": str(self.data / "objects"),
            "IOT_MTLS_ENABLED": "0",  # a second port, on every interface
            "LOG_LEVEL": "WARNING",
        }

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while time.monotonic() < deadline and process.poll() is None:
            try:
                with urlopen(f"{self.endpoint}/_ministack/ready", timeout=1):  # noqa: S310
                    return
            except (URLError, OSError):
                time.sleep(0.02)
        self.stop()
        raise EngineError(f"The local AWS engine did not start; see {self.log}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def _lock(path: Path) -> IO[str]:
    """Two engines over one data directory would overwrite each other's state."""
    file = path.open("w")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        raise EngineError(f"Another Chatledger is running on {path.parent}") from None
    return file
