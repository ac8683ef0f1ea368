"""Joining objects: the same bytes whatever their sizes, copied by S3 where S3 can."""

import hashlib
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatledger.errors import StorageError
from chatledger.export import join
from chatledger.export.join import Joined, Stored
from tests.fakes import memory_bucket
from tests.fakes.memory_bucket import MemoryBucket

LEAST = 50
TEXT = "text/plain"


@pytest.fixture(autouse=True, scope="module")
def small_parts() -> object:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(join, "MIN_PART_BYTES", LEAST)
        patch.setattr(join, "_COPY_BYTES", 4 * LEAST)
        patch.setattr(memory_bucket, "MIN_PART_BYTES", LEAST)
        patch.setattr(memory_bucket, "PIECE_BYTES", 7)
        yield


def joined(sizes: list[tuple[bool, int]]) -> tuple[bytes, bytes, MemoryBucket]:
    """What it should be, what it is, and the bucket; each piece stored, or given as bytes."""
    dice = random.Random(7)
    source = MemoryBucket("archive", versioned=True)
    target = MemoryBucket("exports")
    expected = b""
    with Joined(target, "file", TEXT, lambda: None) as file:
        for number, (is_stored, size) in enumerate(sizes):
            data = dice.randbytes(size)
            expected += data
            if is_stored:
                version = source.put(f"piece {number}", data, TEXT)
                source.put(f"piece {number}", b"another version", TEXT)
                file.add_stored(Stored(source, f"piece {number}", version, size))
            else:
                file.add(data)
    assert (file.size, file.sha256) == (len(expected), hashlib.sha256(expected).hexdigest())
    return expected, target.objects["file"], target


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 12 * LEAST)), max_size=8))
def test_any_sizes_make_the_same_bytes(sizes: list[tuple[bool, int]]):
    """The bucket refuses parts below the least size, as S3 does."""
    expected, found, _ = joined(sizes)
    assert found == expected


def test_what_is_small_is_put_at_once():
    _, _, bucket = joined([(False, 3), (True, LEAST - 4)])
    assert [call for call, _ in bucket.journal] == ["put"]


def test_only_what_a_small_predecessor_lacks_is_sent(monkeypatch: pytest.MonkeyPatch):
    sent: list[int] = []
    original = memory_bucket.MemoryUpload.part

    def part(self: memory_bucket.MemoryUpload, data: bytes) -> None:
        sent.append(len(data))
        original(self, data)

    monkeypatch.setattr(memory_bucket.MemoryUpload, "part", part)
    expected, found, _ = joined([(False, 1), (True, 10 * LEAST), (True, 10 * LEAST), (False, 2)])
    assert found == expected
    assert sent == [LEAST, 2]


def test_an_error_leaves_no_object_and_is_raised(monkeypatch: pytest.MonkeyPatch):
    source, target = MemoryBucket("archive"), MemoryBucket("exports")
    source.put("piece", b"x" * 4 * LEAST, TEXT)
    aborted: list[str] = []

    def before(call: str) -> None:
        if call == "copy":
            raise StorageError

    target.before = before
    monkeypatch.setattr(memory_bucket.MemoryUpload, "abort", lambda _: aborted.append("aborted"))
    with pytest.raises(StorageError), Joined(target, "file", TEXT, lambda: None) as file:
        file.add_stored(Stored(source, "piece", None, 4 * LEAST))
    assert aborted == ["aborted"]
    assert not target.objects


def test_an_object_of_another_size_is_no_piece():
    source, target = MemoryBucket("archive"), MemoryBucket("exports")
    source.put("piece", b"x" * LEAST, TEXT)
    with (
        pytest.raises(StorageError, match="another size"),
        Joined(target, "file", TEXT, lambda: None) as file,
    ):
        file.add_stored(Stored(source, "piece", None, LEAST + 1))
    assert not target.objects


def test_it_can_be_stopped_between_pieces():
    class Stop(Exception):
        pass

    def stop() -> None:
        raise Stop

    with pytest.raises(Stop), Joined(MemoryBucket(), "file", TEXT, stop) as file:
        file.add(b"x")
