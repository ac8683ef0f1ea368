"""The gzip members of an archive: its lines one by one, and where a reader may begin again.

A file may hold a member for each entry, as ours do, one for all of it, or members that end in
the middle of a line, as some tools write them. What is decompressed comes in bounded steps, and
a line ends the reading where it grows too long: a small file cannot become a large memory.
"""

import hashlib
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol

from isal import igzip, isal_zlib

from chatledger.formats.archive import MAX_LINE_BYTES, BrokenArchive

_GZIP_WINDOW = 31  # 32 KB, and a gzip header and trailer
# What a member leaves of it is copied, so it is little: thousands of members fit into a megabyte.
_FEED_BYTES = 4096
_STEP_BYTES = 256 * 1024


class Line(NamedTuple):
    """A line with its newline. ``member`` is the byte at which a member begins with this line."""

    data: bytes
    member: int | None


class _Inflate(Protocol):
    """What reads one member."""

    @property
    def unused_data(self) -> bytes: ...
    @property
    def unconsumed_tail(self) -> bytes: ...
    @property
    def eof(self) -> bool: ...
    def decompress(self, data: bytes | memoryview, max_length: int, /) -> bytes: ...


def read_lines(pieces: Iterable[bytes], offset: int = 0) -> Iterator[Line]:
    """The lines of a file from ``offset`` on, where a member begins; ``pieces`` start there.

    Raises ``BrokenArchive``, after the lines that could be read.
    """
    rest = bytearray()
    begins: int | None = None
    for member, data in _decompressed(pieces, offset):
        if member is not None and not rest:
            begins = member
        rest += data
        *whole, last = rest.split(b"\n") if b"\n" in data else [rest]
        for line in whole:
            yield Line(bytes(line) + b"\n", begins)
            begins = None
        rest = last
        if len(rest) > MAX_LINE_BYTES:
            raise BrokenArchive(f"it has a line above {MAX_LINE_BYTES // 2**20} MB")
    if rest:
        raise BrokenArchive("its last line does not end: the file was cut")


def member_content(member: bytes, digest: bytes) -> bytes | None:
    """The lines of a member, or of some; None where they are not those of this SHA-256."""
    try:
        lines = igzip.decompress(member)
    except (EOFError, OSError, isal_zlib.error):
        return None
    return lines if hashlib.sha256(lines).digest() == digest else None


def _decompressed(pieces: Iterable[bytes], offset: int) -> Iterator[tuple[int | None, bytes]]:
    """Content in bounded steps; with the first of each member, the byte at which it begins."""
    inflate: _Inflate | None = None
    place = offset
    begun: int | None = None
    for piece in pieces:
        left = memoryview(piece)
        while left:
            if inflate is None:
                inflate, begun = isal_zlib.decompressobj(_GZIP_WINDOW), place
            fed = left[:_FEED_BYTES]
            for data in _inflated(inflate, fed):
                yield begun, data
                begun = None
            taken = len(fed) - len(inflate.unused_data)
            place, left = place + taken, left[taken:]
            if inflate.eof:
                inflate = None
    if inflate is not None:
        raise BrokenArchive("it ends in the middle of a gzip member: the file was cut")


def _inflated(inflate: _Inflate, fed: memoryview) -> Iterator[bytes]:
    """All that comes of what is fed; at least one piece, which may be empty."""
    waiting: bytes | memoryview = fed
    while True:
        try:
            data = inflate.decompress(waiting, _STEP_BYTES)
        except isal_zlib.error as error:
            raise BrokenArchive(f"it is no gzip file, or damaged: {error}") from None
        yield data
        waiting = inflate.unconsumed_tail
        if inflate.eof or (len(data) < _STEP_BYTES and not waiting):
            return
