"""The archive: what is written is read back, and what is broken says where."""

import gzip
import io
import json
from typing import Any

import msgspec
import pytest
from hypothesis import given

from chatledger.formats.archive import (
    MAX_LINE_BYTES,
    BrokenArchive,
    HeadRecord,
    head_line,
    read_archive,
)
from chatledger.formats.writer import Conversation
from chatledger.ledger.entries import compress
from chatledger.ledger.heads import Head
from chatledger.messages import Message, encode_line
from tests.unit.formats.samples import conversations, message, written

HEAD = Head("conv-1", "2024-01-15", "2024-01-16", {"title": "A", "app_id": "shop"})
LINES = head_line(HEAD) + encode_line(message(0)) + encode_line(message(1))


def read(data: bytes) -> list[HeadRecord | Message]:
    return list(read_archive(io.BytesIO(data)))


class Pipe(io.RawIOBase):
    """A stream that gives a few bytes at a time and cannot seek."""

    def __init__(self, data: bytes) -> None:
        self.rest = data

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        size = min(len(buffer), 7, len(self.rest))
        buffer[:size], self.rest = self.rest[:size], self.rest[size:]
        return size


def test_the_head_line() -> None:
    about = {"title": "A", "metadata": {"b": 1, "a": [2]}, "model": {"name": "n", "id": "i"}}
    assert head_line(Head("conv-1", "2024-01-15", "2024-01-16", about)) == (
        b'{"record":"head","conversation_id":"conv-1",'
        b'"metadata":{"a":[2],"b":1},"model":{"id":"i","name":"n"},"title":"A",'
        b'"first_day":"2024-01-15","last_day":"2024-01-16"}\n'
    )


@pytest.mark.parametrize("name", ["content", "record", "conversation_id", "last_day"])
def test_a_head_cannot_say_what_the_record_says(name: str) -> None:
    with pytest.raises(ValueError, match=name):
        head_line(Head("conv-1", "2024-01-15", "2024-01-15", {name: "x"}))


@given(chat=conversations)
def test_what_is_written_is_read(chat: Conversation) -> None:
    """A member for the head and one for each message, as an export joins them."""
    members = [compress(head_line(chat.head)), *map(compress, map(encode_line, chat.messages))]
    head, *messages = read(b"".join(members))
    about = msgspec.json.decode(msgspec.json.encode(chat.head.about))
    assert head == HeadRecord("conv-1", "2024-01-15", "2024-01-16", about)
    assert messages == list(chat.messages)
    assert written("archive", chat) == gzip.decompress(b"".join(members))


@given(chat=conversations)
def test_any_program_can_read_it(chat: Conversation) -> None:
    lines = written("archive", chat).split(b"\n")
    head, *messages = [json.loads(line) for line in lines[:-1]]
    assert head["record"] == "head"
    assert "content" not in head
    assert all(
        each.keys() >= {"id", "conversation_id", "timestamp", "role", "content"}
        for each in messages
    )


def test_it_is_read_as_it_comes() -> None:
    data = compress(LINES) * 3
    stream = io.BufferedReader(Pipe(data))
    assert list(read_archive(stream)) == read(data)
    assert len(read(data)) == 9


def test_fields_in_another_order_are_read_too() -> None:
    lines = [json.dumps(json.loads(line), sort_keys=True) for line in LINES.splitlines()]
    assert read(compress("\n".join([*lines, ""]).encode())) == read(compress(LINES))


@pytest.mark.parametrize("data", [b"", compress(b"")])
def test_an_empty_archive_holds_nothing(data: bytes) -> None:
    assert read(data) == []


def corrupt(data: bytes, place: int) -> bytes:
    return data[:place] + bytes([data[place] ^ 0xFF]) + data[place + 1 :]


WHOLE = compress(LINES)
BROKEN = {
    "plain": (LINES, "after line 0: Not a gzipped file"),
    "cut": (WHOLE[:-20], "after line"),
    "checksum": (corrupt(WHOLE, len(WHOLE) - 6), "after line 3: CRC check failed"),
    "deflate": (corrupt(WHOLE, 11), "The archive breaks after line"),
    "garbage after": (WHOLE + b"garbage", "after line 3"),
    "no newline": (compress(LINES[:-1]), "Line 3 of the archive does not end"),
    "no json": (compress(LINES + b"{]\n"), "Line 4 of the archive is no record"),
    "not utf-8": (compress(b'{"id":"\xff"}\n'), "Line 1 of the archive is no record"),
    "empty line": (compress(LINES + b"\n"), "Line 4 of the archive is no record"),
    "a list": (compress(b"[]\n"), "Line 1 of the archive is no record"),
    "no content": (compress(b'{"id":"a"}\n'), "missing required field"),
    "no offset": (
        compress(encode_line(message(0)).replace(b"00Z", b"00")),
        "its timestamp has no offset",
    ),
    "other record": (compress(b'{"record":"receipt"}\n'), "'receipt' is not known"),
    "headless": (compress(b'{"record":"head"}\n'), "Expected `str`, got `null`"),
}


@pytest.mark.parametrize(("data", "words"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_archive_says_where(data: bytes, words: str) -> None:
    with pytest.raises(BrokenArchive) as raised:
        read(data)
    assert words in raised.value.message
    assert raised.value.status == 400


def test_what_came_before_the_break_is_read() -> None:
    records = read_archive(io.BytesIO(WHOLE + compress(b"{]\n")))
    assert [type(next(records)) for _ in range(3)] == [HeadRecord, Message, Message]
    with pytest.raises(BrokenArchive):
        next(records)


def test_a_line_without_end_is_not_held_in_memory() -> None:
    with pytest.raises(BrokenArchive, match="longer than 8 MB"):
        read(compress(b" " * (MAX_LINE_BYTES + 1) + b"\n"))
