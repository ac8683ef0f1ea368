"""What a person may set by environment for the local run."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HOST = "127.0.0.1"  # never another interface: the engine's own credentials are no secret

_KEY = re.compile(r"clk_[A-Za-z0-9_-]{20,}")


class SettingsError(Exception):
    """A setting that cannot be used; the message says which and what it should be."""


@dataclass(frozen=True, slots=True)
class Settings:
    """The settings of one local run."""

    port: int = 8080
    key: str | None = None
    data: Path = ROOT / ".chatledger"
    sample: bool = True

    @property
    def url(self) -> str:
        """The one address of the API and of the download links."""
        return f"http://{HOST}:{self.port}"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Raises ``SettingsError``. An empty variable counts as not set."""
    given = {name: value for name, value in environment.items() if value}
    port = given.get("PORT", "8080")
    if not port.isascii() or not port.isdigit() or not 0 < int(port) < 65536:
        raise SettingsError(f"PORT is {port!r}: give a number from 1 to 65535.")
    key = given.get("CHATLEDGER_KEY")
    if key and not _KEY.fullmatch(key):
        raise SettingsError("CHATLEDGER_KEY must be clk_ and 20 or more of A-Z a-z 0-9 _ -.")
    return Settings(
        port=int(port),
        key=key,
        data=Path(given.get("CHATLEDGER_DATA", ROOT / ".chatledger")).expanduser().resolve(),
        sample=given.get("SAMPLE", "1") not in {"0", "false", "no"},
    )
