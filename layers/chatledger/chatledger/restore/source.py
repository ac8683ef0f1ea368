"""What an import reads: the uploaded file's bytes, and of its manifest what orders revisions."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field

import msgspec

from chatledger.aws.bucket import Bucket
from chatledger.export.manifest import (
    BrokenManifest,
    Header,
    ListedEntry,
    lines_of,
    read_first_line,
)
from chatledger.formats.archive import BrokenArchive
from chatledger.identifiers import MAX_ID_BYTES
from chatledger.ledger.entries import quarter_hour
from chatledger.ledger.keys import entry_place
from chatledger.messages import Message
from chatledger.restore import places

# One request each, read at once: a connection left open while entries are written would be cut.
_WINDOW_BYTES = 1024 * 1024
_MAX_SLOT = 2**63 - 1
# A header names each part; 10,000 of them are the most that a map goes through.
_MAX_FIRST_LINE = 16 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class UploadedManifest:
    """``size`` of it in bytes; ``entries_start`` is where its first entry's line begins."""

    bucket: Bucket
    key: str
    size: int
    header: Header
    entries_start: int

    def entries(self, listed: int) -> Iterator[tuple[ListedEntry, int]]:
        """The entries from this byte of the list on, each with the byte at which it ends."""
        start = self.entries_start + listed
        decoder = msgspec.json.Decoder(ListedEntry)
        for line in lines_of(windows(self.bucket, self.key, start, self.size)):
            try:
                entry = decoder.decode(line)
                _check_slot(entry)
            except (msgspec.MsgspecError, ValueError):
                raise BrokenManifest(
                    f"The manifest's line at byte {self.entries_start + listed} is no entry."
                ) from None
            listed += len(line)
            yield entry, listed


@dataclass
class Listing:
    """Goes through the manifest's entries in step with the archive's messages.

    ``place`` is the byte of the list at which the next entry stands.
    """

    entries: Iterator[tuple[ListedEntry, int]]
    place: int
    _current: ListedEntry | None = None
    _lines: list[bytes] = field(default_factory=list[bytes])

    @property
    def is_between_entries(self) -> bool:
        return self._current is None

    def slot_of(self, line: bytes, message: Message) -> int:
        """The slot of the entry that the message is of; raises ``ValueError`` if it cannot be."""
        entry = self._current or self._next()
        place = entry_place(entry.key)
        expected = (place.conversation_id, (entry.day, place.quarter))
        if (message.conversation_id, quarter_hour(message)) != expected:
            raise ValueError("it is not of the entry that the manifest lists there.")
        self._lines.append(line)
        if len(self._lines) == entry.n:
            if hashlib.sha256(b"".join(self._lines)).hexdigest() != entry.digest:
                raise ValueError("its entry is not what the manifest says.")
            self._current = None
            self._lines.clear()
        return place.slot

    def check_end(self) -> None:
        """Raises ``BrokenArchive`` where the manifest lists more than the archive holds."""
        if self._current or next(self.entries, None):
            raise BrokenArchive("The archive ends before what its manifest lists does.")

    def _next(self) -> ListedEntry:
        found = next(self.entries, None)
        if not found:
            raise ValueError("it is more than the manifest lists.")
        self._current, self.place = found
        return self._current


def uploaded_manifest(bucket: Bucket, organization: str, import_id: str) -> UploadedManifest | None:
    """None where none was uploaded; raises ``BrokenManifest``."""
    key = places.manifest(organization, import_id)
    size = bucket.size(key)
    if size is None:
        return None
    line = b""
    for window in windows(bucket, key, 0, min(size, _MAX_FIRST_LINE)):
        line += window
        if b"\n" in window:
            break
    line = line[: line.find(b"\n") + 1]
    if not line:
        raise BrokenManifest("The manifest's first line does not end.")
    header, _ = read_first_line(line)
    _check_source(header)
    return UploadedManifest(bucket, key, size, header, len(line))


def _check_slot(entry: ListedEntry) -> None:
    if entry_place(entry.key).slot > _MAX_SLOT:
        raise ValueError("its slot is beyond 64 bits.")


def _check_source(header: Header) -> None:
    """Every entry that is restored keeps where it comes from, so that is short."""
    for name in ("organization", "epoch"):
        if len(getattr(header, name).encode()) > MAX_ID_BYTES:
            raise BrokenManifest(f"The manifest's {name} is above {MAX_ID_BYTES} bytes.")


def windows(bucket: Bucket, key: str, start: int, end: int) -> Iterator[bytes]:
    """The object's bytes from ``start`` to ``end``, a megabyte at a time."""
    for place in range(start, end, _WINDOW_BYTES):
        pieces = bucket.read(key, start=place, length=min(_WINDOW_BYTES, end - place))
        yield b"".join(pieces)
