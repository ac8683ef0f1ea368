"""The manifest: the last object an archive gets, and the exact list of what it holds.

JSON Lines. The first line has the root hash and the header; then comes a line for each entry, in
the order of the archive. A part is an object of the archive; the parts' bytes in order are the
archive file. Readers go through it line by line, or take one part's lines by their place in it.

The root hash is SHA-256 over the header exactly as it stands in the first line. The header names
the SHA-256 of each part's bytes and of each part's lines, so it covers everything.
"""

import hashlib
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

import msgspec

from chatledger.aws.table import Key
from chatledger.errors import ChatledgerError
from chatledger.ledger import keys

NAME = "manifest.jsonl"
MEDIA_TYPE = "application/x-ndjson"
VERSION = 1
_CANONICAL = msgspec.json.Encoder(order="deterministic")


class BrokenManifest(ChatledgerError):
    """It is not what was written; the message says where."""

    code = "invalid_request"


class ListedEntry(msgspec.Struct, frozen=True):
    """An entry as it was archived; ``w`` and ``digest`` in hex.

    ``offset`` and ``bytes`` are the place of its gzip member in the part's object.
    """

    day: str
    shard: int
    key: str
    slot: int
    w: str
    n: int
    digest: str
    offset: int
    bytes: int

    def place(self, organization: str) -> Key:
        """Its key in the table."""
        return Key(keys.cell(organization, self.day, self.shard), self.key)


class ManifestPart(msgspec.Struct, frozen=True, kw_only=True):
    """An object of the archive, and where its entries stand in the manifest.

    ``entries_offset`` counts from the byte after the first line.
    """

    number: int
    key: str
    version_id: str | None
    bytes: int
    sha256: str
    conversations: int
    messages: int
    entries: int
    entries_offset: int
    entries_bytes: int
    entries_sha256: str


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """``selection`` is the request's dates and filters; ``frozen`` the last slot of each shard."""

    version: int
    organization: str
    export_id: str
    epoch: str
    created_at: datetime
    selection: dict[str, Any]
    frozen: dict[str, int]
    conversations: int
    messages: int
    bytes: int
    file: dict[str, Any] | None
    parts: tuple[ManifestPart, ...]


class _FirstLine(msgspec.Struct, frozen=True):
    root_hash: str
    manifest: msgspec.Raw


def first_line(header: Header) -> tuple[bytes, str]:
    """The manifest's first line, with its newline, and the root hash in hex."""
    body = _CANONICAL.encode(header)
    root_hash = hashlib.sha256(body).hexdigest()
    line = msgspec.json.encode(_FirstLine(root_hash, msgspec.Raw(body)))
    return line + b"\n", root_hash


def read_first_line(line: bytes) -> tuple[Header, str]:
    """The header, and the root hash computed anew from it; raises ``BrokenManifest``."""
    try:
        first = msgspec.json.decode(line, type=_FirstLine)
        header = msgspec.json.decode(first.manifest, type=Header)
    except msgspec.MsgspecError as error:
        raise BrokenManifest(f"The manifest's first line cannot be read: {error}") from None
    root_hash = hashlib.sha256(bytes(first.manifest)).hexdigest()
    if root_hash != first.root_hash:
        raise BrokenManifest("The manifest's header is not what its root hash says.")
    if header.version != VERSION:
        raise BrokenManifest(f"The manifest is of version {header.version}; this reads {VERSION}.")
    return header, root_hash


def entry_line(entry: ListedEntry) -> bytes:
    return _CANONICAL.encode(entry) + b"\n"


def read_entries(pieces: Iterable[bytes]) -> Iterator[ListedEntry]:
    """The entries of lines that come in pieces of any size; raises ``BrokenManifest``."""
    decoder = msgspec.json.Decoder(ListedEntry)
    try:
        for line in lines_of(pieces):
            yield decoder.decode(line)
    except msgspec.MsgspecError as error:
        raise BrokenManifest(f"A line of the manifest cannot be read: {error}") from None


def lines_of(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """Lines with their newline; raises ``BrokenManifest`` where the last one does not end."""
    rest = b""
    for piece in pieces:
        *whole, rest = (rest + piece).split(b"\n")
        yield from (line + b"\n" for line in whole)
    if rest:
        raise BrokenManifest("The manifest was cut: its last line does not end.")
