"""The body of ``POST /imports``, and what there is to say of an undo."""

from typing import Annotated, Any, Literal, get_args

from pydantic import AfterValidator, ConfigDict, Field

from chatledger.models.fields import Short, Strict

ImportFormat = Literal["archive"]
FORMATS: tuple[str, ...] = get_args(ImportFormat)
_LATER = ("anythingllm", "openwebui", "chatgpt", "librechat", "openai")
_EXAMPLE: dict[str, Any] = {"format": "archive", "name": "October, from the other account"}


def _format(value: str) -> str:
    if value in FORMATS:
        return value
    what = "is not available yet" if value in _LATER else "is not a format"
    raise ValueError(f"{value[:32]!r} {what}; use {', '.join(FORMATS)}.")


Format = Annotated[str, Field(json_schema_extra={"enum": list(FORMATS)}), AfterValidator(_format)]


class ImportRequest(Strict):
    """A file to come."""

    model_config = ConfigDict(json_schema_extra={"examples": [_EXAMPLE]})

    format: Format = Field(
        "archive",
        description="archive: what an export in that format is, downloaded or joined from the "
        "parts that were kept. archive if left out.",
    )
    name: Short | None = Field(
        None, description="What you call this import, kept with it; at most 1,000 characters."
    )


class UndoRequest(Strict):
    """Nothing: the export's id says it all."""
