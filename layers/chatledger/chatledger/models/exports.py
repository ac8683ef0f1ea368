"""The body of ``POST /exports``."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self, get_args

from pydantic import AfterValidator, BeforeValidator, ConfigDict, FailFast, Field, model_validator

from chatledger.errors import PayloadTooLarge
from chatledger.models.chats import Status
from chatledger.models.fields import (
    END_DATE,
    START_DATE,
    Date,
    Ids,
    JsonObject,
    SearchText,
    Short,
    Strict,
    Texts,
    as_list,
)
from chatledger.timestamps import Range, check_quarter_hours, parse_range

FormatName = Literal[
    "jsonl",
    "json",
    "csv",
    "xlsx",
    "parquet",
    "txt",
    "ml",
    "openai",
    "sharegpt",
    "alpaca",
    "uiuc",
    "anythingllm",
    "conversation_logs",
    "archive",
]
Dataset = Literal["conversations", "documents"]
Compression = Literal["none", "gzip", "zstd"]
FORMATS: tuple[str, ...] = get_args(FormatName)
# What is compressed inside, and opens no more when it is compressed again.
_COMPRESSED = ("xlsx", "parquet")
ALIASES = {"excel": "xlsx", "ml_training": "ml"}
# A job keeps its request in one item of the table.
MAX_REQUEST_BYTES = 200 * 1024
# A cursor names a slot for each of at most 256 shards.
MAX_CURSOR = 6000
LAST = "last"
# A conversation may come to match these later, and what it held before would never be exported.
_MAY_CHANGE = ("status", "contains", "ai_service")
_EXAMPLE: dict[str, Any] = {"format": "csv"}


def _format(value: str) -> str:
    """As people write it too: ``Excel``, ``ML Training``."""
    written = value.strip().lower().replace(" ", "_").replace("-", "_")
    name = ALIASES.get(written, written)
    if name in FORMATS:
        return name
    known = ", ".join(FORMATS)
    raise ValueError(f"{value[:32]!r} is not a format; use one of {known} (excel, ml_training).")


Format = Annotated[str, Field(json_schema_extra={"enum": list(FORMATS)}), AfterValidator(_format)]
Statuses = Annotated[list[Status], FailFast(), Field(max_length=1000), BeforeValidator(as_list)]


class ExportFilters(Strict):
    """Which conversations, whole: all that is named must hold, of a list's values one.

    An empty list asks nothing. One string stands for a list of it; a list has 1,000 at most.
    """

    conversation_id: Ids = Field(default=[], description="Only these conversations; at most 1,000.")
    user_id: Ids = Field(
        default=[], description="Those one of these users took part in; at most 1,000."
    )
    app_id: Ids = Field(
        default=[], description="Those of one of these applications; at most 1,000."
    )
    ai_service: Texts = Field(
        default=[], description="Those in which one of these AI services answered; at most 1,000."
    )
    status: Statuses = Field(default=[], description="Those whose status is one of these now.")
    from_source: Texts = Field(
        default=[], description="Those from one of these sources; at most 1,000."
    )
    min_messages: int = Field(
        default=1,
        ge=1,
        le=2**31,
        description="Those with at least so many messages between the dates; 1 if left out.",
    )
    contains: SearchText | None = Field(
        default=None,
        description="Those with this text in some message, upper or lower case; 1 to 1,000 "
        "characters.",
    )


class ExportRequest(Strict):
    """A slice of the ledger, and the file it becomes; at most 200 KB.

    Filters choose whole conversations, dates choose messages of them.
    """

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    format: Format = Field(
        "jsonl",
        description="jsonl: a conversation a line; json: the same in an array; csv: a message a "
        "row; xlsx (or excel): the same as a workbook; parquet: the same in typed columns, in as "
        "many files as it takes; txt: a transcript to read; ml (or "
        "ml_training): pairs of input and output with context, for training; openai, sharegpt: a "
        "conversation a line, alpaca: a pair a line, each as trainers read it; uiuc, anythingllm: "
        "as these programs export; conversation_logs: a question and its answer a message, as log "
        "files of Dify have them; archive: lossless, gzip, a message a line. jsonl if left out.",
    )
    start_date: Date | None = Field(None, description=START_DATE)
    end_date: Date | None = Field(None, description=END_DATE)
    since: Annotated[str, Field(min_length=1, max_length=MAX_CURSOR)] | None = Field(
        None,
        description='Only what was committed after an earlier export: its cursor, or "last" to go '
        "on where the last export of this name ended. Without gap or overlap, whatever the times "
        "of the messages. Not with dates, nor with filters whose answer can change later.",
    )
    name: Short | None = Field(
        None,
        description="What you call this export, kept with it; at most 1,000 characters. Exports "
        'with since "last" and the same name are a stream: each goes on after the one before.',
    )
    filters: ExportFilters = Field(
        ExportFilters(), description="Which conversations; all if left out."
    )
    anonymize: bool | None = Field(
        None,
        description="Whether names, addresses and user ids become pseudonyms, and what is personal "
        "in free text is redacted, as far as it is found (docs/privacy.md). Yes if left out; false "
        "exports all as it is. An archive is never anonymized; leave it out there.",
    )
    include_ip_addresses: bool = Field(
        False,
        description="Whether messages keep their ip_address; no if left out. An archive always "
        "has it.",
    )
    include_metadata: bool = Field(
        True,
        description="Whether to tell of the AI service (name, model, prompt, temperature, tokens, "
        "latency) and your own metadata; yes if left out. An archive always does.",
    )
    compression: Compression = Field(
        "none",
        description="Of the file; none if left out. An archive is always gzip, and xlsx and "
        "parquet are compressed inside: leave it out there.",
    )
    destination: Short | None = Field(
        None, description="Not available yet: a bucket of yours to write to."
    )
    dataset: Dataset = Field(
        "conversations",
        description="What is exported; conversations if left out. documents: a document a line, "
        'with its text, chunks and embeddings; only as jsonl, with "anonymize": false, chosen by '
        "app_id and by when they were first stored.",
    )
    training: JsonObject | None = Field(
        None, description="Not available yet: how to prepare training data."
    )
    clear: bool = Field(
        False,
        description="Whether to clear what was exported, once its archive is verified. The ends of "
        "its range lie on UTC quarter hours, as bare dates and ends such as 10:14:59 do.",
    )
    clear_on: Literal["verified", "acknowledged"] = Field(
        "verified",
        description="What a clear waits for: that its archive is verified, or that you also "
        "acknowledge it with the root hash of the manifest, within seven days.",
    )
    dry_run: bool = Field(
        False,
        description="Only count conversations, messages, bytes, and what would be cleared: 200, "
        "and no file.",
    )
    webhook_url: Short | None = Field(
        None, description="Not available yet: whom to tell when it is done."
    )

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @property
    def anonymizes(self) -> bool:
        """On by default, for every format but the lossless one."""
        return self.format != "archive" and self.anonymize is not False

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        within = self.within
        if self.clear:
            check_quarter_hours(within)
        for complaint in (*self._not_yet(), *self._contradictions()):
            raise ValueError(complaint)
        if len(self.model_dump_json().encode()) > MAX_REQUEST_BYTES:
            raise PayloadTooLarge(
                f"The request is above {MAX_REQUEST_BYTES // 1024} KB. "
                "Name fewer conversations in it and send several."
            )
        return self

    def _not_yet(self) -> Iterator[str]:
        for name in ("destination", "training", "webhook_url"):
            if getattr(self, name) is not None:
                yield f"{name} is not available yet; leave it out or send null."

    def _contradictions(self) -> Iterator[str]:
        if self.dataset == "documents":
            yield from self._documents_contradictions()
        if self.since is not None:
            yield from self._since_contradictions()
        if self.clear_on == "acknowledged" and not self.clear:
            yield 'clear_on says what a clear waits for; send "clear": true with it.'
        if self.format in _COMPRESSED and self.compression != "none":
            yield f"{self.format} is compressed inside already; leave compression out."
        if self.format == "archive":
            if self.anonymize:
                yield "an archive is lossless and never anonymized; leave anonymize out."
            if self.compression == "zstd":
                yield "an archive is always gzip; leave compression out."

    def _documents_contradictions(self) -> Iterator[str]:
        if self.format != "jsonl":
            yield "documents are exported as jsonl only; leave format out."
        if self.anonymize is not False:
            yield (
                "embeddings tell of the text that they were made of and cannot be anonymized; send "
                '"anonymize": false with documents.'
            )
        for name in ("clear", "since"):
            if getattr(self, name):
                yield f"{name} is about messages; leave it out for documents."
        if not self.include_metadata:
            yield "documents are exported whole; leave include_metadata out."
        if self.dry_run and self.compression != "none":
            yield "a dry run counts documents uncompressed; leave compression out."
        others = set(self.filters.model_dump(exclude_defaults=True)) - {"app_id"}
        for name in sorted(others):
            yield f"the filter {name} is about conversations; documents are chosen by app_id."

    def _since_contradictions(self) -> Iterator[str]:
        if self.since == LAST and not self.name:
            yield 'since "last" goes on after the last export of a name: send its name too.'
        if self.start_date or self.end_date:
            yield (
                "since already says from where; leave start_date and end_date out, or what they "
                "leave out would never be exported."
            )
        changing = [name for name in _MAY_CHANGE if getattr(self.filters, name)]
        if self.filters.min_messages > 1:
            changing.append("min_messages")
        for name in changing:
            yield (
                f"the filter {name} can change its answer later, so with since it would lose "
                "messages; leave it out, or export by dates."
            )
