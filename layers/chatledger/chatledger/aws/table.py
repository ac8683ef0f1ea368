"""The table that the ledger works on: its reads, writes and conditions, as values.

Every read is strongly consistent. Requests are built, counted and tested without AWS;
``dynamodb.DynamoTable`` is the real one, and the tests have one in memory.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from chatledger.aws.wire import Item, Value


@dataclass(frozen=True, slots=True)
class Key:
    pk: str
    sk: str


@dataclass(frozen=True, slots=True)
class Absent:
    """Holds where there is no item under the key."""


@dataclass(frozen=True, slots=True)
class Equals:
    """Holds where the item has this value."""

    name: str
    value: Value


@dataclass(frozen=True, slots=True)
class AbsentOrPast:
    """Holds where there is no item, or its number ``name`` is below ``value``."""

    name: str
    value: int


Condition = Absent | Equals | AbsentOrPast


@dataclass(frozen=True, slots=True)
class Put:
    item: Item
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Delete:
    key: Key
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Update:
    """``put`` replaces attributes, ``add`` adds to a number or a set, ``remove`` drops them."""

    key: Key
    put: Item = field(default_factory=dict[str, Value])
    add: Item = field(default_factory=dict[str, Value])
    remove: tuple[str, ...] = ()
    when: Condition | None = None


@dataclass(frozen=True, slots=True)
class Between:
    """Sort keys from ``first`` to ``last``, both included."""

    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Page:
    """Items of one query answer; ``after`` is the sort key to go on from, if there is more."""

    items: list[Item]
    after: str | None


class ConditionFailed(Exception):
    """The condition of a write did not hold: nothing was written."""


class TransactionRefused(Exception):
    """A condition of a transaction did not hold: nothing was written. ``failed``: which writes."""

    def __init__(self, failed: list[int]) -> None:
        super().__init__(f"conditions {failed} did not hold")
        self.failed = failed


class Table(Protocol):
    """What the ledger needs of a table.

    Each call may raise ``StorageError``: then a write may or may not have happened.
    """

    def get(self, key: Key) -> Item | None: ...
    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]: ...
    def page(
        self,
        pk: str,
        *,
        between: Between | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Page: ...
    def put(self, item: Item, when: Condition | None = None) -> None: ...
    def update(self, update: Update) -> Item: ...
    def delete(self, key: Key, when: Condition | None = None) -> None: ...
    def transact(self, writes: Sequence[Put | Update | Delete]) -> None: ...


def pages(
    table: Table,
    pk: str,
    *,
    between: Between | None = None,
    after: str | None = None,
    newest_first: bool = False,
    limit: Callable[[], int | None] = lambda: None,
) -> Iterator[Page]:
    """Page after page of one partition, read when asked for; ``limit`` is asked before each."""
    while True:
        page = table.page(
            pk, between=between, after=after, newest_first=newest_first, limit=limit()
        )
        yield page
        if page.after is None:
            return
        after = page.after


def items(
    table: Table, pk: str, *, between: Between | None = None, newest_first: bool = False
) -> Iterator[Item]:
    """Item after item of one partition, in the order of the sort key."""
    for page in pages(table, pk, between=between, newest_first=newest_first):
        yield from page.items
