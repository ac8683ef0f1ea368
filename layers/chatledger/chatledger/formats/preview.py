"""Conversations of a file as a preview shows them: an item each, for people and for programs.

What a format writes of a conversation is shown as what it is: one JSON object, a list of records,
a list of rows by column, or text.
"""

import gzip
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from chatledger.formats import FORMATS, writer_for
from chatledger.formats.rows import (
    Cell,
    columns,
    conversation_cells,
    message_cells,
    spreadsheet_text,
)
from chatledger.formats.writer import Conversation, Options, Unframed, Writer

# Of the whole sample; an answer has at most 6 MB, in which text is escaped.
SAMPLE_BYTES = 1024 * 1024

_ENCODER = msgspec.json.Encoder()


class NoRoom(Exception):
    """The next conversation is more than fits."""


@dataclass(frozen=True, slots=True)
class RowObjects(Unframed):
    """Rows as JSON objects, one a line; a row has the cells that it has in the file."""

    options: Options
    text: Callable[[str], str]

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        names = columns(self.options)
        end = conversation_cells(conversation, self.options)
        for cells in message_cells(conversation, self.options):
            row = map(self._cell, (*cells, *end))
            yield _ENCODER.encode(dict(zip(names, row, strict=True))) + b"\n"

    def _cell(self, cell: Cell) -> Cell:
        return self.text(cell) if isinstance(cell, str) else cell


def preview_writer(name: str, options: Options) -> Writer:
    """The format's own writer; of a format of rows, one that names their cells."""
    if FORMATS[name].shows != "rows":
        return writer_for(name, options)
    return RowObjects(options, spreadsheet_text if name in {"csv", "xlsx"} else str)


def readable(name: str, data: bytes, room: int) -> bytes:
    """What was written of a conversation, opened; raises ``NoRoom`` above so many bytes."""
    if name == "archive":
        data = gzip.GzipFile(fileobj=io.BytesIO(data)).read(room + 1)
    if len(data) > room:
        raise NoRoom
    return data


def shown(name: str, data: bytes) -> Any:
    """What the preview's writer wrote of a conversation, which is ``readable``."""
    if FORMATS[name].shows == "text":
        return data.decode()
    found = [msgspec.json.decode(line.rstrip(b",")) for line in data.split(b"\n") if line]
    return found[0] if FORMATS[name].shows == "object" else found
