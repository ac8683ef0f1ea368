"""From bytes and query strings to validated models, and from their faults to one sentence."""

import re
from base64 import b64decode
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any, TypeVar, cast
from urllib.parse import parse_qsl

import msgspec
from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from chatledger.errors import InvalidRequest, PayloadTooLarge

MAX_BODY_BYTES = 4 * 1024 * 1024
_SHOULD = re.compile(r"^(?:Input|Value|String|List|Dictionary|Number) should (?!match)")

M = TypeVar("M", bound=BaseModel)


def body_bytes(event: Mapping[str, Any]) -> bytes:
    """The body of a gateway event; raises ``PayloadTooLarge``, ``InvalidRequest``."""
    text = event.get("body") or ""
    try:
        data = b64decode(text, validate=True) if event.get("isBase64Encoded") else text.encode()
    except ValueError:
        raise InvalidRequest("The body is not UTF-8 text. Send JSON in UTF-8.") from None
    if len(data) > MAX_BODY_BYTES:
        raise PayloadTooLarge(
            f"The body has {len(data):,} bytes; at most {MAX_BODY_BYTES:,} are taken. "
            "Send it in several requests."
        )
    return data


def decode_json(data: bytes) -> dict[str, Any]:
    """A JSON object. Refused are lone surrogates, NaN and Infinity, as JSON refuses them."""
    if not data:
        raise InvalidRequest("The body is empty. Send a JSON object.")
    try:
        value = msgspec.json.decode(data)
    except UnicodeDecodeError:
        raise InvalidRequest("The body is not UTF-8 text. Send JSON in UTF-8.") from None
    except RecursionError:
        raise InvalidRequest("The body is nested too deeply. Flatten it.") from None
    except msgspec.DecodeError as error:
        raise InvalidRequest(f"The body is not JSON: {_plain(str(error))}.") from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object, such as {}.")
    return cast("dict[str, Any]", value)


def decode_query(text: str) -> dict[str, str]:
    """Each parameter once; an empty value is as good as none. Raises ``InvalidRequest``."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidRequest("The query is not percent-encoded UTF-8.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequest(f"The parameter {name[:64]!r} is there twice. Send it once.")
        values[name] = value
    return {name: value for name, value in values.items() if value}


def validated(model: type[M], values: dict[str, Any]) -> M:
    """Raises ``InvalidRequest`` with one sentence that names the field and what it must be."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest(_sentence(model, error)) from None


def _sentence(model: type[BaseModel], error: ValidationError) -> str:
    first = error.errors(include_url=False, include_input=False)[0]
    others = error.error_count() - 1
    more = f" ({others} more {'fault' if others == 1 else 'faults'}.)" if others else ""
    return f"{_fault(model, first)}{more}"


def _fault(model: type[BaseModel], fault: ErrorDetails) -> str:
    place = ".".join(str(step)[:64] for step in fault["loc"])
    message = _SHOULD.sub("must ", fault["msg"].removeprefix("Value error, ")).rstrip(".")
    match fault["type"]:
        case "missing":
            return f"{place} is missing; add it."
        case "extra_forbidden":
            near = get_close_matches(str(fault["loc"][-1])[:64], _names(model), n=1)
            hint = f" Did you mean {near[0]!r}?" if near else ""
            return f"{place} is not known here. Leave it out.{hint}"
        case "value_error" if not place:
            return f"{message[0].upper()}{message[1:]}."
        case "value_error":
            return f"{place}: {message}."
        case _:
            return f"{place or 'It'} {message}."


def _names(model: type[BaseModel]) -> list[str]:
    """The model's field names, and those of the models in it."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return [name for part in parts for name in part.get("properties", {})]


def _plain(message: str) -> str:
    return message.removeprefix("JSON is malformed: ").lower()[:120]
