"""The formats of a file: what each is called, who writes it, and how chunks become its files.

A new format is a module here with a function ``writer(options)``, and a line in ``FORMATS``.
"""

import importlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

from chatledger.formats.writer import Assembler, Options, Writer

__all__ = [
    "FORMATS",
    "Format",
    "Layout",
    "Options",
    "Shows",
    "Writer",
    "assembler_for",
    "writer_for",
]

# joined: chunks are pieces of one file, with what stands between them; assembled: one file is
# made of what the chunks hold; each: a chunk is a file by itself. For the last two the module has a
# function ``assembler`` too.
Layout = Literal["joined", "assembled", "each"]
# What a conversation is in the file, as a preview shows it.
Shows = Literal["object", "records", "rows", "text"]


@dataclass(frozen=True, slots=True)
class Format:
    """``module`` is in this package; ``extension`` has no leading dot."""

    name: str
    module: str
    extension: str
    media_type: str
    shows: Shows
    layout: Layout = "joined"

    @property
    def is_compressed(self) -> bool:
        """Whether its files are compressed whatever is asked for."""
        return self.layout != "joined" or self.extension.endswith(".gz")


_XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_PARQUET = "application/vnd.apache.parquet"

FORMATS = {
    each.name: each
    for each in (
        Format("jsonl", "jsonl", "jsonl", "application/x-ndjson", "object"),
        Format("json", "json", "json", "application/json", "object"),
        Format("csv", "csv", "csv", "text/csv; charset=utf-8", "rows"),
        Format("txt", "txt", "txt", "text/plain; charset=utf-8", "text"),
        Format("ml", "ml", "json", "application/json", "records"),
        Format("openai", "openai", "jsonl", "application/x-ndjson", "object"),
        Format("sharegpt", "sharegpt", "jsonl", "application/x-ndjson", "object"),
        Format("alpaca", "alpaca", "jsonl", "application/x-ndjson", "records"),
        Format("uiuc", "uiuc", "jsonl", "application/x-ndjson", "object"),
        Format("anythingllm", "anythingllm", "json", "application/json", "records"),
        Format("conversation_logs", "conversation_logs", "json", "application/json", "object"),
        Format("xlsx", "xlsx", "xlsx", _XLSX, "rows", "assembled"),
        Format("parquet", "parquet", "parquet", _PARQUET, "rows", "each"),
        Format("archive", "archive", "jsonl.gz", "application/gzip", "records"),
    )
}


def writer_for(name: str, options: Options) -> Writer:
    """The writer of a format in ``FORMATS``; its module is only loaded here, where it is used."""
    module = importlib.import_module(f"{__name__}.{FORMATS[name].module}")
    return module.writer(options)


def assembler_for(name: str, options: Options, write: Callable[[bytes], object]) -> Assembler:
    """What makes a file of a format whose layout is not ``joined``, and writes it there."""
    module = importlib.import_module(f"{__name__}.{FORMATS[name].module}")
    return module.assembler(options, write)
