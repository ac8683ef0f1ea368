"""The messages of an uploaded archive, each with where an import that stops there goes on.

They come in units that have whole entries. What an entry is, a manifest says. Without one, the
messages of a quarter hour of a conversation stay together; a large one is cut where a gzip member
begins, which in our archives is an entry, and only where none does for long, anywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec

from chatledger.formats.archive import BrokenArchive, ClearedRecord, HeadRecord, read_record
from chatledger.formats.members import Line, read_lines
from chatledger.ledger.entries import Quarter, quarter_hour
from chatledger.messages import Message, encode_line
from chatledger.restore.job import Position
from chatledger.restore.rules import checked_head, checked_message
from chatledger.restore.source import Listing

# Lines of one entry, held until all are there; ours have at most 1 MB.
_MAX_HELD_BYTES = 16 * 1024 * 1024
# Without a manifest: from here on a quarter hour is cut at a member, and from there on anywhere.
_RUN_BYTES = 1024 * 1024
_MAX_RUN_BYTES = 8 * 1024 * 1024


class Record(NamedTuple):
    """A message or, with none, mostly the head that comes before its conversation's messages.

    ``line`` is its canonical line, a head's as it came; ``head`` what the archive says of its
    conversation. ``slot`` is that of its entry, where the manifest says so; ``after`` the position
    behind it.
    """

    message: Message | None
    line: bytes
    head: HeadRecord | None
    slot: int | None
    after: Position

    @property
    def is_head(self) -> bool:
        """Else, of a record without a message, it tells what another export had cleared."""
        return self.message is None and self.line.startswith(b'{"record":"head"')

    @property
    def run(self) -> tuple[str, Quarter] | None:
        """The quarter hour of a conversation, which an entry is of."""
        return (self.message.conversation_id, quarter_hour(self.message)) if self.message else None


# A head alone, or messages of one conversation, which are put back together.
Unit = Sequence[Record]


@dataclass
class Reader:
    """Begins at ``begun``; ``number`` says how many lines of the file come before that."""

    begun: Position
    number: int
    listing: Listing | None = None
    _head: HeadRecord | None = None
    _after: Position = field(default_factory=Position)
    _held: list[Record] = field(default_factory=list[Record])
    _held_bytes: int = 0

    def units(self, pieces: Iterable[bytes]) -> Iterator[Unit]:
        """Those behind ``begun``; ``pieces`` begin at its offset. Raises ``BrokenArchive``.

        The messages of a listed entry come once all of them are there and are what was listed.
        """
        self._after = msgspec.structs.replace(self.begun, lines=0)
        self.number -= self.begun.lines
        for line in self._lines(pieces):
            record = self._checked(line)
            if not self._is_ahead(record.after):
                continue
            if self._begins_unit(record, line):
                yield from self._unit()
            self._held.append(record)
            self._held_bytes += len(line.data)
            if self._held_bytes > _MAX_HELD_BYTES:
                raise self._broken("its entry is above 16 MB.")
            if record.message is None or (self.listing and self.listing.is_between_entries):
                yield from self._unit()
        yield from self._unit()
        if self.listing:
            self.listing.check_end()

    def _begins_unit(self, record: Record, line: Line) -> bool:
        """Without a list of entries: where one may begin, and none is cut that we wrote."""
        if not self._held or self.listing:
            return False
        if record.run != self._held[-1].run:
            return True
        if line.member is not None and self._held_bytes >= _RUN_BYTES:
            return True
        return self._held_bytes + len(line.data) > _MAX_RUN_BYTES

    def _unit(self) -> Iterator[Unit]:
        if self._held:
            unit, self._held, self._held_bytes = self._held, [], 0
            yield unit

    def _lines(self, pieces: Iterable[bytes]) -> Iterator[Line]:
        lines = read_lines(pieces, self.begun.offset)
        while True:
            try:
                line = next(lines, None)
            except BrokenArchive as error:
                raise BrokenArchive(
                    f"The archive breaks after line {self.number}: {error}."
                ) from None
            if not line:
                return
            self.number += 1
            yield line

    def _is_ahead(self, after: Position) -> bool:
        return after.offset > self.begun.offset or after.lines > self.begun.lines

    def _broken(self, complaint: object) -> BrokenArchive:
        return BrokenArchive(f"Line {self.number} of the archive is refused: {complaint}")

    def _checked(self, line: Line) -> Record:
        try:
            record = read_record(line.data)
            if isinstance(record, HeadRecord):
                return self._head_record(record, line)
            if isinstance(record, ClearedRecord):  # There is nothing in it to restore.
                return self._record(None, line.data, None)
            return self._message_record(checked_message(record), line)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            raise self._broken(error) from None

    def _head_record(self, head: HeadRecord, line: Line) -> Record:
        """What comes after can be read anew from here, if a member begins here."""
        if self.listing and not self.listing.is_between_entries:
            raise ValueError("a head stands in the middle of an entry of the manifest.")
        self._head = checked_head(head)
        if line.member is not None:
            listed = self.listing.place if self.listing else 0
            self._after = Position(line.member, 0, listed)
        return self._record(None, line.data, None)

    def _message_record(self, message: Message, line: Line) -> Record:
        slot = self.listing.slot_of(line.data, message) if self.listing else None
        return self._record(message, encode_line(message), slot)

    def _record(self, message: Message | None, line: bytes, slot: int | None) -> Record:
        lines = self._after.lines + 1
        self._after = msgspec.structs.replace(self._after, lines=lines)
        head = self._head
        if head and message and head.conversation_id != message.conversation_id:
            head = None
        return Record(message, line, head, slot, self._after)


def users_of(head: HeadRecord | None) -> frozenset[str]:
    """Those who take part by what the head says, its owner included."""
    if not head:
        return frozenset()
    owner = head.about.get("user_id")
    return frozenset(head.users if owner is None else [*head.users, str(owner)])
