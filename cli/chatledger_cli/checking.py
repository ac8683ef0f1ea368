"""An archive's bytes against the list that its manifest has of them, entry by entry.

Nothing of what is checked is trusted: sizes are bounded before anything is read or inflated, and
what is wrong is told while the check goes on with the next entry.
"""

import hashlib
import json
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from chatledger_cli.figures import counted
from chatledger_cli.manifest import Header, Listed, Part, entry_lines, listed
from chatledger_cli.places import Place, place_of

# What an entry may take, compressed or not: one message has 300 KB at most, and a piece 1 MB.
_MAX_BYTES = 8 * 1024 * 1024
# What the heads between two entries may take.
_MAX_HEADS_BYTES = 64 * 1024 * 1024
_PIECE = 1024 * 1024
_FED = 4 * 1024
_GZIP = 31  # a gzip header and trailer, and the largest window

# Told of each thing that is wrong, and of bytes that were gone through.
Report = Callable[[str], None]
Advance = Callable[[int], None]


@dataclass
class Checker:
    """Counts what it finds; ``report`` is told of the rest."""

    manifest: Path
    header: Header
    report: Report
    advance: Advance = lambda _: None
    entries: int = 0
    messages: int = 0
    conversations: int = 0
    _last: Any = None

    def check(self, data: Iterator[bytes]) -> None:
        """``data``: the bytes of all parts, in order."""
        stream = _Stream(data, self.advance)
        for part in self.header.parts:
            _PartCheck(self, part, stream).check()
        if not self.header.parts:
            self._check_empty(stream)
        elif extra := stream.skip():
            self.report(f"the archive goes on for {extra:,} bytes that no part has: extra")

    def _check_empty(self, stream: "_Stream") -> None:
        """An archive of nothing is a gzip file of nothing."""
        if inflated(stream.take(_PIECE), 1) != b"" or stream.skip():
            self.report("the archive holds something, and nothing is listed: extra")

    def next_place(self, where: str, listed: Listed) -> Place | None:
        """The entry's place; entries come in one order, so that none is listed twice."""
        place = place_of(listed)
        if place is None:
            self.report(f"{where}: its key {listed.key!r} is no entry's")
            return None
        if self._last is not None and place.order <= self._last:
            self.report(f"{where}: {place} is listed twice, or out of order")
        self._last = place.order
        return place


@dataclass
class _PartCheck:
    """One part: its lines of the manifest and its bytes, side by side."""

    checker: Checker
    part: Part
    stream: "_Stream"
    head: str | None = None
    entries: int = 0
    messages: int = 0
    conversations: int = 0
    _lines: Any = field(default_factory=hashlib.sha256)

    def check(self) -> None:
        self.stream.begin(self.part.bytes)
        for number, line in enumerate(self._manifest_lines(), 1):
            self._check_line(f"part {self.part.number}, entry {number}", line)
        self._between(f"part {self.part.number}, its end", self.part.bytes)
        if self._lines.hexdigest() != self.part.entries_sha256:
            self._report("manifest.jsonl: its lines are not those that its header names")
        found = (self.entries, self.messages, self.conversations)
        listed = (self.part.entries, self.part.messages, self.part.conversations)
        if found != listed:
            self._report(
                f"{_counts(found)} are there, {_counts(listed)} should be: missing or extra"
            )
        self.stream.end()
        if self.stream.missing:
            self._report(f"its last {self.stream.missing:,} bytes are missing")
        elif self.stream.sha256 != self.part.sha256:
            self._report("its bytes are not those that the manifest names")
        self.checker.entries += self.entries
        self.checker.messages += self.messages
        self.checker.conversations += self.conversations

    def _report(self, what: str) -> None:
        self.checker.report(f"part {self.part.number}: {what}")

    def _manifest_lines(self) -> Iterator[bytes]:
        for line in entry_lines(self.checker.manifest, self.checker.header, self.part):
            self._lines.update(line)
            yield line

    def _check_line(self, where: str, line: bytes) -> None:
        try:
            entry = listed(line)
        except ValueError:
            self.checker.report(f"manifest.jsonl: {where}: its line cannot be read")
            return
        place = self.checker.next_place(where, entry)
        named = f"{where} ({place})" if place else where
        self.entries += 1
        self.messages += entry.n
        if entry.offset < self.stream.position or entry.bytes > _MAX_BYTES:
            self.checker.report(f"{named}: it lies where it cannot be")
            return
        if entry.offset + entry.bytes > self.part.bytes:
            self.checker.report(f"{named}: it lies beyond its part's end")
            return
        self._between(named, entry.offset)
        member = self.stream.take(entry.bytes)
        if len(member) < entry.bytes:
            self.checker.report(f"{named}: missing, the file ends before it")
        elif wrong := self._wrong(entry, place, member):
            self.checker.report(f"{named}: {wrong}")

    def _wrong(self, listed: Listed, place: Place | None, member: bytes) -> str | None:
        lines = inflated(member, _MAX_BYTES)
        if lines is None:
            return "wrong, its bytes cannot be decompressed"
        if hashlib.sha256(lines).hexdigest() != listed.digest:
            return "wrong, its messages are not those that its digest names"
        count = lines.count(b"\n")
        if count != listed.n or not lines.endswith(b"\n"):
            return f"wrong, it holds {count} messages and not {listed.n}"
        if place and self.head != place.conversation_id:
            return "wrong, it stands under another conversation's head"
        if place and not all(map(place.holds, lines.splitlines())):
            return "wrong, it holds a message of another conversation or time"
        return None

    def _between(self, where: str, end: int) -> None:
        """What stands between entries is heads, each of the conversation that follows."""
        length = end - self.stream.position
        if length <= 0:
            return
        if length > _MAX_HEADS_BYTES:
            self.stream.skip_to(end)
            self.checker.report(
                f"{where}: before it lie {length:,} bytes that are not listed: extra"
            )
            return
        data = self.stream.take(length)
        if len(data) < length:
            return  # The part's end says what is missing.
        lines = inflated(data, _MAX_HEADS_BYTES, members=True)
        for record in map(_record, (lines or b"").splitlines()) if lines is not None else (None,):
            if record is None:
                self.checker.report(f"{where}: what stands before it is no record")
            elif "content" in record:
                self.checker.report(
                    f"{where}: before it stands a message that is not listed: extra"
                )
            elif record.get("record") == "head":
                self.head = str(record.get("conversation_id"))
                self.conversations += 1


class _Stream:
    """The bytes of one part after the other, in the lengths that are asked for."""

    def __init__(self, data: Iterator[bytes], advance: Advance) -> None:
        self._data = data
        self._advance = advance
        self._held = bytearray()
        self.begin(0)

    def begin(self, length: int) -> None:
        self._length = length
        self.position = 0
        self._digest = hashlib.sha256()
        self.missing = 0

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def take(self, count: int) -> bytes:
        """So many bytes, or fewer where the data ends."""
        while len(self._held) < count and (piece := next(self._data, b"")):
            self._held += piece
        taken = bytes(self._held[:count])
        del self._held[:count]
        self.position += len(taken)
        self._digest.update(taken)
        self._advance(len(taken))
        return taken

    def skip_to(self, end: int) -> None:
        while self.position < end and self.take(min(_PIECE, end - self.position)):
            pass

    def end(self) -> None:
        """Goes to the end of the part."""
        self.skip_to(self._length)
        self.missing = self._length - self.position

    def skip(self) -> int:
        """Goes through all that is left; answers how much it was."""
        count = 0
        while taken := self.take(_PIECE):
            count += len(taken)
        return count


def inflated(data: bytes, most: int, *, members: bool = False) -> bytes | None:
    """What one whole gzip member (or several) holds; None for anything else, or for more."""
    found, rest = bytearray(), memoryview(data)
    while True:
        inflate = zlib.decompressobj(wbits=_GZIP)
        while not inflate.eof:
            piece, rest = rest[:_FED], rest[_FED:]
            if not piece:
                return None
            try:
                found += inflate.decompress(piece, most + 1 - len(found))
            except zlib.error:
                return None
            if len(found) > most or inflate.unconsumed_tail:
                return None
        # What is left of the last piece: a few bytes, however long the data is.
        rest = memoryview(data)[len(data) - len(rest) - len(inflate.unused_data) :]
        if not rest:
            return bytes(found)
        if not members:
            return None


def _record(line: bytes) -> dict[str, Any] | None:
    try:
        record: Any = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return {**record} if type(record) is dict else None


def _counts(of: tuple[int, int, int]) -> str:
    entries, messages, conversations = of
    return (
        f"{counted(entries, 'entry', 'entries')}, {counted(messages, 'message')}, "
        f"{counted(conversations, 'conversation')}"
    )
