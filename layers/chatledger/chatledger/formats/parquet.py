"""Parquet: a row per message in typed columns, in as many files as there are chunks.

What writes a file (arro3) takes all its rows at once, so until its end they wait in memory,
compressed: lines of JSON, an array each. The columns are those of CSV, with the same names in the
same order, and every file of an export has all of them. Texts are as they were said: nothing here
runs a formula.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import IO, Any, cast

import msgspec
from arro3.core import Array, DataType, Field, RecordBatch, RecordBatchReader, Schema
from arro3.io import write_parquet

from chatledger.formats.compression import compressor_for, gunzipped
from chatledger.formats.rows import Cell, columns, conversation_cells, message_cells
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered
from chatledger.timestamps import microseconds

# What DuckDB and others read at once. Of so many rows the writer holds the compressed pages.
_ROWS_OF_A_GROUP = 100_000
_COMPRESSION = "zstd(3)"  # every reader of today knows it, and it halves what snappy leaves
_TEXT, _WHOLE, _NUMBER = DataType.string(), DataType.int64(), DataType.float64()
_TIME = DataType.timestamp("ms", tz="UTC")
# What is not text, and what is no number of its kind in JSON's eyes.
_TYPES = {
    "timestamp": _TIME,
    "sequence_number": _WHOLE,
    "message_tokens": _WHOLE,
    "answer_tokens": _WHOLE,
    "provider_response_latency": _NUMBER,
    "conversation_temperature": _NUMBER,
}
_RECORD_BATCH: Any = RecordBatch  # its types are not all known
_JSON = msgspec.json.Encoder()
_ROWS: msgspec.json.Decoder[list[Any]] = msgspec.json.Decoder(list[Any])


@dataclass(frozen=True, slots=True)
class Rows(Unframed):
    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        end = b"," + _JSON.encode(conversation_cells(conversation, self.options))[1:] + b"\n"
        rows = message_cells(conversation, self.options)
        return gathered(_JSON.encode([_plain(cell) for cell in row])[:-1] + end for row in rows)


def writer(options: Options) -> Writer:
    return Rows(options)


def types(options: Options) -> dict[str, DataType]:
    """Column → its type; any of them may be null."""
    return {name: _TYPES.get(name, _TEXT) for name in columns(options)}


class File:
    """A file that is made at its end, of rows that wait compressed till then."""

    def __init__(self, options: Options, write: Callable[[bytes], object]) -> None:
        self._types = types(options)
        fields = [Field(name, kind, nullable=True) for name, kind in self._types.items()]
        self._schema = Schema(fields)
        self._out = _Out(write)
        self._rows = compressor_for("gzip")
        self._waiting = deque[bytes]()
        self.held = 0

    def add(self, data: bytes) -> None:
        self._wait(self._rows.compress(data))

    def end(self) -> None:
        self._wait(self._rows.finish())
        reader = RecordBatchReader.from_batches(self._schema, self._batches())
        out = cast("IO[bytes]", self._out)
        write_parquet(reader, out, compression=_COMPRESSION, max_row_group_size=_ROWS_OF_A_GROUP)
        self._out.end()

    def _wait(self, data: bytes) -> None:
        self._waiting.append(data)
        self.held += len(data)

    def _batches(self) -> Iterator[RecordBatch]:
        for lines in _whole_lines(gunzipped(_taken(self._waiting))):
            cells: Iterable[tuple[Any, ...]] = zip(*_ROWS.decode_lines(lines), strict=True)
            arrays = map(_array, cells, self._types.values())
            yield _RECORD_BATCH.from_arrays(list(arrays), schema=self._schema)


def assembler(options: Options, write: Callable[[bytes], object]) -> File:
    return File(options, write)


def _plain(cell: Cell) -> str | float | None:
    """Times as whole milliseconds since 1970."""
    return microseconds(cell) // 1000 if isinstance(cell, datetime) else cell


def _array(cells: Iterable[Any], kind: DataType) -> Array:
    if kind == _TEXT:
        # A feedback may be a number: written as CSV does.
        return Array([c if c is None or type(c) is str else repr(c) for c in cells], _TEXT)
    if kind == _TIME:
        return Array(list(cells), _WHOLE).cast(_TIME)
    return Array(list(cells), kind)


def _taken(waiting: deque[bytes]) -> Iterator[bytes]:
    """Each once, and out of memory then."""
    while waiting:
        yield waiting.popleft()


def _whole_lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    cut = bytearray()
    for piece in pieces:
        cut += piece
        whole = cut.rfind(b"\n") + 1
        if whole:
            yield bytes(cut[:whole])
            del cut[:whole]


class _Out:
    """A file that is only written. arro3 asks for ``seek``, but does not use it.

    An error would be a panic there, so it waits until arro3 is done.
    """

    def __init__(self, write: Callable[[bytes], object]) -> None:
        self._hand_on = write
        self._error: BaseException | None = None

    def write(self, data: bytes) -> int:
        if not self._error:
            try:
                self._hand_on(bytes(data))
            except BaseException as error:
                self._error = error
        return len(data)

    def flush(self) -> None:
        """Nothing waits for it."""

    def seek(self, offset: int, whence: int = 0) -> int:
        raise NotImplementedError

    def end(self) -> None:
        if self._error:
            raise self._error
