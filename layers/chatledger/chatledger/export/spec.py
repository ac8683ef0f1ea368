"""What an export is asked to do, from its request as it was validated."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from chatledger.export.job import Home, Job
from chatledger.formats import FORMATS, Layout, Writer, assembler_for, writer_for
from chatledger.formats.compression import Compressed, compressor_for, file_name
from chatledger.formats.preview import preview_writer
from chatledger.formats.writer import Assembler, Options
from chatledger.models.exports import Dataset, ExportRequest
from chatledger.selection import Filters, Selection
from chatledger.timestamps import parse_range


@dataclass(frozen=True, slots=True)
class Spec:
    """``format`` and ``compression`` are names of ``FORMATS`` and ``COMPRESSIONS``.

    ``named``: the file's name, where it is not the usual one; ``pseudonyms_of``: the id that they
    are made under, where it is not the export's. Where ``clear`` is asked, an archive is written
    whatever the format; it is kept. ``is_shown``: written for a preview.
    """

    format: str
    compression: str
    selection: Selection
    options: Options
    clear: bool = False
    dataset: Dataset = "conversations"
    named: str | None = None
    pseudonyms_of: str | None = None
    is_shown: bool = False

    @property
    def is_of_documents(self) -> bool:
        return self.dataset == "documents"

    @property
    def is_archive(self) -> bool:
        return self.format == "archive"

    @property
    def writes_archive(self) -> bool:
        return self.is_archive or self.clear

    @property
    def home(self) -> Home:
        """Of the archive, if one is written."""
        return "archive" if self.clear else "exports"

    @property
    def media_type(self) -> str:
        """Of the file as it is stored: a compressed file is not what it holds."""
        if self.compression != "none":
            return f"application/{self.compression}"
        return FORMATS[self.format].media_type

    @property
    def layout(self) -> Layout:
        return FORMATS[self.format].layout

    @property
    def chunk_compression(self) -> str:
        """What an assembled file is made of lies compressed till then, whatever the file is."""
        return "gzip" if self.layout == "assembled" else self.compression

    def writer(self) -> Writer:
        make = preview_writer if self.is_shown else writer_for
        return make(self.format, self.options)

    def assembler(self, write: Callable[[bytes], object]) -> Assembler:
        return assembler_for(self.format, self.options, write)

    def chunk(self, compression: str, write: Callable[[bytes], object]) -> Assembler:
        """What a chunk is made by: a file of its own, or a compressed piece of one."""
        if self.layout == "each" and not self.is_shown:
            return self.assembler(write)
        return Compressed(compressor_for(compression), write)

    def file_name(self, date: str, number: int = 1) -> str:
        """``number``: of the file, where there may be several."""
        title = "documents_export" if self.is_of_documents else "ai_conversations_export"
        return self.named or file_name(self.format, self.compression, date, number, title)


def spec_of(request: ExportRequest, asked_at: datetime | None = None) -> Spec:
    """Raises ``InvalidDateRange``."""
    asked = request.filters
    filters = Filters(
        conversation_id=frozenset(asked.conversation_id),
        user_id=frozenset(asked.user_id),
        app_id=frozenset(asked.app_id),
        ai_service=frozenset(asked.ai_service),
        status=frozenset(asked.status),
        from_source=frozenset(asked.from_source),
        min_messages=asked.min_messages,
        contains=asked.contains,
    )
    within = parse_range(request.start_date, request.end_date)
    options = Options(
        request.include_ip_addresses, request.include_metadata, request.anonymizes, asked_at
    )
    selection = Selection(within, filters)
    return Spec(
        request.format, request.compression, selection, options, request.clear, request.dataset
    )


def spec_of_job(job: Job) -> Spec:
    spec = spec_of(ExportRequest.model_validate(job.request), job.created_at)
    return replace(spec, named=job.file_name, pseudonyms_of=job.pseudonyms_of or job.export_id)
