"""CSV by RFC 4180: a row per message, CRLF, UTF-8.

No byte order mark: it would become part of the first column's name in every reader that does not
expect one, and sit in the middle of files that people join. Excel takes the encoding when the
file is imported (Data, From Text/CSV).

Written by hand, which is faster than the csv module and tells apart what that cannot: what is not
known (nothing between the commas) and an empty text (``""``).
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from chatledger.formats.rows import (
    Cell,
    columns,
    conversation_cells,
    message_cells,
    spreadsheet_text,
)
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered
from chatledger.timestamps import format_time


@dataclass(frozen=True, slots=True)
class Csv(Unframed):
    options: Options
    preamble: bytes

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        end = f",{_joined(conversation_cells(conversation, self.options))}\r\n"
        rows = message_cells(conversation, self.options)
        return gathered((_joined(row) + end).encode() for row in rows)


def writer(options: Options) -> Writer:
    return Csv(options, preamble=f"{_joined(columns(options))}\r\n".encode())


def _joined(cells: Iterable[Cell]) -> str:
    return ",".join(["" if cell is None else _written(cell) for cell in cells])


def _written(cell: str | float | datetime) -> str:
    if isinstance(cell, str):
        return _quoted(spreadsheet_text(cell))
    return format_time(cell) if isinstance(cell, datetime) else repr(cell)


def _quoted(text: str) -> str:
    """In quotes where it has to be; asked part by part, which is faster than a pattern."""
    if '"' in text:
        return '"' + text.replace('"', '""') + '"'
    if "," in text or "\n" in text or "\r" in text or not text:
        return f'"{text}"'
    return text
