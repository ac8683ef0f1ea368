"""A manifest as a client reads it: its first line, from which the root hash is computed."""

import hashlib
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from chatledger_cli.errors import CommandError

NAME = "manifest.jsonl"
_FIRST_LINE = re.compile(rb'\{"root_hash":"([0-9a-f]{64})","manifest":(\{.*\})\}\n?')
# A header of forty thousand parts, of 64 MB each; who sends a longer line wants to fill the memory.
_MAX_FIRST_LINE_BYTES = 16 * 1024 * 1024
_MAX_LINE_BYTES = 64 * 1024
_T = TypeVar("_T")


@dataclass(frozen=True)
class Manifest:
    """``root_hash`` as computed here; ``file_sha256`` of the archive as one file, if it is one."""

    root_hash: str
    messages: int | None
    file_sha256: str | None


@dataclass(frozen=True)
class Listed:
    """An entry: its key in the table, and ``bytes`` of its gzip member in the part's bytes."""

    day: str
    shard: int
    key: str
    n: int
    digest: str
    offset: int
    bytes: int


@dataclass(frozen=True)
class Part:
    """A piece of the archive, and where its entries' lines stand after the first line."""

    number: int
    bytes: int
    sha256: str
    conversations: int
    messages: int
    entries: int
    entries_offset: int
    entries_bytes: int
    entries_sha256: str

    @property
    def file_name(self) -> str:
        """Of the part where it is a file of its own."""
        return f"archive-{self.number:05}.jsonl.gz"


@dataclass(frozen=True)
class Header:
    """What the first line says, and where the next begins. ``file``: None where parts are files."""

    root_hash: str
    length: int
    conversations: int
    messages: int
    bytes: int
    file: tuple[str, int, str] | None
    parts: tuple[Part, ...]


def read_manifest(path: Path) -> Manifest:
    """Raises ``CommandError`` where its header is not what its root hash says."""
    root_hash, fields, _ = _first_line(path)
    whole: dict[str, Any] = fields.get("file") or {}
    return Manifest(root_hash, fields.get("messages"), whole.get("sha256"))


def read_header(path: Path) -> Header:
    """The same, all of it; raises ``CommandError``."""
    root_hash, fields, length = _first_line(path)
    try:
        counts = {name: _count(fields[name]) for name in ("conversations", "messages", "bytes")}
        return Header(
            root_hash=root_hash,
            length=length,
            file=_file(fields["file"]),
            parts=tuple(_picked(Part, part) for part in fields["parts"]),
            **counts,
        )
    except (KeyError, TypeError, ValueError):
        raise CommandError(f"{path.name}: its header is not one this command knows.") from None


def entry_lines(path: Path, header: Header, part: Part) -> Iterator[bytes]:
    """The part's lines, at most ``_MAX_LINE_BYTES`` each, a last one that is cut included."""
    with path.open("rb") as file:
        file.seek(header.length + part.entries_offset)
        left = part.entries_bytes
        while left > 0 and (line := file.readline(min(left, _MAX_LINE_BYTES))):
            left -= len(line)
            yield line


def listed(line: bytes) -> Listed:
    """The entry on a line; raises ``ValueError`` for what is none."""
    return _picked(Listed, line)


def _first_line(path: Path) -> tuple[str, dict[str, Any], int]:
    with path.open("rb") as file:
        read = file.readline(_MAX_FIRST_LINE_BYTES)
    line = _FIRST_LINE.fullmatch(read)
    if line is None:
        raise CommandError(f"{path} is no manifest: its first line is not one's.")
    computed = hashlib.sha256(line[2]).hexdigest()
    if computed != line[1].decode():
        raise CommandError(f"{path} is damaged: its header is not what its root hash says.")
    try:
        fields = json.loads(line[2])
    except (ValueError, RecursionError):
        raise CommandError(f"{path} is no manifest: its header is no JSON.") from None
    return computed, fields, len(read)


def _file(file: dict[str, Any] | None) -> tuple[str, int, str] | None:
    """Name, bytes and SHA-256; raises ``ValueError`` for a name that is no file's beside it."""
    if not file:
        return None
    name = _text(file["name"])
    plain = name == Path(name).name and not name.startswith(".") and len(name.encode()) < 250
    if not plain or not name.isprintable() or name in {NAME, "manifest.sig.json"}:
        raise ValueError("no name of a file")
    return name, _count(file["bytes"]), _text(file["sha256"])


def _picked(kind: type[_T], given: Any) -> _T:
    """The fields of ``kind``, each of the type it names; raises ``ValueError``."""
    try:
        fields = json.loads(given) if isinstance(given, bytes) else given
        return kind(
            **{
                name: _count(fields[name]) if wanted is int else _text(fields[name])
                for name, wanted in kind.__annotations__.items()
            }
        )
    except (KeyError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from None


def _count(value: Any) -> int:
    if type(value) is not int or not 0 <= value < 2**63:
        raise ValueError("not a count")
    return value


def _text(value: Any) -> str:
    if type(value) is not str:
        raise ValueError("not a text")
    return value
