"""The whole service in this process, on storage that fails: what the machine's rules act on.

The handlers are the real ones, behind the template's routes; below them are a table and buckets in
memory, a clock that only moves when somebody waits, and state machines whose every step is run,
repeated, killed or left lying by a rule.
"""

import importlib
import json
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Self
from unittest.mock import patch

from chatledger.api import app, step, tokens
from chatledger.audit import chain
from chatledger.aws import kms, secrets
from chatledger.ledger.ledger import Ledger, open_ledger
from chatledger.settings import settings
from functions.bootstrap import app as bootstrap
from tests.fakes.faults import Crashed, Fault, Faults, FaultyTable, seeded
from tests.fakes.faulty_ports import FaultyBucket, FaultySigner, FaultyStates
from tests.fakes.gateway import Gateway, Reply
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable

Json = dict[str, Any]

ORGANIZATIONS = ("acme", "other")
SHARDS = 2
NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
# So often a state is tried before its execution gives up; the real ones try more.
_TRIES = 3
_SERIAL = (
    "chats.history",
    "chats.listing",
    "export.finish",
    "export.join",
    "audit.anchors",
    "clear.clearing",
    "clear.covering",
    "clear.reconcile",
    "ledger.cells",
    "restore.import_file",
    "restore.undo_part",
)
_ENVIRONMENT = {
    "TABLE_NAME": "table",
    "EXPORTS_BUCKET": "exports",
    "ARCHIVE_BUCKET": "archive",
    "EXPORT_STATE_MACHINE": "of exports",
    "RESTORE_STATE_MACHINE": "of restores",
    "LEDGER_SHARDS": str(SHARDS),
    "SIGNING_SECRET": "signing",
    "SIGNING_KEY": "key",
    "ALLOW_ANONYMOUS": "false",
    "WEBSOCKET_URL": "",
    "AUDIT_LOCK_DAYS": "0",
    "POWERTOOLS_SERVICE_NAME": "machine",
}
_CHANCES = {
    Fault.BUSY: 0.06,
    Fault.LOST: 0.06,
    Fault.TWICE: 0.03,
    Fault.CRASH: 0.03,
    Fault.DIED: 0.03,
    Fault.TIMED_OUT: 0.02,
    Fault.PARTIAL: 0.02,
}
_EVERY = frozenset(
    {"get", "get_many", "page", "put", "update", "delete", "transact"}
    | {"size", "read", "delete_under", "delete_versions_under"}
    | {"upload", "part", "copy", "complete", "abort", "start", "status", "sign", "is_signed"}
)
# Counted over all runs of this process: rules, faults, executions.
FIGURES: Counter[str] = Counter()
LONG_ENOUGH = "runs of 30 steps or more"


@dataclass
class Clock:
    at: datetime = NOW

    def now(self) -> datetime:
        return self.at

    def sleep(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


class SerialPool:
    """One after the other: the same every time, and as quick as it gets."""

    def __init__(self, *_: Any, **__: Any) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def map(self, work: Any, *given: Any) -> Iterator[Any]:
        return iter([work(*each) for each in zip(*given, strict=False)])

    def submit(self, work: Any, *given: Any) -> "Future[Any]":
        done = Future[Any]()
        try:
            done.set_result(work(*given))
        except Exception as error:
            done.set_exception(error)
        return done

    def shutdown(self, **_: Any) -> None:
        pass


class Unforeseen(AssertionError):
    """The service met an error that it has no words for."""


@dataclass
class Recorder:
    """In the place of the logs: what was not foreseen ends the run."""

    failed: list[Any] = field(default_factory=list[Any])

    def error(self, what: str, extra: Any = None) -> None:
        # The sweep says so where a job's storage failed, and looks again the next time.
        if extra.get("exception_name") != "SomeFailed":
            self.failed.append((what, extra))

    def info(self, *_: Any, **__: Any) -> None:
        pass


@dataclass
class Execution:
    """One of a state machine; ``program`` has its steps left. ``over`` once nobody runs it."""

    name: str
    content: Json
    machine: MemoryStates
    program: Iterator[tuple[str, Json]]
    over: bool = False


class Context:
    def get_remaining_time_in_millis(self) -> int:
        return 900_000


class World:
    """``steps`` has every step that was ever called, for zombies to call again."""

    def __init__(self) -> None:
        self.table = MemoryTable()
        self.exports = MemoryBucket("exports")
        self.archive = MemoryBucket("archive", versioned=True)
        self.machines = {"of exports": MemoryStates(), "of restores": MemoryStates()}
        self.clock, self.recorder = Clock(), Recorder()
        self.faults = Faults(wait=self.clock.sleep)
        self.executions: dict[str, Execution] = {}
        self.steps: list[tuple[str, Json]] = []
        self._patches = ExitStack()
        self._install()
        self.gateways = {name: self._owner(name) for name in ORGANIZATIONS}

    @property
    def now(self) -> datetime:
        return self.clock.at

    @property
    def ledger(self) -> Ledger:
        """Of the table as it is, without faults."""
        ledger = open_ledger(self.table, SHARDS)
        return replace(ledger, now=self.clock.now, sleep=lambda _: None)

    def close(self) -> None:
        self._patches.close()
        _forget()

    # --- calls ------------------------------------------------------------------------------

    def hurt(self, seed: int | None) -> None:
        """From now on calls fail as this seed says; None: none does."""
        self.faults.plan = seeded(seed, _CHANCES, _EVERY) if seed is not None else _well

    def delay(self, operation: str) -> None:
        """The next such call of the table is applied only when it is released."""
        left = [True]

        def plan(call: Any) -> Fault | None:
            if left[0] and call.port == "table" and call.operation == operation:
                left[0] = False
                return Fault.DELAYED
            return None

        self.faults.plan = plan

    def release(self) -> None:
        self.hurt(None)
        self.faults.release()

    def http(
        self, organization: str, method: str, target: str, body: Any = None, **headers: str
    ) -> Reply | None:
        """The answer; None where the function died, which a client sees as a 5xx."""
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            reply = self.gateways[organization].call(method, target, body, headers=named)
        except Crashed:
            _forget_clients()
            return None
        self._check_foreseen()
        assert reply.status != 500, reply.text
        return reply

    def call(self, function: str, event: Json) -> Json | str:
        """The step's answer, or the name of the error that its state machine sees."""
        module = importlib.import_module(f"functions.{function}.app")
        try:
            answer = module.lambda_handler(json.loads(json.dumps(event)), Context())
        except Crashed:
            _forget_clients()
            return "Lambda.Unknown"
        except Exception as error:
            self._check_foreseen()
            return type(error).__name__
        return json.loads(json.dumps(answer))

    # --- executions -------------------------------------------------------------------------

    def discover(self) -> None:
        """Executions that were started since."""
        for kind, machine in self.machines.items():
            for name, content in machine.started.items():
                if name not in self.executions:
                    program = self._export if kind == "of exports" else self._restore
                    made = Execution(name, content, machine, program(name, content))
                    self.executions[name] = made

    def running(self) -> list[Execution]:
        self.discover()
        return [each for each in self.executions.values() if not each.over]

    def advance(self, execution: Execution, count: int) -> None:
        """Runs so many of its steps."""
        for _ in range(count):
            try:
                next(execution.program)
            except StopIteration:
                self.finish(execution, "SUCCEEDED")
                return

    def finish(self, execution: Execution, status: Any) -> None:
        execution.over = True
        execution.machine.statuses[execution.name] = status

    def _export(self, name: str, content: Json) -> Iterator[Any]:
        """Of ``statemachines/export.asl.json``, a step at a time."""
        ids = {each: content[each] for each in ("organization", "export_id")}
        place: Any = content
        if content["from"] == "plan":
            plan = yield from self._tried("plan", ids)
            if not isinstance(plan, dict) or not (
                yield from self._map("write_part", ids, self._parts(plan))
            ):
                yield from self._caught(name, ids, plan)
                return
            place = yield from self._tried("finish", ids)
            if not isinstance(place, dict):
                yield from self._caught(name, ids, place)
                return
            if place["next"] == "end":
                return
        for function in ("verify", "clear"):
            if not (yield from self._map(function, ids, self._parts(place))):
                yield from self._caught(name, ids, "States.ALL")
                return
        done: Any = None
        while not isinstance(done, dict) or not done["done"]:
            done = yield from self._tried("reconcile", ids)
            if isinstance(done, str):
                yield from self._caught(name, ids, done)
                return

    def _restore(self, name: str, content: Json) -> Iterator[Any]:
        """Of ``statemachines/restore.asl.json``."""
        ids = {each: content[each] for each in ("organization", "restore_id")}
        if content["undo"]:
            of = {**ids, "export_id": content["export_id"]}
            done = yield from self._map("undo_part", of, self._parts(content))
        else:
            done = yield from self._until_done("import_file", ids)
        last = (yield from self._tried("restore_finish", ids)) if done else "States.ALL"
        if isinstance(last, str):
            yield from self._caught(name, ids, last)

    def _map(self, function: str, ids: Json, parts: list[int]) -> Iterator[Any]:
        for part in parts:
            if not (yield from self._until_done(function, {**ids, "part": part})):
                return False
        return True

    def _until_done(self, function: str, event: Json) -> Iterator[Any]:
        while True:
            answer = yield from self._tried(function, event)
            if answer == "Ended":
                return True
            if not isinstance(answer, dict):
                return False
            if answer["done"]:
                return True

    def _tried(self, function: str, event: Json) -> Iterator[Any]:
        """The answer; the name of the last error where the tries are used up, or of ``Ended``."""
        self.steps.append((function, event))
        answer: Any = None
        for _ in range(_TRIES):
            answer = self.call(function, event)
            yield function
            if isinstance(answer, dict) or answer == "Ended":
                break
        return answer

    def _caught(self, name: str, ids: Json, error: Any) -> Iterator[Any]:
        if error != "Ended":
            yield self.call("ended", {**ids, "name": name, "error": str(error)})

    def _parts(self, place: Json) -> list[int]:
        bucket = self.exports if place["bucket"] == "exports" else self.archive
        found = bucket.get(place["key"])
        return [item["part"] for item in json.loads(found or b"[]")]

    # --- below ------------------------------------------------------------------------------

    def _install(self) -> None:
        enter = self._patches.enter_context
        enter(patch.dict("os.environ", _ENVIRONMENT))
        table = FaultyTable(self.table, faults=self.faults)
        buckets = {
            bucket.name: FaultyBucket(bucket, self.faults)
            for bucket in (self.exports, self.archive)
        }

        def machine(name: str) -> Any:
            return FaultyStates(self.machines[name], self.faults)

        def opened(_: Any, shards: int) -> Ledger:
            made = open_ledger(table, shards)
            return replace(made, now=self.clock.now, sleep=self.clock.sleep)

        for target, name, value in (
            (app, "DynamoTable", lambda _: table),
            (app, "S3Bucket", buckets.__getitem__),
            (app, "StepFunctions", machine),
            (app, "KmsSigner", lambda _: FaultySigner(MemorySigner(), self.faults)),
            (app, "open_ledger", opened),
            (app, "_log", lambda *_: None),
            (app, "_logger", lambda: self.recorder),
            (step, "_log", lambda *_: None),
            (step, "_logger", lambda: self.recorder),
            (app, "secret", lambda _: b"pseudonyms" * 6),
            (tokens, "secret", lambda _: b"0123456789" * 6),
            (chain, "sleep", self.clock.sleep),
        ):
            enter(patch.object(target, name, value))
        for module in _SERIAL:
            loaded = importlib.import_module(f"chatledger.{module}")
            enter(patch.object(loaded, "ThreadPoolExecutor", SerialPool))
        _forget()

    def _owner(self, organization: str) -> Gateway:
        key = f"clk_operator_of_{organization}_0000001"
        bootstrap.lambda_handler({"key": key, "organization_id": organization}, None)
        return Gateway(key)

    def _check_foreseen(self) -> None:
        if self.recorder.failed:
            raise Unforeseen(self.recorder.failed)


def _well(_: Any) -> None:
    return None


def _forget_clients() -> None:
    """A function that died begins anew, with nothing that it remembered."""
    places = (app.ledger, app.exports_bucket, app.archive_bucket, app.signer)
    for kept in (*places, app.export_machine, app.restore_machine):
        kept.cache_clear()


def _forget() -> None:
    _forget_clients()
    for kept in (settings, secrets.secret, kms._public_key):
        kept.cache_clear()
