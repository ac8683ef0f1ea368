"""The folder a command works in, and the note it keeps there until it is done.

The note is what makes a command repeatable: it is written before the first request, so that the
same command, started again after whatever stopped it, goes on with the same job.
"""

import errno
import fcntl
import json
import os
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Self

from chatledger_cli.errors import CommandError, Refused, WrongUsage

# For 24 hours the service knows what it began under an idempotency key.
_KEY_SERVES = 23 * 3600.0


@dataclass(frozen=True)
class Begun:
    """What is under way. ``id``: of the job, once it is known; ``began_at``: seconds since 1970."""

    url: str
    request: dict[str, Any]
    began_at: float
    key: str = field(default_factory=lambda: str(uuid.uuid4()))
    id: str | None = None
    uploaded: bool = False

    def known_as(self, job: str) -> Self:
        return replace(self, id=job)

    def sent(self) -> Self:
        return replace(self, uploaded=True)


@contextmanager
def locked(folder: Path) -> Generator[None]:
    """Only one command at a time works in a folder. Raises ``WrongUsage``."""
    handle = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise WrongUsage(f"Another chatledger is at work in {folder}.") from None
    try:
        yield
    finally:
        os.close(handle)


class Note:
    """``name`` is the note's file; where it is not ``required``, a read-only folder will do."""

    def __init__(
        self,
        folder: Path,
        name: str,
        *,
        required: bool = True,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.path = folder / name
        self._new = folder / f"{name}.new"
        self._required = required
        self._now = now
        self.resumed = False

    @property
    def is_there(self) -> bool:
        """Whether an earlier run began something."""
        return self.path.exists()

    def begin(self, url: str, request: dict[str, Any]) -> Begun:
        """What an earlier run began, or a new beginning, written down.

        Raises ``WrongUsage`` where the earlier run was of another request.
        """
        begun = self._read()
        self.resumed = begun is not None
        if begun is None:
            begun = Begun(url=url, request=request, began_at=self._now())
            self.write(begun)
            return begun
        if (begun.url, begun.request) != (url, request):
            raise WrongUsage(
                f"{self.path.parent} holds something unfinished, begun with other options or "
                f"another address. Repeat that command to finish it, or remove {self.path} to "
                "give it up."
            )
        if begun.id is None and self._now() - begun.began_at > _KEY_SERVES:
            raise CommandError(
                f"What was begun in {self.path.parent} was broken off over 23 hours ago, before "
                "the service said what it is. Look whether it is in the service's list (GET "
                f"/exports, GET /imports); then remove {self.path} and begin anew."
            )
        return begun

    def write(self, begun: Begun) -> None:
        """Whole or not at all, and on the disk before it returns."""
        try:
            with self._new.open("w") as file:
                json.dump(asdict(begun), file, indent=1)
                file.flush()
                os.fsync(file.fileno())
            self._new.replace(self.path)
        except OSError as error:
            if self._required or error.errno not in {errno.EACCES, errno.EPERM, errno.EROFS}:
                raise

    def lost(self, refused: Refused) -> CommandError:
        """What to say where the service was asked for the job of an earlier run and refused."""
        if refused.status != 404:
            return refused
        return CommandError(
            "What was begun here is not known at the service any more. Remove "
            f"{self.path} to begin anew."
        )

    def remove(self) -> None:
        for path in (self.path, self._new):
            if path.exists():
                path.unlink()

    def _read(self) -> Begun | None:
        try:
            return Begun(**json.loads(self.path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError):
            raise CommandError(f"{self.path} cannot be read. Remove it to begin anew.") from None


def output_folder(folder: Path, note: str) -> bool:
    """Makes it where it is not there; answers whether it did.

    It must be empty, or hold what is unfinished: at the end it is to hold the export and nothing
    else. Raises ``WrongUsage``.
    """
    try:
        folder.mkdir(parents=True)
    except FileExistsError:
        if not folder.is_dir():
            raise WrongUsage(f"{folder} is not a folder.") from None
    else:
        return True
    there = [path.name for path in folder.iterdir() if not path.name.startswith(".")]
    if there and not (folder / note).exists():
        raise WrongUsage(
            f"{folder} is not empty (it holds {min(there)}). Give a new or empty folder: at "
            "the end it holds the export and nothing else."
        )
    return False
