"""Downloads that survive: resumed where they stopped, by fresh links, and checked at the end."""

import hashlib
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Self

import httpx

from chatledger_cli.errors import CommandError, Unreachable
from chatledger_cli.patience import TRIES, Patience, retry_after

_PIECE = 1 << 20
_ATTEMPTS = 2  # at a file that came, but was not what it should be
# What a signed link answers when its time, or that of who signed it, is over.
_LINK_IS_OVER = {400, 401, 403, 404, 410}

Advance = Callable[[int], None]


@dataclass(frozen=True)
class Wanted:
    """A file to download; ``sha256`` in hex. ``link``: its address, with True a new one."""

    name: str
    bytes: int
    sha256: str
    link: Callable[[bool], str]


class Downloader:
    """Writes into ``folder``; a file has its own name only once it is whole and right."""

    def __init__(self, http: httpx.Client, folder: Path, patience: Patience) -> None:
        self._http = http
        self._folder = folder
        self._patience = patience

    def fetch(self, wanted: Wanted, advance: Advance) -> Path:
        """The file; ``advance`` is told of bytes, below 0 where they must come again.

        Raises ``Unreachable``, and ``CommandError`` where what comes is wrong.
        """
        target = self._target(wanted.name)
        if target.exists():
            self._check_held(target, wanted)
            advance(wanted.bytes)
            return target
        part = target.with_name(f"{wanted.name}.part")
        for _ in range(_ATTEMPTS):
            if self._complete(part, wanted, advance) == wanted.sha256:
                part.replace(target)
                return target
            part.unlink()
            advance(-wanted.bytes)
        raise CommandError(
            f"{wanted.name} arrives damaged: it is not what its SHA-256 says, and was not kept. "
            "Repeat the command; if it stays so, the stored file is damaged."
        )

    def held(self, wanted: Wanted) -> int:
        """Bytes that an earlier run left."""
        for name in (wanted.name, f"{wanted.name}.part"):
            if (path := self._folder / name).exists():
                return min(path.stat().st_size, wanted.bytes)
        return 0

    def _target(self, name: str) -> Path:
        if name != Path(name).name or name.startswith("."):
            raise CommandError(f"The service names a file {name!r}, which is no file name.")
        return self._folder / name

    def _check_held(self, path: Path, wanted: Wanted) -> None:
        """One of an earlier run."""
        if path.stat().st_size != wanted.bytes or sha256_of(path) != wanted.sha256:
            raise CommandError(
                f"{path} is there, but it is not the export's. Move it away and repeat the command."
            )

    def _complete(self, path: Path, wanted: Wanted, advance: Advance) -> str:
        """Gets what the part still lacks; its SHA-256 in hex."""
        failures, new_link = 0, False
        with _Part(path, wanted.bytes, advance) as part:
            while part.held < wanted.bytes:
                before = part.held
                ended = self._stream(part, wanted.link(new_link))
                if part.held == wanted.bytes:
                    break
                failures = 1 if part.held > before else failures + 1
                if failures >= TRIES:
                    raise Unreachable(
                        f"{wanted.name} cannot be downloaded ({ended.why}). What has come is kept: "
                        "the same command goes on from there."
                    )
                if new_link or not ended.link_is_over:
                    self._patience.wait(failures, ended.after)
                new_link = ended.link_is_over
            return part.sha256()

    def _stream(self, part: "_Part", url: str) -> "_Ended":
        """Takes what one answer brings; how it ended, if it was not the whole."""
        headers = {"Range": f"bytes={part.held}-"} if part.held else {}
        try:
            with self._http.stream("GET", url, headers=headers) as answer:
                if not _is_the_rest(answer, part.held):
                    return _Ended.refused(answer)
                if answer.status_code == 200:
                    part.restart()
                # As they come: pieces of a given size would be held back, and lost with the rest.
                for piece in answer.iter_raw():
                    part.append(piece)
        except httpx.TransportError as error:
            return _Ended(str(error) or type(error).__name__)
        return _Ended("it ends early")


@dataclass(frozen=True)
class _Ended:
    """``after``: the seconds to wait that the server asked for."""

    why: str
    after: float | None = None
    link_is_over: bool = False

    @classmethod
    def refused(cls, answer: httpx.Response) -> Self:
        return cls(
            f"HTTP {answer.status_code}",
            retry_after(answer.headers.get("Retry-After")),
            answer.status_code in _LINK_IS_OVER,
        )


def _is_the_rest(answer: httpx.Response, held: int) -> bool:
    """Whether it is the file from ``held`` on, or all of it."""
    if answer.status_code == 206:
        return answer.headers.get("Content-Range", "").startswith(f"bytes {held}-")
    return answer.status_code == 200


class _Part:
    """A file that grows, with the hash of what it holds. It never grows above ``most`` bytes."""

    def __init__(self, path: Path, most: int, advance: Advance) -> None:
        self._path = path
        self._most = most
        self._advance = advance
        self._hash = hashlib.sha256()
        self.held = 0

    def __enter__(self) -> Self:
        self._file = self._path.open("a+b")
        self._file.seek(0)
        while piece := self._file.read(_PIECE):
            self._hash.update(piece)
            self.held += len(piece)
        self._advance(self.held)
        if self.held > self._most:
            self.restart()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()

    def restart(self) -> None:
        if self.held:
            self._file.truncate(0)
            self._advance(-self.held)
            self._hash, self.held = hashlib.sha256(), 0

    def append(self, piece: bytes) -> None:
        piece = piece[: self._most - self.held]
        self._file.write(piece)
        self._hash.update(piece)
        self.held += len(piece)
        self._advance(len(piece))

    def sha256(self) -> str:
        return self._hash.hexdigest()


def sha256_of(path: Path, advance: Advance = lambda _: None) -> str:
    """In hex; ``advance`` is told of the bytes read."""
    found = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
            advance(len(piece))
    return found.hexdigest()
