"""What a client checks of a manifest: its first line, from which the root hash is computed."""

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from chatledger_cli.errors import CommandError

NAME = "manifest.jsonl"
_FIRST_LINE = re.compile(rb'\{"root_hash":"([0-9a-f]{64})","manifest":(\{.*\})\}\n?')


@dataclass(frozen=True)
class Manifest:
    """``root_hash`` as computed here; ``file_sha256`` of the archive as one file, if it is one."""

    root_hash: str
    messages: int | None
    file_sha256: str | None


def read_manifest(path: Path) -> Manifest:
    """Raises ``CommandError`` where its header is not what its root hash says."""
    with path.open("rb") as file:
        line = _FIRST_LINE.fullmatch(file.readline())
    if line is None:
        raise CommandError(f"{path} is no manifest: its first line is not one's.")
    computed = hashlib.sha256(line[2]).hexdigest()
    if computed != line[1].decode():
        raise CommandError(f"{path} is damaged: its header is not what its root hash says.")
    header: dict[str, Any] = json.loads(line[2])
    whole: dict[str, Any] = header.get("file") or {}
    return Manifest(computed, header.get("messages"), whole.get("sha256"))
