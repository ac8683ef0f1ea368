"""The fakes that fail: each fault does to a bucket and a state machine what it says."""

from collections.abc import Callable
from typing import Any

import pytest

from chatledger.aws.bucket import AlreadyThere
from chatledger.aws.table import Key
from chatledger.errors import StorageError
from tests.fakes.faults import (
    TIME_OUT_SECONDS,
    Crashed,
    Fault,
    Faults,
    FaultyTable,
    at,
    first,
)
from tests.fakes.faulty_ports import FaultyBucket, FaultySigner, FaultyStates
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable


def put(bucket: FaultyBucket) -> None:
    bucket.put("key", b"data", "text/plain", once=True)


def start(states: FaultyStates) -> None:
    states.start("name", {"a": 1})


@pytest.mark.parametrize(
    ("fault", "raised", "applied"),
    [
        (Fault.BUSY, StorageError, False),
        (Fault.PARTIAL, StorageError, False),
        (Fault.DIED, Crashed, False),
        (Fault.TIMED_OUT, StorageError, False),
        (Fault.DELAYED, StorageError, False),
        (Fault.LOST, StorageError, True),
        (Fault.CRASH, Crashed, True),
        (Fault.TWICE, AlreadyThere, True),
    ],
)
def test_each_fault_hits_a_bucket_as_it_says(
    fault: Fault, raised: type[BaseException], applied: bool
) -> None:
    memory = MemoryBucket()
    with pytest.raises(raised):
        put(FaultyBucket(memory, Faults(at({1: fault}))))
    assert ("key" in memory.objects) is applied


@pytest.mark.parametrize(
    ("fault", "applied"), [(Fault.BUSY, False), (Fault.LOST, True), (Fault.DELAYED, False)]
)
def test_each_fault_hits_a_state_machine_as_it_says(fault: Fault, applied: bool) -> None:
    memory = MemoryStates()
    with pytest.raises(StorageError):
        start(FaultyStates(memory, Faults(at({1: fault}))))
    assert ("name" in memory.started) is applied


def test_what_was_delayed_comes_late_and_once() -> None:
    memory, faults = MemoryBucket(), Faults(first(Fault.DELAYED, "put"))
    bucket = FaultyBucket(memory, faults)
    with pytest.raises(StorageError):
        bucket.put("key", b"late", "text/plain")
    bucket.put("key", b"early", "text/plain")
    faults.release()
    assert memory.objects["key"] == b"late"
    bucket.put("key", b"last", "text/plain")
    faults.release()
    assert memory.objects["key"] == b"last"


@pytest.mark.parametrize("fault", [Fault.TIMED_OUT, Fault.DELAYED])
def test_who_is_not_answered_has_waited(fault: Fault) -> None:
    waited: list[float] = []
    with pytest.raises(StorageError):
        put(FaultyBucket(MemoryBucket(), Faults(at({1: fault}), wait=waited.append)))
    assert waited == [TIME_OUT_SECONDS]


def test_ports_that_share_their_faults_are_counted_together() -> None:
    faults = Faults()
    table = FaultyTable(MemoryTable(), faults=faults)
    bucket = FaultyBucket(MemoryBucket("exports"), faults)
    named: list[tuple[int, str, str]] = []
    faults.plan = lambda call: named.append((call.number, call.port, call.operation))
    table.get(Key("P", "a"))
    put(bucket)
    upload = bucket.upload("other", "text/plain")
    upload.part(b"data")
    upload.complete()
    b"".join(bucket.read("other"))
    FaultyStates(MemoryStates(), faults).status("name")
    FaultySigner(MemorySigner(), faults).sign(bytes(32))
    assert [(port, operation) for _, port, operation in named] == [
        ("table", "get"),
        ("exports", "put"),
        ("exports", "upload"),
        ("exports", "part"),
        ("exports", "complete"),
        ("exports", "read"),
        ("states", "status"),
        ("signer", "sign"),
    ]
    assert [number for number, *_ in named] == list(range(1, 9))


def test_a_part_that_is_sent_twice_is_there_once() -> None:
    memory = MemoryBucket()
    upload = FaultyBucket(memory, Faults(first(Fault.TWICE, "part"))).upload("key", "text/plain")
    upload.part(b"data")
    upload.complete()
    assert memory.objects["key"] == b"data"


def test_an_upload_that_is_completed_twice_holds_the_same() -> None:
    memory = MemoryBucket("kept", versioned=True)
    upload = FaultyBucket(memory, Faults(first(Fault.TWICE, "complete"))).upload("key", "x")
    upload.part(b"data")
    assert upload.complete()
    assert memory.objects["key"] == b"data"


def test_an_empty_range_calls_nobody() -> None:
    bucket = FaultyBucket(MemoryBucket(), Faults(lambda _: Fault.BUSY))
    assert list(bucket.read("nothing there", length=0)) == []


CALLS: list[Callable[[FaultyBucket], Any]] = [
    lambda bucket: bucket.get("key"),
    lambda bucket: bucket.size("key"),
    lambda bucket: list(bucket.read("key")),
    lambda bucket: bucket.delete_under("k"),
    lambda bucket: bucket.delete_versions_under("k"),
    lambda bucket: bucket.upload("key", "text/plain"),
]


@pytest.mark.parametrize("call", CALLS)
def test_every_call_of_a_bucket_can_fail(call: Callable[[FaultyBucket], Any]) -> None:
    memory = MemoryBucket()
    memory.put("key", b"data", "text/plain")
    with pytest.raises(StorageError):
        call(FaultyBucket(memory, Faults(at({1: Fault.BUSY}))))
    assert memory.objects
