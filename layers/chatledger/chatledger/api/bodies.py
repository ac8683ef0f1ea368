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
_MAX_FAULTS = 3
_BOM = b"\xef\xbb\xbf"
# From the beginning over all that is no surrogate, or a whole pair, to the first lone one.
_LONE_SURROGATE = re.compile(
    rb"(?:[^\\]++|\\u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F]|\\(?!u[dD][89a-fA-F]).)*+"
    rb"\\u[dD][89a-fA-F]",
    re.DOTALL,
)
# Pydantic's words for what a reader of a sentence says shorter.
_SHORTER = {
    " after validation": "",
    "greater than or equal to": "at least",
    "less than or equal to": "at most",
}
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
        raise InvalidRequest(_no_json(data, error)) from None
    if not isinstance(value, dict):
        raise InvalidRequest("The body must be a JSON object, such as {}.")
    return cast("dict[str, Any]", value)


def decode_query(text: str) -> dict[str, str]:
    """Each parameter once; what may be empty is the model's matter. Raises ``InvalidRequest``."""
    try:
        pairs = parse_qsl(text, keep_blank_values=True, errors="strict")
    except ValueError:
        raise InvalidRequest("The query is not percent-encoded UTF-8.") from None
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in values:
            raise InvalidRequest(f"The parameter {name[:64]!r} is there twice. Send it once.")
        values[name] = value
    return values


def validated(model: type[M], values: dict[str, Any]) -> M:
    """Raises ``InvalidRequest``: a sentence a fault, each naming the field and what it must be."""
    try:
        return model.model_validate(values)
    except ValidationError as error:
        raise InvalidRequest(_sentences(model, error)) from None


def _sentences(model: type[BaseModel], error: ValidationError) -> str:
    faults = error.errors(include_url=False, include_input=False)
    told = list(dict.fromkeys(_fault(model, fault) for fault in faults[:_MAX_FAULTS]))
    more = len(faults) - _MAX_FAULTS
    if more > 0:
        told.append(f"({more} more {'fault' if more == 1 else 'faults'}.)")
    return " ".join(told)


def _fault(model: type[BaseModel], fault: ErrorDetails) -> str:
    place = ".".join(str(step)[:64] for step in fault["loc"])
    message = _message(fault)
    match fault["type"]:
        case "model_type":
            return f"{place} must be a JSON object."
        case "missing":
            return f"{place} is missing; add it."
        case "extra_forbidden":
            return f"{place} is not known here. {_instead(model, str(fault['loc'][-1])[:64])}"
        case "value_error" if not place:
            return f"{_begun(model, message)}."
        case "value_error" if not message.startswith("must "):
            return f"{place}: {message}."
        case _:
            return f"{place or 'It'} {message}."


def _instead(model: type[BaseModel], name: str) -> str:
    """What to do with a field that is not known where it stands."""
    near = get_close_matches(name, _names(model), n=1)
    if near == [name]:
        return "It belongs elsewhere in the body; move it there."
    return f"Leave it out. Did you mean {near[0]!r}?" if near else "Leave it out."


def _message(fault: ErrorDetails) -> str:
    message = _SHOULD.sub("must ", fault["msg"].removeprefix("Value error, ")).rstrip(".")
    for long, short in _SHORTER.items():
        message = message.replace(long, short)
    return message


def _begun(model: type[BaseModel], message: str) -> str:
    """As a sentence begins; but a field's name stays as it is written."""
    word = re.split(r"\W", message, maxsplit=1)[0]
    return message if word in _names(model) else f"{message[0].upper()}{message[1:]}"


def _names(model: type[BaseModel]) -> list[str]:
    """The model's field names, and those of the models in it."""
    schema = model.model_json_schema()
    parts = [schema, *schema.get("$defs", {}).values()]
    return [name for part in parts for name in part.get("properties", {})]


def _no_json(data: bytes, error: msgspec.DecodeError) -> str:
    if data.startswith(_BOM):
        return "The body begins with a byte order mark (BOM). Send JSON in UTF-8 without it."
    if _LONE_SURROGATE.match(data):
        return (
            "The body holds half of a character: a lone surrogate, such as \\ud800 without its "
            "other half. Send the whole pair, or leave it out."
        )
    return f"The body is not JSON: {str(error).removeprefix('JSON is malformed: ').lower()[:120]}."
