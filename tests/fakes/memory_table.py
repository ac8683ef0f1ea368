"""The table in memory: the same answers as DynamoDB's, as strict, and it keeps the account.

Each request is written into ``journal`` with the capacity units that DynamoDB would bill. What
DynamoDB refuses as malformed (too large, a key twice in one transaction, an empty set) raises
``Malformed`` here, so that the ledger's mistakes show without AWS.
"""

from bisect import bisect_left, bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field
from threading import RLock

from chatledger.aws.table import (
    Absent,
    AbsentOrPast,
    Between,
    Condition,
    ConditionFailed,
    Delete,
    Equals,
    Key,
    Page,
    Put,
    TransactionRefused,
    Update,
)
from chatledger.aws.wire import Item
from tests.fakes.sizes import MAX_ITEM_BYTES, check_item, item_size, read_units, write_units

MAX_PAGE_BYTES = 1024 * 1024
MAX_TRANSACTION_ITEMS = 100
MAX_TRANSACTION_BYTES = 4 * 1024 * 1024
MAX_BATCH_KEYS = 100

Write = Put | Update | Delete


class Malformed(Exception):
    """DynamoDB would answer ``ValidationException``."""


@dataclass(frozen=True, slots=True)
class Request:
    """One request as it was billed; ``keys`` are those asked for, of a page those answered."""

    operation: str
    keys: tuple[Key, ...]
    read_units: int = 0
    write_units: int = 0


@dataclass
class MemoryTable:
    """Thread-safe: one request at a time, each at once, as a strongly consistent table shows it."""

    journal: list[Request] = field(default_factory=list[Request])
    _partitions: dict[str, dict[str, Item]] = field(default_factory=dict[str, dict[str, Item]])
    _sorted: dict[str, list[str]] = field(default_factory=dict[str, list[str]])
    _lock: RLock = field(default_factory=RLock)

    # --- the account ---------------------------------------------------------------------------

    @property
    def read_units(self) -> int:
        return sum(request.read_units for request in self.journal)

    @property
    def write_units(self) -> int:
        return sum(request.write_units for request in self.journal)

    def operations(self) -> list[str]:
        return [request.operation for request in self.journal]

    def keys_of_kind(self, kind: str) -> list[Key]:
        """The keys of all items of a kind (``D``, ``S``, …), in the order of the table."""
        with self._lock:
            return [
                Key(pk, sk)
                for pk in sorted(self._sorted)
                if pk.startswith(f"{kind}#")
                for sk in self._sorted[pk]
            ]

    def peek(self, key: Key) -> Item | None:
        """The item, without a request."""
        with self._lock:
            item = self._item(key)
            return _copy(item) if item else None

    def poke(self, item: Item) -> None:
        """Writes the item as it is, without a request."""
        with self._lock:
            self._store(Key(str(item["PK"]), str(item["SK"])), _copy(item))

    # --- reads ---------------------------------------------------------------------------------

    def get(self, key: Key) -> Item | None:
        with self._lock:
            _check_key(key)
            item = self._item(key)
            self._bill("get", [key], read=read_units(item_size(item)))
            return _copy(item) if item else None

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        with self._lock:
            found: dict[Key, Item] = {}
            unique = list(dict.fromkeys(keys))
            for start in range(0, len(unique), MAX_BATCH_KEYS):
                chunk = unique[start : start + MAX_BATCH_KEYS]
                units = 0
                for key in chunk:
                    _check_key(key)
                    item = self._item(key)
                    units += read_units(item_size(item))
                    if item:
                        found[key] = _copy(item)
                self._bill("get_many", chunk, read=units)
            return found

    def page(
        self,
        pk: str,
        *,
        between: Between | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Page:
        if between and between.first > between.last:
            raise Malformed("BETWEEN needs an upper bound that is not below the lower one")
        if limit is not None and limit < 1:
            raise Malformed("Limit must be at least 1")
        with self._lock:
            chosen = self._chosen(pk, between, after, newest_first)
            items, more = self._one_page(pk, chosen, limit)
            names = [str(item["SK"]) for item in items]
            size = sum(map(item_size, items))
            self._bill("page", [Key(pk, name) for name in names], read=read_units(size))
            return Page([_copy(item) for item in items], names[-1] if more else None)

    def _chosen(
        self, pk: str, between: Between | None, after: str | None, newest_first: bool
    ) -> list[str]:
        """The sort keys still to come, in order. Code points sort as their UTF-8 does."""
        names = self._sorted.get(pk, [])
        low = bisect_left(names, between.first) if between else 0
        high = bisect_right(names, between.last) if between else len(names)
        if after is not None:
            if between and not between.first <= after <= between.last:
                raise Malformed("the starting key is outside the query's boundaries")
            if newest_first:
                high = min(high, bisect_left(names, after))
            else:
                low = max(low, bisect_right(names, after))
        chosen = names[low:high]
        return chosen[::-1] if newest_first else chosen

    def _one_page(
        self, pk: str, names: Sequence[str], limit: int | None
    ) -> tuple[list[Item], bool]:
        """As DynamoDB: where the limit is reached there may be more, even where there is not."""
        items: list[Item] = []
        size = 0
        for name in names:
            item = self._partitions[pk][name]
            size += item_size(item)
            if items and size > MAX_PAGE_BYTES:
                return items, True
            items.append(item)
            if len(items) == limit:
                return items, True
        return items, False

    # --- writes --------------------------------------------------------------------------------

    def put(self, item: Item, when: Condition | None = None) -> None:
        with self._lock:
            self._write("put", Put(item, when))

    def update(self, update: Update) -> Item:
        with self._lock:
            self._write("update", update)
            return _copy(self._partitions[update.key.pk][update.key.sk])

    def delete(self, key: Key, when: Condition | None = None) -> None:
        with self._lock:
            self._write("delete", Delete(key, when))

    def transact(self, writes: Sequence[Write]) -> None:
        keys = [_key(write) for write in writes]
        if not 1 <= len(writes) <= MAX_TRANSACTION_ITEMS:
            raise Malformed(f"a transaction takes 1 to 100 items, not {len(writes)}")
        if len(set(keys)) != len(keys):
            raise Malformed("a transaction cannot hold two writes of one item")
        with self._lock:
            changes = [self._changed(write) for write in writes]
            if sum(map(item_size, changes)) > MAX_TRANSACTION_BYTES:
                raise Malformed("a transaction takes at most 4 MB")
            units = sum(map(self._write_units, keys, changes))
            self._bill("transact", keys, write=2 * units)
            failed = [place for place, write in enumerate(writes) if not self._holds(write)]
            if failed:
                raise TransactionRefused(failed)
            for key, item in zip(keys, changes, strict=True):
                self._store(key, item)

    def _write(self, operation: str, write: Write) -> None:
        key, item = _key(write), self._changed(write)
        self._bill(operation, [key], write=self._write_units(key, item))
        if not self._holds(write):
            raise ConditionFailed
        self._store(key, item)

    def _changed(self, write: Write) -> Item | None:
        """What the write would leave under its key."""
        match write:
            case Put():
                item = _copy(write.item)
            case Update():
                item = _updated(self._item(write.key), write)
            case Delete():
                _check_key(write.key)
                return None
        _check_key(_key(write))
        if problem := check_item(item):
            raise Malformed(problem)
        if item_size(item) > MAX_ITEM_BYTES:
            raise Malformed("the item is larger than 400 KB")
        return item

    def _holds(self, write: Write) -> bool:
        item = self._item(_key(write))
        match write.when:
            case None:
                return True
            case Absent():
                return item is None
            case Equals(name, value):
                return item is not None and _same(item.get(name), value)
            case AbsentOrPast(name, value):
                held = item.get(name) if item else None
                past = isinstance(held, int) and not isinstance(held, bool) and held < value
                return item is None or past

    def _write_units(self, key: Key, item: Item | None) -> int:
        """The larger of before and after is billed."""
        return write_units(max(item_size(self._item(key)), item_size(item)))

    # --- the items -----------------------------------------------------------------------------

    def _item(self, key: Key) -> Item | None:
        return self._partitions.get(key.pk, {}).get(key.sk)

    def _store(self, key: Key, item: Item | None) -> None:
        partition = self._partitions.setdefault(key.pk, {})
        names = self._sorted.setdefault(key.pk, [])
        if item is None:
            if partition.pop(key.sk, None) is not None:
                names.remove(key.sk)
            return
        if key.sk not in partition:
            insort(names, key.sk)
        partition[key.sk] = item

    def _bill(self, operation: str, keys: Sequence[Key], *, read: int = 0, write: int = 0) -> None:
        self.journal.append(Request(operation, tuple(keys), read, write))


def _key(write: Write) -> Key:
    if isinstance(write, Put):
        return Key(str(write.item["PK"]), str(write.item["SK"]))
    return write.key


def _check_key(key: Key) -> None:
    for name, value, most in (("PK", key.pk, 2048), ("SK", key.sk, 1024)):
        if not 1 <= len(value.encode()) <= most:
            raise Malformed(f"{name} must have 1 to {most} bytes")


def _copy(item: Item) -> Item:
    """Lists are the only values that could be changed from outside."""
    return {name: list(value) if isinstance(value, list) else value for name, value in item.items()}


def _same(held: object, value: object) -> bool:
    """Equal and of one type: to DynamoDB, true is not 1."""
    return type(held) is type(value) and held == value


def _updated(before: Item | None, update: Update) -> Item:
    if not update.put and not update.add and not update.remove:
        raise Malformed("an update expression must not be empty")
    item: Item = _copy(before) if before else {"PK": update.key.pk, "SK": update.key.sk}
    for name, value in update.add.items():
        held = item.get(name)
        if isinstance(value, frozenset) and (held is None or isinstance(held, frozenset)):
            item[name] = frozenset({*(held or ()), *value})  # type: ignore[arg-type]
        elif isinstance(value, int) and (held is None or isinstance(held, int)):
            item[name] = (held or 0) + value
        else:
            raise Malformed(f"ADD of {name} does not fit what the item holds")
    kept = {name: value for name, value in item.items() if name not in update.remove}
    return kept | update.put
