"""The formats of a file: what each is called, and who writes it.

A new format is a module here with a function ``writer(options)``, and a line in ``FORMATS``.
"""

import importlib
from dataclasses import dataclass

from chatledger.formats.writer import Options, Writer

__all__ = ["ALIASES", "FORMATS", "Format", "Options", "Writer", "writer_for"]


@dataclass(frozen=True, slots=True)
class Format:
    """``module`` is in this package; ``extension`` has no leading dot."""

    name: str
    module: str
    extension: str
    media_type: str

    @property
    def is_compressed(self) -> bool:
        """Whether its files are gzip whatever compression is asked for."""
        return self.extension.endswith(".gz")


FORMATS = {
    each.name: each
    for each in (
        Format("jsonl", "jsonl", "jsonl", "application/x-ndjson"),
        Format("json", "json", "json", "application/json"),
        Format("csv", "csv", "csv", "text/csv; charset=utf-8"),
        Format("txt", "txt", "txt", "text/plain; charset=utf-8"),
        Format("archive", "archive", "jsonl.gz", "application/gzip"),
    )
}

# Other names of formats, among them some that are still to come.
ALIASES = {"excel": "xlsx", "ml_training": "ml"}


def writer_for(name: str, options: Options) -> Writer:
    """The writer of a format in ``FORMATS``; its module is only loaded here, where it is used."""
    module = importlib.import_module(f"{__name__}.{FORMATS[name].module}")
    return module.writer(options)
