"""XLSX: a row per message, on as many sheets as it takes, in one workbook.

A chunk holds rows; the assembler puts them on sheets, in a zip file that is written from front to
back, so neither is ever whole in memory. Texts stand in their cells (inline strings): a table of
shared strings would have to be. Rows and cells say no position, which they need not (ECMA-376,
18.3.1.73 and 18.3.1.4), so rows can be written before it is known on which sheet they come.
"""

import zipfile
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import IO

from chatledger.formats import xlsx_parts as parts
from chatledger.formats.rows import (
    Cell,
    columns,
    conversation_cells,
    message_cells,
    spreadsheet_text,
)
from chatledger.formats.writer import PIECE_BYTES, Conversation, Options, Unframed, Writer, gathered
from chatledger.formats.xlsx_text import cut_short, escaped, split
from chatledger.timestamps import format_time

# What Excel opens: rows of a sheet, its header among them.
MAX_ROWS = 1_048_576
# A sheet of 2 GB or more needs a kind of zip (zip64) that Excel offers to repair.
MAX_SHEET_BYTES = 2**30
# A message of 300 KB takes ten cells; the columns are there before it is known who needs them.
MAX_MESSAGE_CELLS = 10
# Quick: level 6 takes four times as long for a fifth less.
_DEFLATE_LEVEL = 1
_ROW_END = b"</row>"
_EMPTY = "<c/>"
_DAY_ZERO = datetime(1899, 12, 30, tzinfo=UTC)
# Before it Excel's days are off by one (its 1900 is a leap year), or are none.
_FIRST_DATE = datetime(1900, 3, 1, tzinfo=UTC)
# Midnight after 9999-12-31, to which the last microseconds of that day are rounded.
_NO_DATE = 2_958_466
_DAY = timedelta(days=1)
# Excel keeps 15 digits of a number.
_EXACT = 10**15


@dataclass(frozen=True, slots=True)
class Rows(Unframed):
    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        end = "".join(map(_cell, conversation_cells(conversation, self.options)))
        place = columns(self.options).index("message")
        rows = message_cells(conversation, self.options)
        return gathered(_row(cells, place, end).encode() for cells in rows)


def writer(options: Options) -> Writer:
    return Rows(options)


def header(options: Options) -> tuple[str, ...]:
    """The columns, and at the end those in which a long message goes on."""
    more = (f"message_{number}" for number in range(2, MAX_MESSAGE_CELLS + 1))
    return (*columns(options), *more)


def _row(cells: tuple[Cell, ...], place: int, end: str) -> str:
    message, *more = split(str(cells[place]), MAX_MESSAGE_CELLS)
    written = map(_cell, (*cells[:place], message, *cells[place + 1 :]))
    return f"<row>{''.join(written)}{end}{''.join(map(_cell, more))}</row>"


def _cell(cell: Cell) -> str:
    if cell is None:
        return _EMPTY
    if isinstance(cell, str):
        return _text(cell)
    if isinstance(cell, datetime):
        return _date(cell)
    return f"<c><v>{cell!r}</v></c>" if -_EXACT < cell < _EXACT else _text(repr(cell))


def _text(text: str) -> str:
    inert = escaped(spreadsheet_text(cut_short(text)))
    return f'<c t="inlineStr"><is><t xml:space="preserve">{inert}</t></is></c>'


def _date(moment: datetime) -> str:
    """A date of Excel's, which knows no time zone: UTC, as all times here."""
    days = (moment - _DAY_ZERO) / _DAY
    if moment < _FIRST_DATE or days >= _NO_DATE:
        return _text(format_time(moment))
    return f'<c s="{parts.TIME_STYLE}"><v>{days!r}</v></c>'


class Workbook:
    """Puts rows on sheets, with a header on each; ``max_rows`` counts that too."""

    held = 0

    def __init__(
        self,
        header: Iterable[str],
        write: Callable[[bytes], object],
        max_rows: int = MAX_ROWS,
        max_bytes: int = MAX_SHEET_BYTES,
    ) -> None:
        names = tuple(header)
        self._head = parts.sheet_head(names)
        self._out = _Out(write)
        self._zip = zipfile.ZipFile(
            self._out, "w", zipfile.ZIP_DEFLATED, compresslevel=_DEFLATE_LEVEL
        )
        self._max_rows, self._max_bytes = max_rows, max_bytes
        self._rows = self._bytes = self._sheets = 0
        self._cut = bytearray()  # the beginning of a row
        self._sheet: _Sheet | None = None

    def add(self, data: bytes) -> None:
        self._cut += data
        whole = self._cut.rfind(_ROW_END) + len(_ROW_END)
        if whole < len(_ROW_END):
            return
        ready = bytes(self._cut[:whole])
        del self._cut[:whole]
        self._add_rows(ready)

    def end(self) -> None:
        if self._cut:
            raise ValueError("The last row does not end.")
        sheet = self._sheet or self._next_sheet()
        sheet.end()
        for name, data in parts.book_parts(self._sheets).items():
            with self._zip.open(name, "w") as part:
                part.write(data)
        self._zip.close()
        self._out.end()

    def _add_rows(self, rows: bytes) -> None:
        count = rows.count(_ROW_END)
        if self._fits(count, len(rows)):
            self._write(rows, count)
            return
        for row in rows.split(_ROW_END)[:-1]:
            self._write(row + _ROW_END, 1)

    def _fits(self, rows: int, size: int) -> bool:
        return self._rows + rows <= self._max_rows and self._bytes + size <= self._max_bytes

    def _write(self, rows: bytes, count: int) -> None:
        sheet = self._sheet
        if not sheet or not self._fits(count, len(rows)):
            if sheet:
                sheet.end()
            sheet = self._next_sheet()
        sheet.write(rows)
        self._rows += count
        self._bytes += len(rows)

    def _next_sheet(self) -> "_Sheet":
        self._sheets += 1
        self._sheet = _Sheet(self._zip.open(parts.sheet_name(self._sheets), "w"))
        self._sheet.write(self._head)
        self._rows, self._bytes = 1, len(self._head)
        return self._sheet


def assembler(options: Options, write: Callable[[bytes], object]) -> Workbook:
    return Workbook(header(options), write)


class _Sheet:
    """Compressed in pieces of one size, so that the bytes are the same however rows came."""

    def __init__(self, part: IO[bytes]) -> None:
        self._part = part
        self._held = bytearray()

    def write(self, data: bytes) -> None:
        self._held += data
        while len(self._held) >= PIECE_BYTES:
            self._part.write(bytes(self._held[:PIECE_BYTES]))
            del self._held[:PIECE_BYTES]

    def end(self) -> None:
        self._part.write(bytes(self._held) + parts.SHEET_END)
        self._part.close()


class _Out:
    """A file that is only written, from front to back: all that zipfile asks for."""

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._hand_on = write
        self._held = bytearray()

    def write(self, data: bytes) -> int:
        self._held += data
        if len(self._held) >= PIECE_BYTES:
            self.end()
        return len(data)

    def flush(self) -> None:
        """Nothing waits for it."""

    def close(self) -> None:
        """Nor is it closed: what it hands on to may go on."""

    def end(self) -> None:
        if self._held:
            self._hand_on(bytes(self._held))
            self._held.clear()
