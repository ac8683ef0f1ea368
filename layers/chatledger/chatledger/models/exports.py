"""The body of ``POST /exports``."""

from collections.abc import Iterator
from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, ConfigDict, Field, model_validator

from chatledger.errors import PayloadTooLarge
from chatledger.models.fields import Ids, JsonObject, Short, Strict, Texts
from chatledger.timestamps import Range, parse_range

FORMATS = ("jsonl", "json", "csv", "txt", "archive")
_LATER = ("xlsx", "parquet", "ml", "openai", "sharegpt", "alpaca", "uiuc", "anythingllm")
_ALIASES = {"excel": "xlsx", "ml_training": "ml"}
# A job keeps its request in one item of the table.
MAX_REQUEST_BYTES = 200 * 1024
_EXAMPLE: dict[str, Any] = {
    "format": "csv",
    "start_date": "2026-10-01",
    "end_date": "2026-10-31",
    "anonymize": False,
}


def _format(value: str) -> str:
    name = _ALIASES.get(value, value)
    if name in FORMATS:
        return name
    what = "is not available yet" if name in _LATER else "is not a format"
    raise ValueError(f"{value[:32]!r} {what}; use one of {', '.join(FORMATS)}.")


class ExportFilters(Strict):
    """Which conversations; an empty list asks nothing. One string stands for a list of it."""

    conversation_id: Ids = Field(default=[])
    user_id: Ids = Field(default=[])
    app_id: Ids = Field(default=[])
    ai_service: Texts = Field(default=[])
    status: Texts = Field(default=[])
    from_source: Texts = Field(default=[])
    min_messages: Annotated[int, Field(ge=1, le=2**31)] = 1
    contains: Short | None = None


class ExportRequest(Strict):
    """A slice of the ledger, and the file it becomes."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    format: Annotated[str, AfterValidator(_format), Field(examples=list(FORMATS))] = "jsonl"
    start_date: str | None = Field(None, max_length=64)
    end_date: str | None = Field(None, max_length=64)
    since: Short | None = None
    name: Short | None = None
    filters: ExportFilters = ExportFilters()
    anonymize: bool | None = None
    include_ip_addresses: bool = False
    include_metadata: bool = True
    compression: Literal["none", "gzip", "zstd"] = "none"
    destination: Short | None = None
    dataset: Short = "conversations"
    training: JsonObject | None = None
    clear: bool = False
    clear_on: Literal["verified", "acknowledged"] = "verified"
    dry_run: bool = False
    webhook_url: Short | None = None

    @property
    def within(self) -> Range:
        return parse_range(self.start_date, self.end_date)

    @model_validator(mode="after")
    def _can_be_done(self) -> Self:
        _ = self.within
        for complaint in (*self._not_yet(), *self._contradictions()):
            raise ValueError(complaint)
        if len(self.model_dump_json().encode()) > MAX_REQUEST_BYTES:
            raise PayloadTooLarge(
                f"The request is above {MAX_REQUEST_BYTES // 1024} KB. "
                "Name fewer conversations in it and send several."
            )
        return self

    def _not_yet(self) -> Iterator[str]:
        for name in ("since", "destination", "training", "webhook_url"):
            if getattr(self, name) is not None:
                yield f"{name} is not available yet; leave it out or send null."
        if self.clear:
            yield "clear is not available yet; leave it out or send false."
        if self.dataset != "conversations":
            yield "dataset: only 'conversations' is available yet."

    def _contradictions(self) -> Iterator[str]:
        if self.format == "archive":
            if self.anonymize:
                yield "an archive is lossless and never anonymized; leave anonymize out."
            if self.compression == "zstd":
                yield "an archive is always gzip; leave compression out."
        elif self.anonymize is not False:
            yield (
                'anonymization, the default, is not available yet; send "anonymize": false '
                "to export names and content as they are."
            )
