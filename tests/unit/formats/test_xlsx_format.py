"""XLSX: two independent readers find what CSV says, whatever was said and wherever it is cut."""

import csv
import io
import re
import tracemalloc
import zipfile
from collections.abc import Iterator
from datetime import UTC, datetime
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given, settings
from python_calamine import CalamineWorkbook

from chatledger.formats import Options, writer_for
from chatledger.formats.rows import columns
from chatledger.formats.writer import Conversation
from chatledger.formats.xlsx import MAX_MESSAGE_CELLS, Workbook, header
from chatledger.formats.xlsx_text import MAX_UNITS, cut_short, escaped, split
from chatledger.ledger.heads import Head
from chatledger.timestamps import parse_time
from tests.unit.formats.samples import (
    NASTY,
    Many,
    conversation,
    conversations,
    message,
    texts,
    written,
)

# Neither says its types.
OPENPYXL: Any = import_module("openpyxl")
DATASET: Any = import_module("chitchat_dataset").Dataset

ALL = Options(include_ip_addresses=True)
HEADER = header(ALL)
FORMULAS = ("=1+1", "+1", "-1", "@SUM(A1)", "'quoted", "\ttab", "\rreturn")


def book(*chats: Conversation, piece: int = 2**20, **limits: int) -> bytes:
    """The workbook, its rows handed on in pieces of so many bytes."""
    out = list[bytes]()
    workbook = Workbook(HEADER, out.append, **limits)
    writer = writer_for("xlsx", ALL)
    rows = b"".join(data for chat in chats for data in writer.conversation(chat))
    for start in range(0, len(rows), piece):
        workbook.add(rows[start : start + piece])
    workbook.end()
    return b"".join(out)


def by_calamine(data: bytes) -> list[list[list[Any]]]:
    read = CalamineWorkbook.from_filelike(io.BytesIO(data))
    sheets = [read.get_sheet_by_name(name).to_python() for name in read.sheet_names]
    return [[[*row, *[""] * (len(HEADER) - len(row))] for row in sheet] for sheet in sheets]


def by_openpyxl(data: bytes) -> list[list[list[Any]]]:
    """This reader leaves the codes of control characters to its caller."""
    read = OPENPYXL.load_workbook(io.BytesIO(data))
    sheets = [[list(row) for row in sheet.iter_rows(values_only=True)] for sheet in read]
    return [[[decoded(cell) for cell in row] for row in sheet] for sheet in sheets]


def decoded(cell: Any) -> Any:
    if not isinstance(cell, str):
        return "" if cell is None else cell
    return re.sub(r"_x([0-9A-Fa-f]{4})_", lambda code: chr(int(code[1], 16)), cell)


READERS = pytest.mark.parametrize("read", [by_calamine, by_openpyxl])


def as_csv_has_them(rows: list[list[Any]], names: tuple[str, ...]) -> Iterator[list[str]]:
    """Cells as CSV writes them, with a message that goes on in one piece."""
    place, more = names.index("message"), len(columns(ALL))
    for row in rows:
        rest = [text.removeprefix("'") for text in row[more:]]
        whole = [*row[:place], row[place] + "".join(rest), *row[place + 1 : more]]
        yield [_as_csv(cell) for cell in whole]


def _as_csv(cell: Any) -> str:
    if isinstance(cell, datetime):
        return f"{cell.replace(tzinfo=UTC):%Y-%m-%dT%H:%M:%S.%f}"[:23]
    if isinstance(cell, float | int):
        return f"{float(cell):.9g}"
    return cell


def csv_rows(*chats: Conversation) -> list[list[str]]:
    text = written("csv", *chats, options=ALL).decode()
    time = columns(ALL).index("timestamp")
    rows = list(csv.reader(io.StringIO(text, newline="")))[1:]
    for row in rows:
        row[time] = _as_csv(parse_time(row[time]))
        row[:] = [_number(cell) for cell in row]
    return rows


def _number(cell: str) -> str:
    return _as_csv(float(cell)) if re.fullmatch(r"\d+(\.\d+)?", cell) else cell


@READERS
def test_what_breaks_formats_comes_back(read: Any) -> None:
    said = [message(number, content=text) for number, text in enumerate(NASTY)]
    (rows,) = read(book(conversation(said, {"title": "Nasty"})))
    assert tuple(rows[0]) == HEADER
    found = [row[HEADER.index("message")] for row in rows[1:]]
    starts = ("=", "+", "-", "@", "'", "\t", "\r")
    expected = [f"'{text}" if text.startswith(starts) else text for text in NASTY]
    assert found == expected


@READERS
@pytest.mark.parametrize("text", FORMULAS)
def test_a_formula_is_inert_in_every_cell_that_callers_fill(read: Any, text: str) -> None:
    """And in CSV, column by column."""
    said = message(
        0,
        id=text,
        conversation_id=text,
        role="tool",
        content=text,
        user_id=text,
        ai_service=text,
        model=text,
        reply_to=text,
        feedback=text,
        ip_address=text,
    )
    names = ("title", "user_id", "app_id", "user_email", "user_name", "from_source", "folder_id")
    about = dict.fromkeys((*names, "status", "model", "prompt"), text)
    chat = conversation([said], about, text)
    (_, row), *_ = read(book(chat))
    filled = dict(zip(HEADER, row, strict=True))
    left = {name for name, cell in filled.items() if cell == f"'{text}"}
    other = {"timestamp", "sender_type", "sequence_number", "contexts", "conversation_temperature"}
    other |= {"message_tokens", "answer_tokens", "provider_response_latency", "metadata"}
    other |= {"conversation_metadata"}
    assert left == set(columns(ALL)) - other
    (row,) = csv_rows(chat)
    in_csv = zip(columns(ALL), row, strict=True)
    assert {name for name, cell in in_csv if cell == f"'{text}"} == left


@settings(max_examples=60, deadline=None)
@given(conversations)
def test_no_cell_is_a_formula_and_the_package_is_sound(chat: Conversation) -> None:
    data = book(chat)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    read = OPENPYXL.load_workbook(io.BytesIO(data))
    for row in read.worksheets[0].iter_rows():
        for cell in row:
            assert cell.data_type != "f"
            assert not str(cell.value).startswith(("=", "+", "@")) or cell.data_type == "n"
    assert len(by_calamine(data)[0]) == 1 + len(list(chat.messages))


@settings(max_examples=300, deadline=None)
@given(texts)
def test_codes_are_undone_by_a_reader(text: str) -> None:
    data = escaped(text).replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    assert decoded(data) == text


@pytest.mark.parametrize("text", ["_x0041_", "_x0041\x01", "_x0041_x0042_", "__x00e9_", "\x01_"])
def test_what_looks_like_a_code_is_none(text: str) -> None:
    assert decoded(escaped(text)) == text
    ((_, row),) = by_calamine(book(conversation([message(0, content=text)])))
    assert row[HEADER.index("message")] == text


@READERS
@pytest.mark.parametrize("text", ["x" * 307_200, "=" * MAX_UNITS + "=1", "a" + "😀" * 40_000])
def test_a_long_message_goes_on_in_further_columns(read: Any, text: str) -> None:
    ((names, row),) = read(book(conversation([message(0, content=text)])))
    rows = as_csv_has_them([row], HEADER)
    first = row[HEADER.index("message")]
    assert all(len(str(cell).encode("utf-16-le")) // 2 <= 32_767 for cell in row)
    assert first.startswith("'") == text.startswith("=")
    assert names[-1] == f"message_{MAX_MESSAGE_CELLS}"
    assert next(rows)[HEADER.index("message")].removeprefix("'") == text


def test_splits_lose_nothing_and_long_cells_say_that_they_were_cut() -> None:
    for text in ("", "short", "é" * MAX_UNITS, "é" * (MAX_UNITS + 1), "a" + "😀" * MAX_UNITS):
        assert "".join(split(text, 10)) == text
    assert len(split("x" * MAX_UNITS, 10)) == 1
    assert len(split("x" * (MAX_UNITS + 1), 10)) == 2
    assert len(split("x" * MAX_UNITS * 20, 10)) == 10
    assert cut_short("x" * MAX_UNITS) == "x" * MAX_UNITS
    assert cut_short("x" * 40_000).endswith("x … [cut: 40000 characters]")
    assert len(cut_short("😀" * 20_000).encode("utf-16-le")) // 2 <= MAX_UNITS


@READERS
def test_sheets_split_at_the_limit_and_each_has_the_header(read: Any) -> None:
    chat = conversation([message(number) for number in range(11)])
    sheets = read(book(chat, max_rows=5))
    assert [len(sheet) for sheet in sheets] == [5, 5, 4]
    assert all(tuple(sheet[0]) == HEADER for sheet in sheets)
    said = [row[HEADER.index("message")] for sheet in sheets for row in sheet[1:]]
    assert said == [f"text {number}" for number in range(11)]
    assert [len(sheet) for sheet in read(book(chat, max_rows=12))] == [12]
    assert [len(sheet) for sheet in read(book(chat, max_bytes=1))] == [2] * 11


@READERS
def test_an_export_of_nothing_has_a_header(read: Any) -> None:
    assert [tuple(row) for row in read(book())[0]] == [HEADER]


@pytest.mark.parametrize("piece", [1, 7, 1000])
def test_bytes_do_not_depend_on_where_rows_are_cut(piece: int) -> None:
    chat = conversation([message(number) for number in range(40)])
    assert book(chat, piece=piece, max_rows=9) == book(chat, max_rows=9)


@READERS
def test_times_are_dates_to_the_millisecond_and_text_before_1900(read: Any) -> None:
    times = [datetime(2026, 11, 28, 23, 59, 59, 999_000, UTC), datetime(1850, 1, 1, tzinfo=UTC)]
    said = [message(number, timestamp=time) for number, time in enumerate(times)]
    ((_, *rows),) = read(book(conversation(said)))
    late, early = (row[HEADER.index("timestamp")] for row in rows)
    assert abs((late.replace(tzinfo=UTC) - times[0]).total_seconds()) < 0.001
    assert early == "1850-01-01T00:00:00Z"


@READERS
def test_the_last_microseconds_that_there_are_are_no_error(read: Any) -> None:
    """Rounded, they are a day that Excel does not have."""
    said = message(timestamp=datetime(9999, 12, 31, 23, 59, 59, 999_999, UTC))
    ((_, row),) = read(book(conversation([said])))
    assert row[HEADER.index("timestamp")] == "9999-12-31T23:59:59.999999Z"


@READERS
def test_readers_agree_with_csv_on_real_conversations(read: Any) -> None:
    chats = list(real(40))
    (rows,) = read(book(*chats))
    assert list(as_csv_has_them(rows[1:], HEADER)) == csv_rows(*chats)


def real(count: int) -> Iterator[Conversation]:
    """Every so many-th conversation of the data set."""
    every: list[tuple[str, Any]] = list(DATASET().items())
    for conversation_id, chat in every[:: len(every) // count]:
        turns = [said for turn in chat["messages"] for said in turn]
        said = [
            message(number, content=each["text"], user_id=each["sender"])
            for number, each in enumerate(turns)
        ]
        yield Conversation(Head(conversation_id, "2018-01-01", "2018-12-31", {}), said)


def test_a_workbook_of_100_000_messages_stays_small_in_memory() -> None:
    head = Head("conv-1", "2024-01-15", "2024-03-25", {"title": "Long"})
    size = 0

    def count(data: bytes) -> None:
        nonlocal size
        size += len(data)

    tracemalloc.start()
    try:
        workbook = Workbook(HEADER, count, max_rows=60_000)
        for piece in writer_for("xlsx", ALL).conversation(Conversation(head, Many(100_000))):
            workbook.add(piece)
        workbook.end()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert size > 1_000_000
    assert peak < 4 * 2**20


def test_a_row_that_does_not_end_is_an_error() -> None:
    workbook = Workbook(HEADER, lambda _: None)
    workbook.add(b"<row><c/>")
    with pytest.raises(ValueError, match="does not end"):
        workbook.end()
