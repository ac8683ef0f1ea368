"""Tables that fail: what a network, a busy DynamoDB and a dying function do to the ledger.

A plan says for each call which fault hits it; a seeded one does so at random, repeatably. Several
ports may share one ``Faults`` (buckets and others: ``faulty_ports``): their calls are then counted
together, in the order they come.
"""

import random
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from enum import Enum
from functools import partial
from threading import Lock
from typing import Any, TypeGuard

from chatledger.aws.table import (
    Between,
    Condition,
    Delete,
    Key,
    Page,
    Put,
    Table,
    TransactionRefused,
    Update,
)
from chatledger.aws.wire import Item
from chatledger.errors import StorageError

WRITES = frozenset({"put", "update", "delete", "transact"})
READS = frozenset({"get", "get_many", "page"})
# As long as the client library of a table waits at most, its one repeat included.
TIME_OUT_SECONDS = 14.0


class Fault(Enum):
    """What hits a call."""

    BUSY = "a throttle or a transaction conflict: not applied, and answered so"
    LOST = "applied, but the answer is lost"
    TWICE = "applied, the answer lost, and applied again by the client library's own retry"
    CRASH = "applied, and then the function dies"
    DIED = "the function dies before the call is made"
    TIMED_OUT = "not applied, and no answer until the client library gives up"
    DELAYED = "no answer; applied much later, when ``Faults.release`` is called"
    PARTIAL = "only some keys of a batch are read, again and again, until it is given up"


class Crashed(BaseException):
    """The function died. Nothing of the product catches this."""


@dataclass(frozen=True, slots=True)
class Call:
    """The ``number``-th call, counted from 1, of ``port``: "table", or what a test named it."""

    number: int
    operation: str
    port: str = "table"


Plan = Callable[[Call], Fault | None]


def at(faults: Mapping[int, Fault]) -> Plan:
    """Faults at these calls."""
    return lambda call: faults.get(call.number)


def first(fault: Fault, operation: str, times: int = 1) -> Plan:
    """The fault hits the first so many calls of an operation."""
    left = [times]

    def plan(call: Call) -> Fault | None:
        if call.operation != operation or not left[0]:
            return None
        left[0] -= 1
        return fault

    return plan


def seeded(seed: int, chances: Mapping[Fault, float], operations: frozenset[str] = WRITES) -> Plan:
    """Each call of these operations is hit with these chances."""
    dice = random.Random(seed)

    def plan(call: Call) -> Fault | None:
        if call.operation not in operations:
            return None
        thrown = dice.random()
        for fault, chance in chances.items():
            if thrown < chance:
                return fault
            thrown -= chance
        return None

    return plan


@dataclass
class Faults:
    """Counts calls and hits them as planned; ``hits`` says which were, ``late`` what is to come.

    ``wait`` is told how many seconds a call took that was never answered.
    """

    plan: Plan = field(default=lambda _: None)
    wait: Callable[[float], None] = field(default=lambda _: None)
    calls: int = 0
    hits: list[tuple[Call, Fault]] = field(default_factory=list[tuple[Call, Fault]])
    late: list[Callable[[], Any]] = field(default_factory=list[Callable[[], Any]])
    _lock: Lock = field(default_factory=Lock)

    def call(self, port: str, operation: str, apply: Callable[[], Any]) -> Any:
        """What ``apply`` answers, unless the call is hit."""
        fault = self._next(port, operation)
        match fault:
            case Fault.BUSY | Fault.PARTIAL:
                raise StorageError
            case Fault.DIED:
                raise Crashed
            case Fault.TIMED_OUT:
                self.wait(TIME_OUT_SECONDS)
                raise StorageError
            case Fault.DELAYED:
                self.late.append(apply)
                self.wait(TIME_OUT_SECONDS)
                raise StorageError
            case Fault.LOST | Fault.CRASH:
                _ignoring_the_answer(apply)
                raise StorageError if fault is Fault.LOST else Crashed
            # A transaction carries a token of the request: its own retry is answered as the first.
            case Fault.TWICE if operation != "transact":
                _ignoring_the_answer(apply)
            case _:
                pass
        return apply()

    def release(self) -> None:
        """What was delayed happens now; nobody is there any more to hear the answers."""
        late, self.late = self.late, []
        for apply in late:
            _ignoring_the_answer(apply)

    def _next(self, port: str, operation: str) -> Fault | None:
        with self._lock:
            self.calls += 1
            call = Call(self.calls, operation, port)
            fault = self.plan(call)
            if fault:
                self.hits.append((call, fault))
            return fault


@dataclass
class FaultyTable:
    """A table whose calls are hit as planned, alone or together with other ports' (``faults``)."""

    table: Table
    plan: Plan | None = None
    faults: Faults = field(default_factory=Faults)

    def __post_init__(self) -> None:
        if self.plan:
            self.faults.plan = self.plan

    @property
    def calls(self) -> int:
        return self.faults.calls

    @property
    def hits(self) -> list[tuple[Call, Fault]]:
        return self.faults.hits

    def get(self, key: Key) -> Item | None:
        return self._call("get", key)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        return self._call("get_many", keys)

    def page(
        self,
        pk: str,
        *,
        between: Between | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Page:
        return self._call(
            "page", pk, between=between, after=after, newest_first=newest_first, limit=limit
        )

    def put(self, item: Item, when: Condition | None = None) -> None:
        self._call("put", item, when)

    def update(self, update: Update) -> Item:
        return self._call("update", update)

    def delete(self, key: Key, when: Condition | None = None) -> None:
        self._call("delete", key, when)

    def transact(self, writes: Sequence[Put | Update | Delete]) -> None:
        self._call("transact", writes)

    def _call(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        return self.faults.call(
            "table", operation, partial(getattr(self.table, operation), *args, **kwargs)
        )


def _is_entry(write: Put | Update | Delete) -> TypeGuard[Put]:
    return isinstance(write, Put) and str(write.item["PK"]).startswith("D#")


def _ignoring_the_answer(apply: Callable[[], Any]) -> None:
    with suppress(Exception):  # A refusal is an answer too, and lost as well.
        apply()


@dataclass
class LateEntriesTable(FaultyTable):
    """A slot shows before its entries: reads miss the newest transaction's for a while.

    Each transaction's entries (``D#…``) stay hidden from the next ``looks`` reads that would have
    shown one of them; its slot shows at once.
    """

    looks: int = 1
    _hidden: dict[Key, int] = field(default_factory=dict[Key, int])
    _lock: Lock = field(default_factory=Lock)

    def transact(self, writes: Sequence[Put | Update | Delete]) -> None:
        keys = {Key(str(put.item["PK"]), str(put.item["SK"])) for put in writes if _is_entry(put)}
        with self._lock:
            fresh = keys - self._hidden.keys()
            self._hidden |= dict.fromkeys(fresh, self.looks)
        try:
            super().transact(writes)
        except TransactionRefused:
            with self._lock:
                for key in fresh:
                    del self._hidden[key]
            raise

    def get(self, key: Key) -> Item | None:
        return None if self._is_hidden(key) else super().get(key)

    def get_many(self, keys: Sequence[Key]) -> dict[Key, Item]:
        found = super().get_many(keys)
        return {key: item for key, item in found.items() if not self._is_hidden(key)}

    def page(
        self,
        pk: str,
        *,
        between: Between | None = None,
        after: str | None = None,
        newest_first: bool = False,
        limit: int | None = None,
    ) -> Page:
        page = super().page(
            pk, between=between, after=after, newest_first=newest_first, limit=limit
        )
        shown = [item for item in page.items if not self._is_hidden(Key(pk, str(item["SK"])))]
        return Page(shown, page.after)

    def _is_hidden(self, key: Key) -> bool:
        with self._lock:
            looks = self._hidden.get(key, 0)
            if looks:
                self._hidden[key] = looks - 1
            return looks > 0
