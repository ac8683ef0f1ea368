"""Uploads to a signed link: streamed from the disk, whole again where they broke off."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx

from chatledger_cli.errors import CommandError, Unreachable
from chatledger_cli.patience import TRIES, Patience, retry_after

# More is refused by S3 in one request.
MOST_BYTES = 5 * 1024**3
_PIECE = 256 * 1024
_LINK_IS_OVER = {400, 401, 403}

# An address and headers; None where nothing is to be uploaded any more. True asks for a new one.
Target = Callable[[bool], tuple[str, dict[str, str]] | None]


def upload(
    http: httpx.Client,
    patience: Patience,
    path: Path,
    target: Target,
    advance: Callable[[int], None],
) -> None:
    """``advance`` is told of bytes, below 0 where they go again. Raises ``CommandError``."""
    why, length = "", path.stat().st_size
    for failures in range(TRIES):
        # A link that was refused is over, and after a wait it may be. Where only the reply was
        # lost, the file is there.
        if (where := target(failures > 0)) is None:
            return
        url, headers = where
        body = _Body(path, advance)
        try:
            answer = http.put(
                url, content=body.pieces(), headers={**headers, "Content-Length": str(length)}
            )
        except httpx.TransportError as error:
            why, after = str(error) or type(error).__name__, None
        else:
            if answer.is_success:
                return
            why, after = (
                f"HTTP {answer.status_code}",
                retry_after(answer.headers.get("Retry-After")),
            )
            if answer.status_code == 413 or "EntityTooLarge" in answer.text:
                raise CommandError(f"{path} is too large for one upload.")
            if answer.status_code in _LINK_IS_OVER and failures == 0:
                after = 0
        advance(-body.sent)
        patience.wait(failures + 1, after)
    raise Unreachable(f"{path.name} cannot be uploaded ({why}). The same command tries it again.")


class _Body:
    """What goes into one request."""

    def __init__(self, path: Path, advance: Callable[[int], None]) -> None:
        self._path = path
        self._advance = advance
        self.sent = 0

    def pieces(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            while piece := file.read(_PIECE):
                yield piece
                self.sent += len(piece)
                self._advance(len(piece))
