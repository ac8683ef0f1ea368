"""Memory stays where it is while the data grows."""

import tracemalloc
from collections.abc import Callable, Iterator
from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from chatledger.aws.bucket import ObjectGone, Source
from chatledger.export import chunk as chunks
from chatledger.export.exporter import Exporter
from chatledger.export.steps import finish_export, plan_export, write_export_part
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from tests.fakes.chats import batch, noise
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.unit.export.exports import (
    NEVER,
    ORGANIZATION,
    START,
    Clock,
    begun,
    job_of,
    ledger_at,
    request,
)

MB = 2**20


class HollowBucket(MemoryBucket):
    """Keeps small objects; of large ones only their size, and reads them as so many zeros."""

    def upload(self, key: str, media_type: str) -> Any:  # noqa: ARG002 - the face of a bucket
        return _HollowUpload(self, key)

    def read(self, key: str, **rest: Any) -> Iterator[bytes]:
        if not isinstance(self.objects.get(key), _Hollow):
            yield from super().read(key, **rest)
            return
        left = len(self.objects[key])
        while left:
            yield bytes(min(left, MB))
            left -= min(left, MB)


class _Hollow(bytes):
    size: int

    def __len__(self) -> int:
        return self.size


class _HollowUpload:
    def __init__(self, bucket: MemoryBucket, key: str) -> None:
        self.bucket, self.key, self.size = bucket, key, 0

    def part(self, data: bytes) -> None:
        self.size += len(data)

    def copy(self, source: Source) -> None:
        self.size += source.length

    def complete(self) -> str | None:
        hollow = _Hollow()
        hollow.size = self.size
        self.bucket.objects[self.key] = hollow
        if not self.bucket.versioned:
            return None
        version = f"v{len(self.bucket.versions) + 1}"
        self.bucket.versions[self.key, version] = hollow
        return version

    def abort(self) -> None:
        raise ObjectGone


def filled(conversations: int) -> Ledger:
    """Conversations of about a megabyte, a tenth of it in each of ten quarter hours."""
    ledger = ledger_at(Clock())
    for number in range(conversations):
        messages = [
            Message(
                id=f"m{place}",
                conversation_id=f"c{number:05}",
                timestamp=START + timedelta(minutes=15 * place),
                role="user",
                content=noise(100_000, place),
            )
            for place in range(10)
        ]
        append(ledger, ORGANIZATION, batch(messages))
    return ledger


def peak_of(work: Callable[[], object]) -> int:
    """In bytes, above what there was before."""
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


_numbers = count(1)


@pytest.fixture(scope="module")
def few() -> Ledger:
    return filled(10)


@pytest.fixture(scope="module")
def many() -> Ledger:
    return filled(200)


def peaks(ledger: Ledger, asked: dict[str, Any]) -> dict[str, int]:
    archive = HollowBucket("archive", versioned=True)
    exporter = Exporter(ledger, HollowBucket("exports"), archive, MemorySigner())
    begun(exporter, request(**asked))
    found = {"plan": peak_of(lambda: plan_export(exporter, ORGANIZATION, "E1"))}
    found["write part"] = peak_of(lambda: write_export_part(exporter, ORGANIZATION, "E1", 1, NEVER))
    found["finish"] = peak_of(lambda: finish_export(exporter, ORGANIZATION, "E1", NEVER))
    job = job_of(exporter)
    assert job.counts
    assert job.counts.messages
    return found


@pytest.mark.parametrize(
    "asked",
    [
        {"format": "csv", "clear": True},
        {"format": "json", "compression": "gzip"},
    ],
)
def test_twenty_times_the_data_takes_no_more_memory(
    few: Ledger, many: Ledger, asked: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(chunks, "CHUNK_BYTES", 16 * MB)
    less, more = peaks(few, asked), peaks(many, asked)
    for step in less:
        assert more[step] - less[step] < 20 * MB, (step, less, more)
        assert more[step] < 100 * MB, (step, more)
