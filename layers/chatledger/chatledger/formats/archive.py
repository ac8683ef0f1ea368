"""The archive: canonical JSON Lines in gzip members, lossless; and its reader.

A line is a message (``messages.encode_line``), or the head of a conversation, which stands before
the conversation's messages and has ``"record":"head"`` and no ``content``. An archive of what came
after an earlier one may also hold ``"record":"cleared"``: an entry that another export cleared
before this one could hold it.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from itertools import chain
from typing import IO, Any

import msgspec

from chatledger.errors import InvalidRequest
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered
from chatledger.ledger.entries import Entry
from chatledger.ledger.heads import Head
from chatledger.messages import Message, decode_line, encode_line

# No line that is written comes near: a message is at most 300 KB.
MAX_LINE_BYTES = 8 * 1024 * 1024

# And a head, which came in the body of a request.
MAX_HEAD_LINE_BYTES = 4 * 1024 * 1024

_RECORD_PREFIX = b'{"record":'
_OF_THE_RECORD = frozenset(
    {"record", "conversation_id", "users", "first_day", "last_day", "content"}
)
_SORTED = msgspec.json.Encoder(order="deterministic")


class BrokenArchive(InvalidRequest):
    """The file is no archive, or no longer whole; the message says where it breaks."""


class HeadRecord(msgspec.Struct, frozen=True):
    """A conversation as its archive describes it; days are ``YYYY-MM-DD``.

    ``users`` are those whom the head knew to take part, whatever its messages say.
    """

    conversation_id: str
    first_day: str
    last_day: str
    about: dict[str, Any]
    users: tuple[str, ...] = ()


class ClearedRecord(msgspec.Struct, frozen=True):
    """An entry that was cleared before it could be written: what is known of it.

    ``slot`` is its place in the order; ``n`` counts messages, ``digests`` has identity and content
    of each, in hex; ``cleared_by`` is the export whose archive holds them.
    """

    conversation_id: str
    day: str
    quarter: str
    slot: int
    n: int
    cleared_by: str
    digests: tuple[tuple[str, str], ...]


def cleared_line(entry: Entry) -> bytes:
    """The line of a tombstone, with its newline."""
    place = entry.place
    record = ClearedRecord(
        conversation_id=place.conversation_id,
        day=entry.day,
        quarter=place.quarter,
        slot=place.slot,
        n=entry.messages_count,
        cleared_by=entry.cleared_by or "",
        digests=tuple((message.hex(), content.hex()) for message, content in entry.digests()),
    )
    return msgspec.json.encode({"record": "cleared", **msgspec.structs.asdict(record)}) + b"\n"


def head_line(head: Head) -> bytes:
    """The head's line, with its newline: what callers said of it, sorted, between id and days.

    Raises ``ValueError`` if that has a name which belongs to the record itself.
    """
    if taken := _OF_THE_RECORD & head.about.keys():
        raise ValueError(f"{head.conversation_id} says {sorted(taken)} of itself, which is taken.")
    about = {name: msgspec.Raw(_SORTED.encode(head.about[name])) for name in sorted(head.about)}
    record = {
        "record": "head",
        "conversation_id": head.conversation_id,
        **about,
        **({"users": sorted(head.users)} if head.users else {}),
        "first_day": head.first_day,
        "last_day": head.last_day,
    }
    return msgspec.json.encode(record) + b"\n"


@dataclass(frozen=True, slots=True)
class Archive(Unframed):
    """Its lines, not compressed yet, of messages that are no longer in their entries.

    Whoever has whole entries joins their payloads instead: the same lines, compressed already.
    """

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        head = head_line(conversation.head)
        return gathered(chain((head,), map(encode_line, conversation.messages)))


def writer(options: Options) -> Writer:  # noqa: ARG001 - an archive leaves nothing out
    return Archive()


def read_archive(stream: IO[bytes]) -> Iterator[HeadRecord | ClearedRecord | Message]:
    """The records of an archive, in their order and one at a time; the stream need not seek.

    Raises ``BrokenArchive``, after the records that could be read.
    """
    for number, line in enumerate(_lines(stream), 1):
        try:
            yield read_record(line)
        except (msgspec.MsgspecError, ValueError) as error:
            raise BrokenArchive(f"Line {number} of the archive is no record: {error}") from None


def _lines(stream: IO[bytes]) -> Iterator[bytes]:
    read = 0
    try:
        with GzipFile(fileobj=stream, mode="rb") as plain:
            while line := plain.readline(MAX_LINE_BYTES):
                read += 1
                yield _whole(line, read)
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise BrokenArchive(f"The archive breaks after line {read}: {error}") from None


def _whole(line: bytes, number: int) -> bytes:
    if line.endswith(b"\n"):
        return line
    raise BrokenArchive(
        f"Line {number} of the archive does not end: the file was cut, or a line of it is longer "
        f"than {MAX_LINE_BYTES // 2**20} MB."
    )


def read_record(line: bytes) -> HeadRecord | ClearedRecord | Message:
    """Fields may come in another order than ours: a tool may have sorted them.

    Raises ``ValueError`` or ``msgspec.MsgspecError`` for what is no record.
    """
    if line.startswith(_RECORD_PREFIX):
        return _other_record(line)
    try:
        message = decode_line(line)
    except msgspec.ValidationError:
        fields = msgspec.json.decode(line, type=dict[str, Any])
        if "record" in fields:
            return _other_record(line)
        raise
    if message.timestamp.tzinfo is None:
        raise ValueError("its timestamp has no offset.")
    return message


def _other_record(line: bytes) -> HeadRecord | ClearedRecord:
    fields = msgspec.json.decode(line, type=dict[str, Any])
    if fields.get("record") == "cleared":
        return msgspec.convert(fields, ClearedRecord)
    return _head_record(line)


def _head_record(line: bytes) -> HeadRecord:
    if len(line) > MAX_HEAD_LINE_BYTES:
        raise ValueError(f"a head has at most {MAX_HEAD_LINE_BYTES // 2**20} MB.")
    fields = msgspec.json.decode(line, type=dict[str, Any])
    if (kind := fields.pop("record")) != "head":
        raise ValueError(f"its kind {str(kind)[:32]!r} is not known; a newer version may know it.")
    if "content" in fields:
        raise ValueError("a head has no content.")
    own = {name: fields.pop(name, None) for name in ("conversation_id", "first_day", "last_day")}
    users = fields.pop("users", ())
    return msgspec.convert(own | {"about": fields, "users": users}, HeadRecord)
