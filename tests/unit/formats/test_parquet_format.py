"""Parquet: two independent readers find what CSV says, in typed columns, in as many files."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from chatledger.export import chunk
from chatledger.export.chunk import FileWriter
from chatledger.formats import Options, assembler_for, writer_for
from chatledger.formats.rows import columns
from chatledger.formats.writer import Conversation
from chatledger.ledger.heads import Head
from chatledger.timestamps import parse_time
from tests.unit.formats.samples import (
    NASTY,
    Many,
    conversation,
    conversations,
    message,
    written,
)

ROOT = Path(__file__).resolve().parents[3]
# They do not say their types.
PYARROW: Any = import_module("pyarrow.parquet")
DUCKDB: Any = import_module("duckdb")
DATASET: Any = import_module("chitchat_dataset").Dataset

ALL = Options(include_ip_addresses=True)
HEADER = columns(ALL)
NUMBERS = {
    "sequence_number": "int64",
    "message_tokens": "int64",
    "answer_tokens": "int64",
    "provider_response_latency": "double",
    "conversation_temperature": "double",
}
TYPES = {name: NUMBERS.get(name, "string") for name in HEADER} | {
    "timestamp": "timestamp[ms, tz=UTC]"
}
Row = dict[str, Any]


class Kept(list[bytes]):
    """A sink that keeps what it is given."""

    @property
    def size(self) -> int:
        return sum(map(len, self))

    def write(self, data: bytes) -> None:
        self.append(data)

    @property
    def file(self) -> bytes:
        return b"".join(self)


def files(*chats: Conversation, options: Options = ALL) -> list[bytes]:
    """Those of one chunk."""
    begin = partial(assembler_for, "parquet", options)
    writer = FileWriter(writer_for("parquet", options), Kept, begin)
    for chat in chats:
        writer.add(chat, 1)
    writer.end()
    return [sink.file for sink in writer.sinks if isinstance(sink, Kept)]


def by_pyarrow(data: bytes) -> list[Row]:
    return PYARROW.read_table(io.BytesIO(data)).to_pylist()


def by_duckdb(data: bytes, folder: Path) -> list[Row]:
    path = folder / "read.parquet"
    path.write_bytes(data)
    with DUCKDB.connect() as database:
        database.execute("SET TimeZone = 'UTC'")
        # The client asks for a package of time zones, unless times come as numbers.
        found = database.execute(
            f"SELECT * REPLACE (epoch_ms(timestamp) AS timestamp) FROM '{path}'"  # noqa: S608
        )
        names = [each[0] for each in found.description]
        rows = [dict(zip(names, row, strict=True)) for row in found.fetchall()]
    for row in rows:
        row["timestamp"] = datetime.fromtimestamp(row["timestamp"] / 1000, UTC)
    return rows


def as_csv_has_it(row: Row) -> dict[str, str]:
    return {name: _as_csv(cell) for name, cell in row.items()}


def _as_csv(cell: Any) -> str:
    if cell is None:
        return ""
    if isinstance(cell, datetime):
        return f"{cell:%Y-%m-%dT%H:%M:%S.%f}"[:23]
    return cell if isinstance(cell, str) else f"{float(cell):.12g}"


def csv_rows(*chats: Conversation) -> Iterator[dict[str, str]]:
    text = written("csv", *chats, options=ALL).decode()
    for row in csv.DictReader(io.StringIO(text, newline="")):
        inert = {name: cell.removeprefix("'") for name, cell in row.items()}
        numbers = {name: _as_csv(float(row[name])) for name in NUMBERS if row[name]}
        yield inert | numbers | {"timestamp": _as_csv(parse_time(row["timestamp"]))}


def real(count: int) -> Iterator[Conversation]:
    """Every so many-th conversation of the data set, with an answer's figures here and there."""
    every: list[tuple[str, Any]] = list(DATASET().items())
    for conversation_id, chat in every[:: len(every) // count]:
        turns = [said for turn in chat["messages"] for said in turn]
        figures = {"message_tokens": 12, "provider_response_latency": 0.25, "model": {"id": "m"}}
        said = [
            message(
                number,
                content=each["text"],
                user_id=each["sender"],
                timestamp=parse_time(each["timestamp"]),
                **(figures if number % 3 else {}),
            )
            for number, each in enumerate(turns)
        ]
        about = {"title": "Chat, real", "temperature": 1, "metadata": {"lang": "en"}}
        yield Conversation(Head(conversation_id, "2018-01-01", "2018-12-31", about), said)


def test_both_readers_agree_with_csv_on_real_conversations(tmp_path: Path) -> None:
    chats = list(real(60))
    (data,) = files(*chats)
    expected = list(csv_rows(*chats))
    assert len(expected) > 1000
    assert list(map(as_csv_has_it, by_pyarrow(data))) == expected
    assert list(map(as_csv_has_it, by_duckdb(data, tmp_path))) == expected


@settings(max_examples=40, deadline=None)
@given(conversations)
def test_any_conversation_comes_back(chat: Conversation) -> None:
    (data,) = files(chat)
    rows = by_pyarrow(data)
    said = list(chat.messages)
    assert [row["message"] for row in rows] == [each.content for each in said]
    assert [row["ip_address"] for row in rows] == [each.ip_address for each in said]
    assert [row["answer_tokens"] for row in rows] == [each.answer_tokens for each in said]
    for row, each in zip(rows, said, strict=True):
        late = each.timestamp - row["timestamp"].replace(tzinfo=UTC)
        assert 0 <= late.total_seconds() < 0.001
        latency = each.provider_response_latency
        assert row["provider_response_latency"] == (None if latency is None else float(latency))
        assert row["contexts"] is None or json.loads(row["contexts"]) == each.contexts


def test_what_breaks_formats_comes_back_without_a_quote(tmp_path: Path) -> None:
    (data,) = files(conversation([message(n, content=text) for n, text in enumerate(NASTY)]))
    assert [row["message"] for row in by_pyarrow(data)] == list(NASTY)
    assert [row["message"] for row in by_duckdb(data, tmp_path)] == list(NASTY)


@pytest.mark.parametrize(
    ("feedback", "cell"),
    [("like", "like"), (None, None), (1, "1"), (0.5, "0.5"), (True, "true"), ({"a": 1}, '{"a":1}')],
)
def test_what_may_be_anything_is_text(feedback: Any, cell: str | None) -> None:
    (data,) = files(conversation([message(0, feedback=feedback)]))
    assert by_pyarrow(data)[0]["feedback"] == cell


@pytest.mark.parametrize(
    "options", [ALL, Options(), Options(include_metadata=False)], ids=["all", "usual", "least"]
)
def test_columns_are_typed_and_the_same_with_and_without_rows(options: Options) -> None:
    (data,) = files(conversation([message(0)]), options=options)
    nothing = Kept()
    assembler_for("parquet", options, nothing.write).end()
    for file in (data, nothing.file):
        schema = PYARROW.read_schema(io.BytesIO(file))
        expected = {name: TYPES[name] for name in columns(options)}
        assert {field.name: str(field.type) for field in schema} == expected
        assert all(field.nullable for field in schema)
    assert by_pyarrow(nothing.file) == []


def test_a_long_conversation_is_one_file() -> None:
    many, head = Many(100_000), Head("conv-1", "2024-01-15", "2024-03-25", {"title": "Long"})
    (data,) = files(Conversation(head, many))
    assert many.passes == 1
    table = PYARROW.read_table(io.BytesIO(data), columns=["sequence_number"])
    assert table["sequence_number"].to_pylist() == list(range(1, 100_001))


def test_one_too_long_for_a_file_goes_on_in_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(chunk, "HELD_BYTES", 20_000)
    head = Head("conv-1", "2024-01-15", "2024-03-25", {"title": "Long"})
    found = files(conversation([message(0)]), Conversation(head, Many(20_000)))
    assert len(found) > 2
    numbers = [row["sequence_number"] for data in found for row in by_pyarrow(data)]
    assert numbers == [1, *range(1, 20_001)]
    assert len({str(PYARROW.read_schema(io.BytesIO(data))) for data in found}) == 1


def test_the_same_rows_are_the_same_bytes_wherever_they_are_cut() -> None:
    chat = conversation([message(number) for number in range(50)])
    rows = b"".join(writer_for("parquet", ALL).conversation(chat))
    found = set[bytes]()
    for piece in (1, 7, len(rows)):
        kept = Kept()
        assembler = assembler_for("parquet", ALL, kept.write)
        for start in range(0, len(rows), piece):
            assembler.add(rows[start : start + piece])
        assembler.end()
        found.add(kept.file)
    assert len(found) == 1


class Refused(BaseException):
    """Of the storage below."""


def test_a_write_that_fails_fails_as_itself(capfd: pytest.CaptureFixture[str]) -> None:
    """And nothing is written after it."""
    asked = list[int]()

    def refuse(data: bytes) -> None:
        asked.append(len(data))
        raise Refused

    assembler = assembler_for("parquet", ALL, refuse)
    for piece in writer_for("parquet", ALL).conversation(conversation(list(Many(30_000)))):
        assembler.add(piece)
    with pytest.raises(Refused):
        assembler.end()
    assert len(asked) == 1
    assert not capfd.readouterr().err


FULL = """
import os, resource
from pathlib import Path
from chatledger.api import app
from chatledger.export.chunk import HELD_BYTES
from chatledger.formats import Options, assembler_for, writer_for
from tests.unit.formats.samples import Many, conversation, message

def large():
    while True:  # hardly to be compressed
        yield conversation([message(0, content=os.urandom(150_000).hex())])

writer = writer_for("parquet", Options())
for chats in ([conversation(Many(100_000))], large()):
    assembler = assembler_for("parquet", Options(), len)
    for chat in chats:
        for piece in writer.conversation(chat):
            assembler.add(piece)
        if assembler.held >= HELD_BYTES:
            break
    assembler.end()
# Of a process that another one started, Linux tells its own peak here alone.
status = Path("/proc/self/status")
lines = status.read_text().splitlines() if status.exists() else []
peak = [int(each.split()[1]) for each in lines if "VmHWM" in each]
print(*(peak or [resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024]))
"""


def in_another_process(code: str) -> str:
    paths = f"{ROOT}:{ROOT / 'layers/chatledger'}"
    environment = {**os.environ, "PYTHONPATH": paths}
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True
    )
    return done.stdout


def test_the_fullest_file_fits_a_function() -> None:
    assert int(in_another_process(FULL)) // 1024 < 150


HANDLERS = """
import importlib, sys
from pathlib import Path
for path in sorted(Path("functions").glob("*/app.py")):
    importlib.import_module(f"functions.{path.parent.name}.app")
print(sorted(name for name in sys.modules if name.startswith("arro3")))
"""


def test_no_function_loads_what_it_may_not_need(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    assert in_another_process(HANDLERS) == "[]\n"
