"""The messages of an uploaded archive, each with where an import that stops there goes on."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC
from typing import NamedTuple

import msgspec

from chatledger.formats.archive import BrokenArchive, HeadRecord, read_record
from chatledger.formats.members import Line, read_lines
from chatledger.identifiers import check_id
from chatledger.ledger.heads import MAX_KNOWN_USERS
from chatledger.messages import MAX_MESSAGE_BYTES, Message, encode_line
from chatledger.restore.job import Position
from chatledger.restore.source import Listing

# A head has to fit into an item of 400 KB, beside its users.
MAX_HEAD_BYTES = 300 * 1024
# Lines of one entry, held until all are there; ours have at most 1 MB.
_MAX_HELD_BYTES = 16 * 1024 * 1024
_ROLES = frozenset({"user", "assistant", "system", "tool"})


class Record(NamedTuple):
    """A message or, with none, the head that comes before its conversation's messages.

    ``line`` is its canonical line, ``head`` what the archive says of its conversation. ``slot``
    is that of its entry, where the manifest says so; ``after`` the position behind it.
    """

    message: Message | None
    line: bytes
    head: HeadRecord | None
    slot: int | None
    after: Position


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

    def records(self, pieces: Iterable[bytes]) -> Iterator[Record]:
        """Those behind ``begun``; ``pieces`` begin at its offset. Raises ``BrokenArchive``.

        The messages of a listed entry come once all of them are there and are what was listed.
        """
        self._after = msgspec.structs.replace(self.begun, lines=0)
        self.number -= self.begun.lines
        for line in self._lines(pieces):
            record = self._checked(line)
            self._held.append(record)
            self._held_bytes += len(line.data)
            if self._held_bytes > _MAX_HELD_BYTES:
                raise self._broken("its entry is above 16 MB.")
            if self.listing is None or self.listing.is_between_entries:
                yield from (each for each in self._held if self._is_ahead(each.after))
                self._held, self._held_bytes = [], 0
        if self.listing:
            self.listing.check_end()

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
            return self._message_record(checked_message(record), line)
        except (msgspec.MsgspecError, ValueError, OverflowError, RecursionError) as error:
            raise self._broken(error) from None

    def _head_record(self, head: HeadRecord, line: Line) -> Record:
        """What comes after can be read anew from here, if a member begins here."""
        if self.listing and not self.listing.is_between_entries:
            raise ValueError("a head stands in the middle of an entry of the manifest.")
        self._head = _checked_head(head)
        if line.member is not None:
            listed = self.listing.place if self.listing else 0
            self._after = Position(line.member, 0, listed)
        return self._record(None, b"", None)

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


def checked_message(message: Message) -> Message:
    """With its time in UTC; raises ``ValueError`` for what no request could have stored."""
    for name in ("id", "conversation_id", "user_id"):
        value = getattr(message, name)
        if value is not None:
            check_id(name, value)
    if message.role not in _ROLES:
        raise ValueError(f"its role is none of {', '.join(sorted(_ROLES))}.")
    message = msgspec.structs.replace(message, timestamp=message.timestamp.astimezone(UTC))
    if len(encode_line(message)) > MAX_MESSAGE_BYTES:
        raise ValueError(f"a message has at most {MAX_MESSAGE_BYTES // 1024} KB.")
    return message


def _checked_head(head: HeadRecord) -> HeadRecord:
    check_id("conversation_id", head.conversation_id)
    for user in users_of(head):
        check_id("user_id", user)
    if len(head.users) > MAX_KNOWN_USERS:
        raise ValueError(f"a head names at most {MAX_KNOWN_USERS} users.")
    if len(msgspec.json.encode(head.about)) > MAX_HEAD_BYTES:
        raise ValueError(f"a head has at most {MAX_HEAD_BYTES // 1024} KB.")
    return head


def users_of(head: HeadRecord | None) -> frozenset[str]:
    """Those who take part by what the head says, its owner included."""
    if not head:
        return frozenset()
    owner = head.about.get("user_id")
    return frozenset(head.users if owner is None else [*head.users, str(owner)])
