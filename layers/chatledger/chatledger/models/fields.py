"""Kinds of fields: ids, times, JSON values, whole numbers of a query."""

import math
from collections.abc import Iterator
from typing import Annotated, Any, cast

import msgspec
from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    FailFast,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from chatledger.errors import PayloadTooLarge
from chatledger.identifiers import MAX_ID_BYTES, check_id
from chatledger.timestamps import parse_time

MAX_DEPTH = 64
MAX_FIELDS = 100
MIN_INTEGER = -(2**63)
MAX_INTEGER = 2**64 - 1
# A conversation's own fields live in one item of at most 400 KB; two such fields and the small
# ones stay well below.
MAX_LARGE_BYTES = 100 * 1024
_SHORT = 1000


class Strict(BaseModel):
    """No conversions, no unknown fields, and no content in what errors say."""

    model_config = ConfigDict(
        strict=True, extra="forbid", frozen=True, hide_input_in_errors=True, defer_build=True
    )

    @model_validator(mode="before")
    @classmethod
    def _not_too_many_fields(cls, values: Any) -> Any:
        """Each unknown field is a fault of its own, and a body has room for half a million."""
        if isinstance(values, dict) and len(cast("dict[str, Any]", values)) > MAX_FIELDS:
            raise ValueError(f"has more than {MAX_FIELDS} fields; send only those that are known.")
        return cast("Any", values)


def _id(value: str) -> str:
    return check_id("the id", value)


def _time(value: str) -> str:
    parse_time(value)
    return value


def check_json(value: Any) -> Any:
    """Numbers that every reader can hold, nesting that every reader can follow.

    Raises ``ValueError``. What JSON itself forbids was refused when the body was read.
    """
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        level = [inner for outer in level for inner in _inside(outer)]
        if not level:
            return value
    raise ValueError(f"it is nested deeper than {MAX_DEPTH} levels.")


def _inside(value: Any) -> Iterator[Any]:
    match value:
        case dict():
            yield from cast("dict[str, Any]", value).values()
        case list():
            yield from cast("list[Any]", value)
        case int() if not MIN_INTEGER <= value <= MAX_INTEGER:
            raise ValueError("it holds an integer beyond 64 bits; send it as a string.")
        case float() if not math.isfinite(value):
            raise ValueError("it holds a number that JSON cannot write.")
        case _:
            pass


def _not_large(value: Any) -> Any:
    size = len(msgspec.json.encode(value))
    if size > MAX_LARGE_BYTES:
        raise PayloadTooLarge(
            f"A field of the conversation is {size // 1024} KB as JSON; at most "
            f"{MAX_LARGE_BYTES // 1024} KB are kept. Shorten the prompt or the metadata."
        )
    return value


def _model(value: Any) -> Any:
    """The model's name, or ``{id, name}``."""
    parts = cast("dict[str, Any]", value) if isinstance(value, dict) else {"id": value}
    known = "id" in parts and set(parts) <= {"id", "name"}
    if not known or not all(
        isinstance(each, str) and len(each) <= _SHORT for each in parts.values()
    ):
        raise ValueError(f'must be a string or {{"id", "name"}} of up to {_SHORT} characters.')
    return cast("str | dict[str, Any]", value)


def _model_part(description: str) -> dict[str, JsonValue]:
    return {"type": "string", "maxLength": _SHORT, "description": description}


def _whole(value: Any) -> Any:
    """A query's number, which arrives as text."""
    if isinstance(value, str):
        if not (value.isascii() and value.isdigit() and len(value) < 10):
            raise ValueError("must be a whole number.")
        return int(value)
    return value


def as_list(value: Any) -> Any:
    """One string stands for a list of it."""
    return [value] if isinstance(value, str) else value


# What descriptions say of every id, beside whose it is.
ID = f"1 to {MAX_ID_BYTES} bytes of UTF-8 without control characters"
START_DATE = (
    "The first moment of the range: RFC 3339 or a date such as 2026-11-21, UTC without an offset. "
    "From the beginning if left out."
)
END_DATE = (
    "The last moment of the range, inclusive: a bare date takes that whole day, a time to the "
    "second that whole second. Without an end if left out."
)

Id = Annotated[
    str, Field(json_schema_extra={"minLength": 1, "maxLength": MAX_ID_BYTES}), AfterValidator(_id)
]
Ids = Annotated[list[Id], FailFast(), Field(max_length=1000), BeforeValidator(as_list)]
Texts = Annotated[
    list[Annotated[str, Field(max_length=_SHORT)]],
    FailFast(),
    Field(max_length=1000),
    BeforeValidator(as_list),
]
Time = Annotated[str, AfterValidator(_time), Field(max_length=64)]
Date = Annotated[str, Field(min_length=1, max_length=64)]
Short = Annotated[str, Field(max_length=_SHORT)]
SearchText = Annotated[str, Field(min_length=1, max_length=_SHORT)]
Json = Annotated[Any, AfterValidator(check_json)]
JsonObject = Annotated[dict[str, Any], AfterValidator(check_json)]
LargeText = Annotated[str, AfterValidator(_not_large)]
LargeObject = Annotated[dict[str, Any], AfterValidator(check_json), AfterValidator(_not_large)]
Count = Annotated[int, Field(ge=0, le=2**63 - 1)]
Number = Annotated[float, Field(allow_inf_nan=False)]
Model = Annotated[
    Any,
    AfterValidator(_model),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "maxLength": _SHORT},
                {
                    "type": "object",
                    "properties": {
                        "id": _model_part("The model's id, as its service calls it."),
                        "name": _model_part("Its name, to be shown."),
                    },
                    "required": ["id"],
                    "additionalProperties": False,
                },
            ]
        }
    ),
]
# The constraint first: it speaks of the number, and the document says it in JSON Schema's words.
PageNumber = Annotated[int, Field(ge=1), BeforeValidator(_whole)]
Limit = Annotated[int, Field(ge=1, le=100), BeforeValidator(_whole)]
LongLimit = Annotated[int, Field(ge=1, le=1000), BeforeValidator(_whole)]
