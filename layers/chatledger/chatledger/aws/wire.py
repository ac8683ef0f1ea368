"""DynamoDB's attribute format, and a fast way to read pages of it.

botocore's response parser is the bottleneck of reading pages. A ``before-parse`` hook hands the
raw body to msgspec instead and leaves the parser an empty answer; where the hook did not fire,
the parsed answer serves (it decodes to the same items).
"""

from typing import Any, TypeVar

import msgspec

Value = str | int | bytes | bool | frozenset[int] | frozenset[str] | list[str]
Item = dict[str, Value]
T = TypeVar("T", str, int, bytes)

_RAW = "RawPage"
_EMPTY = b'{"Count":0,"ScannedCount":0}'


class _Attribute(msgspec.Struct):
    """One attribute on the wire; ``B`` arrives as base64 and is decoded by its type."""

    S: str | None = None
    N: str | None = None
    B: bytes | None = None
    BOOL: bool | None = None
    SS: list[str] | None = None
    NS: list[str] | None = None
    L: list["_Attribute"] | None = None

    def value(self) -> Value:
        if self.S is not None:
            return self.S
        if self.N is not None:
            return int(self.N)
        if self.B is not None:
            return self.B
        return self._rare_value()

    def _rare_value(self) -> Value:
        if self.BOOL is not None:
            return self.BOOL
        if self.SS is not None:
            return frozenset(self.SS)
        if self.NS is not None:
            return frozenset(map(int, self.NS))
        return [str(member.S) for member in self.L or []]


_RawItem = dict[str, _Attribute]


class _RawPage(msgspec.Struct):
    Items: list[_RawItem] = []
    LastEvaluatedKey: _RawItem | None = None


_DECODER = msgspec.json.Decoder(_RawPage)


def read_pages_raw(client: Any) -> None:
    """Lets ``client`` hand the body of its query answers to msgspec."""
    client.meta.events.register(
        "before-parse.dynamodb.Query", _take_body, unique_id="chatledger-raw-pages"
    )


def _take_body(
    response_dict: dict[str, Any], customized_response_dict: dict[str, Any], **_: object
) -> None:
    if response_dict["status_code"] == 200:
        customized_response_dict[_RAW] = _DECODER.decode(response_dict["body"])
        response_dict["body"] = _EMPTY


def page_of(answer: dict[str, Any]) -> tuple[list[Item], str | None]:
    """The items of a query's answer, and the sort key to go on from."""
    raw: _RawPage | None = answer.get(_RAW)
    if raw is None:
        last = answer.get("LastEvaluatedKey")
        return [decode_item(item) for item in answer["Items"]], last and last["SK"]["S"]
    items = [{name: each.value() for name, each in item.items()} for item in raw.Items]
    return items, raw.LastEvaluatedKey["SK"].S if raw.LastEvaluatedKey else None


def text(item: Item, name: str) -> str:
    return _as(str, item, name)


def number(item: Item, name: str) -> int:
    return _as(int, item, name)


def binary(item: Item, name: str) -> bytes:
    return _as(bytes, item, name)


def texts(item: Item, name: str) -> list[str]:
    """A list of strings, which keeps its order."""
    value = item[name]
    if not isinstance(value, list):
        raise TypeError(f"attribute {name} is no list")
    return value


def numbers(item: Item, name: str) -> frozenset[int]:
    """A set of numbers."""
    value = item[name]
    if not isinstance(value, frozenset):
        raise TypeError(f"attribute {name} is no set")
    return frozenset(int(member) for member in value)


def _as(kind: type[T], item: Item, name: str) -> T:
    value = item[name]
    if not isinstance(value, kind):
        raise TypeError(f"attribute {name} is no {kind.__name__}")
    return value


def encode_key(pk: str, sk: str) -> dict[str, Any]:
    return {"PK": {"S": pk}, "SK": {"S": sk}}


def encode_item(item: Item) -> dict[str, Any]:
    return {name: encode(value) for name, value in item.items()}


def encode(value: Value) -> dict[str, Any]:
    match value:
        case bool():
            return {"BOOL": value}
        case str():
            return {"S": value}
        case int():
            return {"N": str(value)}
        case bytes():
            return {"B": value}
        case frozenset():
            return _encode_set(value)
        case list():
            return {"L": [{"S": member} for member in value]}


def _encode_set(members: frozenset[int] | frozenset[str]) -> dict[str, Any]:
    kind = "NS" if all(isinstance(member, int) for member in members) else "SS"
    return {kind: sorted(str(member) for member in members)}


def decode_item(item: dict[str, Any]) -> Item:
    return {name: _decode(attribute) for name, attribute in item.items()}


def _decode(attribute: dict[str, Any]) -> Value:
    ((kind, value),) = attribute.items()
    match kind:
        case "N":
            return int(value)
        case "NS":
            return frozenset(map(int, value))
        case "SS":
            return frozenset(value)
        case "L":
            return [member["S"] for member in value]
        case "B":
            return bytes(value)
        case _:
            return value
