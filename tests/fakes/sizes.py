"""What DynamoDB counts: the bytes of an item, and the capacity units of a request."""

from chatledger.aws.wire import Item, Value

MAX_ITEM_BYTES = 400 * 1024
_READ_BYTES = 4096
_WRITE_BYTES = 1024
# A list costs 3 bytes, and 1 more for each member.
_LIST_BYTES = 3


def item_size(item: Item | None) -> int:
    """The names and the values of its attributes, in UTF-8; nothing where there is no item."""
    if item is None:
        return 0
    return sum(len(name.encode()) + value_size(value) for name, value in item.items())


def value_size(value: Value) -> int:
    match value:
        case bool():
            return 1
        case str():
            return len(value.encode())
        case bytes():
            return len(value)
        case int():
            return _number_size(value)
        case frozenset():
            return sum(value_size(member) for member in value)
        case list():
            return _LIST_BYTES + sum(1 + value_size(member) for member in value)


def _number_size(number: int) -> int:
    """A byte for every two significant digits, one more for the whole, one more below zero."""
    digits = str(abs(number)).rstrip("0")
    return (len(digits) + 1) // 2 + 1 + (number < 0)


def read_units(size: int) -> int:
    """Of one strongly consistent item or page: 1 for each started 4 KB, and for nothing."""
    return max(1, -(-size // _READ_BYTES))


def write_units(size: int) -> int:
    """Of one item: 1 for each started KB, and for nothing. A transaction costs twice as much."""
    return max(1, -(-size // _WRITE_BYTES))


def check_item(item: Item) -> str | None:
    """What DynamoDB would refuse about the values, if anything."""
    for name, value in item.items():
        match value:
            case frozenset() if not value:
                return f"{name}: a set must not be empty"
            case frozenset() if len({type(member) for member in value}) > 1:
                return f"{name}: a set must be of one type"
            case bool() | str() | int() | bytes() | frozenset():
                continue
            case list() if all(isinstance(member, str) for member in value):
                continue
            case _:
                return f"{name}: {type(value).__name__} is no attribute value"
    return None
