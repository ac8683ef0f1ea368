"""The whole product in this process on storage that fails, with machines that repeat and sweep.

One function call, of a step or of a route, is the ``target``: while it runs for the first time its
calls are hit as planned. Everything around it does what the platform and a patient client do:
state machines repeat their steps, the sweeper comes, a client sends its request again.
"""

import copy
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any

import msgspec
import pytest

from chatledger.api import app, tokens
from chatledger.aws.table import Key
from chatledger.aws.wire import binary
from chatledger.errors import StorageError
from chatledger.jobs.ended import Ended
from chatledger.ledger.ledger import Ledger, open_ledger
from tests.fakes import workflow
from tests.fakes.clears import Clock
from tests.fakes.faults import Crashed, Faults, FaultyTable, Plan
from tests.fakes.faulty_ports import FaultyBucket, FaultySigner, FaultyStates
from tests.fakes.gateway import Gateway, Reply
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable

Json = dict[str, Any]
# A step: its function and event, and what it answered.
Answered = tuple[tuple[str, Json], Json]
# As the state machines have it: so often what the storage did not answer, so often the rest.
_TRIES_OF_STORAGE = 7
_TRIES = 3
_TRIES_OF_A_CLIENT = 6
_ROUNDS = 12
_ENDED = {"succeeded", "failed", "cancelled", "clear_incomplete"}


class Reached(BaseException):
    """The function that was to be reached is next."""


@dataclass(frozen=True)
class State:
    """All that a deployment remembers, and the answers that an execution under way has had."""

    kept: dict[str, Any]
    answers: tuple[Answered, ...]


@dataclass
class Deployment:
    table: MemoryTable = field(default_factory=MemoryTable)
    exports: MemoryBucket = field(default_factory=lambda: MemoryBucket("chatledger-exports"))
    archive: MemoryBucket = field(
        default_factory=lambda: MemoryBucket("chatledger-archive", versioned=True)
    )
    export_machine: MemoryStates = field(default_factory=MemoryStates)
    restore_machine: MemoryStates = field(default_factory=MemoryStates)
    clock: Clock = field(default_factory=Clock)
    target: str = ""
    plan: Plan = field(default=lambda _: None)
    runs_twice: bool = False
    again: Callable[[], Any] | None = None
    hit_calls: int = 0
    _until: tuple[str, int] | None = None
    _had: list[Answered] = field(default_factory=list[Answered])
    _replayed: list[Answered] = field(default_factory=list[Answered])

    def __post_init__(self) -> None:
        self.faults = Faults(wait=self.clock.sleep)

    def install(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """From here on the functions stand on this."""
        faults, clock = self.faults, self.clock
        buckets = {each.name: FaultyBucket(each, faults) for each in (self.exports, self.archive)}
        machines = {
            "machine of exports": FaultyStates(self.export_machine, faults, "exports' machine"),
            "of restores": FaultyStates(self.restore_machine, faults, "restores' machine"),
        }

        def opened(table: FaultyTable, shards: int) -> Ledger:
            return replace(open_ledger(table, shards), now=clock.now, sleep=clock.sleep)

        def the(thing: Any) -> Callable[[Any], Any]:
            return lambda _: thing

        monkeypatch.setattr(app, "DynamoTable", the(FaultyTable(self.table, faults=faults)))
        monkeypatch.setattr(app, "open_ledger", opened)
        monkeypatch.setattr(app, "S3Bucket", buckets.__getitem__)
        monkeypatch.setattr(app, "StepFunctions", machines.__getitem__)
        monkeypatch.setattr(app, "KmsSigner", the(FaultySigner(MemorySigner(), faults)))
        monkeypatch.setattr(app, "secret", the(b"pseudonyms" * 6))
        monkeypatch.setattr(tokens, "secret", the(b"0123456789" * 6))

    # --- going back ----------------------------------------------------------------------------

    def state(self) -> State:
        kept = {name: copy.copy(value) for name, value in self._places()}
        kept["_partitions"] = {pk: dict(items) for pk, items in self.table._partitions.items()}
        kept["_sorted"] = {pk: list(names) for pk, names in self.table._sorted.items()}
        return State({**kept, "time": self.clock.time}, tuple(self._had))

    def go_back(self, state: State) -> None:
        """Every process starts cold; the machines go on after the answers they have had."""
        for name, place in self._places():
            place.clear()
            place.update(copy.copy(state.kept[name]))
        for pk, items in state.kept["_partitions"].items():
            self.table._partitions[pk] = dict(items)
        for pk, names in state.kept["_sorted"].items():
            self.table._sorted[pk] = list(names)
        self.table.journal.clear()
        self.clock.time = state.kept["time"]
        self.faults.late.clear()
        self.again, self.target = None, ""
        self._replayed, self._had, self._until = list(state.answers), [], None
        self.start_cold()

    def _places(self) -> list[tuple[str, dict[Any, Any]]]:
        machines, buckets = (
            (self.export_machine, self.restore_machine),
            (self.exports, self.archive),
        )
        return [
            ("_partitions", self.table._partitions),
            ("_sorted", self.table._sorted),
            *((f"{place}.objects", each.objects) for place, each in enumerate(buckets)),
            *((f"{place}.versions", each.versions) for place, each in enumerate(buckets)),
            *((f"{place}.media_types", each.media_types) for place, each in enumerate(buckets)),
            *((f"{place}.started", each.started) for place, each in enumerate(machines)),
            *((f"{place}.statuses", each.statuses) for place, each in enumerate(machines)),
        ]

    def start_cold(self) -> None:
        for kept in (app.ledger, app.exports_bucket, app.archive_bucket, app.signer):
            kept.cache_clear()
        for machine in (app.export_machine, app.restore_machine):
            machine.cache_clear()

    # --- calls ---------------------------------------------------------------------------------

    def hit(self, target: str, plan: Plan, *, runs_twice: bool = False) -> None:
        """The target's next run is hit."""
        self.target, self.plan, self.runs_twice = target, plan, runs_twice
        self.faults.hits.clear()

    def request(
        self,
        gateway: Gateway,
        method: str,
        target: str,
        body: Any = None,
        *,
        name: str = "",
        tries: int = _TRIES_OF_A_CLIENT,
        **headers: str,
    ) -> Reply | None:
        """The answer that the client got in the end, which sent its request again; or None."""
        sent = {each.replace("_", "-"): value for each, value in headers.items()}
        for _ in range(tries):
            with suppress(Crashed):
                reply: Reply = self._run(
                    name, lambda: gateway.call(method, target, body, headers=sent)
                )
                if reply.status < 500:
                    return reply
            self.clock.sleep(2)
        return None

    def step(self, function: str, event: Json) -> Json:
        """As a state of the machines calls its function, repeats included."""
        if self._replayed and self._replayed[0][0] == (function, event):
            self._had.append(self._replayed.pop(0))
            return self._had[-1][1]
        if self._until == (function, event.get("part", 1)):
            raise Reached
        failures = 0
        while True:
            try:
                answer = self._run(function, lambda: workflow.call(function, event))
            except Ended:
                raise
            except (Crashed, Exception) as error:
                failures += 1
                patient = isinstance(error, Crashed | StorageError)
                if failures >= (_TRIES_OF_STORAGE if patient else _TRIES):
                    raise
                self.clock.sleep(2)
                continue
            self._had.append(((function, event), answer))
            return answer

    def _run(self, name: str, call: Callable[[], Any]) -> Any:
        """One call of a function; the target's first is hit."""
        if not name or name != self.target:
            return call()
        self.target, self.again = "", call
        self.faults.calls, self.faults.plan = 0, self.plan
        try:
            if self.runs_twice:
                with suppress(Ended):
                    call()
            return call()
        except Crashed:
            self.start_cold()
            raise
        finally:
            self.faults.plan = lambda _: None
            self.hit_calls = self.faults.calls

    # --- the machines and the sweeper ----------------------------------------------------------

    def run_until(self, function: str, part: int = 1) -> None:
        """Runs the machines until this function of theirs is next."""
        self._until = (function, part)
        with suppress(Reached):
            self.run_machines()
            raise AssertionError(f"{function} is never called")
        self._until = None

    def run_machines(self) -> None:
        self._run_machine(self.export_machine, workflow.export)
        self._run_machine(self.restore_machine, workflow.restore)

    def _run_machine(self, machine: MemoryStates, run: Callable[..., None]) -> None:
        for name, content in list(machine.started.items()):
            if machine.statuses[name] != "RUNNING":
                continue
            self._had.clear()
            try:
                run(content, self.step)
            except Ended:
                machine.statuses[name] = "SUCCEEDED"
            except (Crashed, Exception):
                machine.statuses[name] = "FAILED"
                ids = ("organization", "export_id", "restore_id")
                with suppress(Exception):
                    event = {each: content[each] for each in ids if each in content}
                    self.step("ended", {**event, "name": name})
            else:
                machine.statuses[name] = "SUCCEEDED"

    def settle(self) -> None:
        """Until every job has ended: the machines run, and the sweeper comes every five minutes."""
        for _ in range(_ROUNDS):
            self.run_machines()
            if all(status in _ENDED for status in self.statuses().values()):
                return
            self.clock.go_on(minutes=5)
            with suppress(Crashed, Exception):
                self.step("sweep", {})
        raise AssertionError(f"not every job ended: {self.statuses()}")

    def statuses(self) -> dict[str, str]:
        """Of every export and every restore, by its id."""
        found: dict[str, str] = {}
        for kind in "JR":
            for key in self.table.keys_of_kind(kind):
                found[key.sk] = self.job(key)["status"]
        return found

    def job(self, key: Key) -> Json:
        item = self.table.peek(key)
        assert item
        return msgspec.json.decode(binary(item, "job"))
