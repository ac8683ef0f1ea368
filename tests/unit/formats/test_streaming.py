"""Every format: registered once, and a conversation of any length in bounded memory."""

import tracemalloc
from pathlib import Path

import pytest

from chatledger import formats
from chatledger.formats import FORMATS, Options, writer_for
from chatledger.formats.compression import compressor_for
from chatledger.formats.pairs import MAX_REMEMBERED
from chatledger.formats.writer import PIECE_BYTES, Conversation
from chatledger.ledger.heads import Head
from chatledger.models import chats, exports
from chatledger.models.exports import ALIASES
from tests.unit.formats.samples import Many, conversation, message

# What stands for itself or in a format's own words; a field that is new belongs into the formats.
HEAD_FIELDS = {
    "user_id",
    "app_id",
    "title",
    "status",
    "from_source",
    "user_email",
    "user_name",
    "folder_id",
    "model",
    "prompt",
    "temperature",
    "metadata",
}


# The workbook that a chunk of xlsx becomes has 100,000 in a test of its own.
LONG = [(name, "none", 20_000 if name == "xlsx" else 100_000) for name in FORMATS]
COMPRESSED = [("jsonl", "gzip", 20_000), ("jsonl", "zstd", 20_000)]  # like any other bytes


@pytest.mark.parametrize(("name", "compression", "count"), [*LONG, *COMPRESSED])
def test_a_long_conversation_streams(name: str, compression: str, count: int) -> None:
    many = Many(count)
    head = Head("conv-1", "2024-01-15", "2024-03-25", {"title": "Long"})
    writer, compressor = writer_for(name, Options()), compressor_for(compression)
    size = 0
    tracemalloc.start()
    try:
        for piece in writer.conversation(Conversation(head, many)):
            assert len(piece) < PIECE_BYTES + 4096
            size += len(piece)
            compressor.compress(piece)
        compressor.finish()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    # A pair has what came before it, at most so many messages; all else is there once.
    assert count * 300 < size < count * 300 * (MAX_REMEMBERED + 2)
    assert peak < 2 * 2**20
    assert many.passes == 1, "a long conversation is read from the table at each pass"


@pytest.mark.parametrize("name", FORMATS)
def test_a_writer_can_be_used_again(name: str) -> None:
    """Parts are written at different times and places and must come out alike."""
    chat = conversation([message(0), message(1)], {"title": "Again"})
    writer = writer_for(name, Options())
    first = b"".join(writer.conversation(chat))
    assert b"".join(writer.conversation(chat)) == first
    assert b"".join(writer_for(name, Options()).conversation(chat)) == first


def test_the_registry() -> None:
    folder = Path(formats.__file__).parent
    for name, entry in FORMATS.items():
        assert entry.name == name
        assert (folder / f"{entry.module}.py").is_file()
    assert not ALIASES.keys() & FORMATS.keys()


def test_a_request_may_ask_for_what_can_be_written() -> None:
    assert set(exports.FORMATS) == set(FORMATS)


def test_no_field_of_a_conversation_is_forgotten() -> None:
    taken = set(chats.ChatsRequest.model_fields) - {"conversation_id", "messages"}
    assert taken == HEAD_FIELDS
