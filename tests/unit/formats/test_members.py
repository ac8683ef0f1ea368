"""The lines of gzip members: whatever they are cut into, and where a reader may begin again."""

import gzip
import hashlib
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatledger.formats.archive import MAX_LINE_BYTES, BrokenArchive
from chatledger.formats.members import Line, member_content, read_lines
from chatledger.ledger.entries import compress

PLAIN = st.lists(st.binary(max_size=40).map(lambda data: data.replace(b"\n", b"") + b"\n"))


def cut(data: bytes, size: int) -> Iterator[bytes]:
    return (data[at : at + size] for at in range(0, len(data), size))


@given(members=st.lists(PLAIN), size=st.integers(1, 50))
def test_every_line_and_the_member_it_begins(members: list[list[bytes]], size: int):
    packed = [compress(b"".join(lines)) for lines in members]
    found = list(read_lines(cut(b"".join(packed), size)))
    assert [line.data for line in found] == [line for lines in members for line in lines]
    starts = [sum(map(len, packed[:place])) for place in range(len(packed))]
    begun = [line.member for line in found if line.member is not None]
    assert begun == [start for start, lines in zip(starts, members, strict=True) if lines]


@given(members=st.lists(PLAIN, min_size=2, max_size=5))
def test_from_a_member_on_the_rest_is_read(members: list[list[bytes]]):
    data = b"".join(compress(b"".join(lines)) for lines in members)
    found = list(read_lines([data]))
    for place, line in enumerate(found):
        if line.member is not None:
            assert list(read_lines([data[line.member :]], line.member)) == found[place:]


@given(lines=PLAIN, size=st.integers(1, 60))
def test_members_that_end_within_a_line(lines: list[bytes], size: int):
    plain = b"".join(lines)
    packed = [gzip.compress(piece) for piece in cut(plain, size)]
    found = list(read_lines(packed))
    assert [line.data for line in found] == lines
    for line in found:
        if line.member is not None:
            rest = b"".join(packed)[line.member :]
            assert next(read_lines([rest])).data == line.data


def test_levels_and_stored_blocks_of_other_tools():
    plain = b"".join(f"line {number}\n".encode() for number in range(50_000))
    for level in (0, 1, 9):
        found = [line.data for line in read_lines(cut(gzip.compress(plain, level), 70_000))]
        assert b"".join(found) == plain


def test_carriage_returns_part_no_lines():
    assert list(read_lines([compress(b"a\rb\r\n")])) == [Line(b"a\rb\r\n", 0)]


MEMBER = compress(b"line\n")


@pytest.mark.parametrize(
    "data",
    [
        b"x",
        MEMBER[:-1],
        MEMBER[:5],
        MEMBER + b"x",
        MEMBER + b"\0" * 20,
        MEMBER[:-1] + b"x",
        MEMBER[:12] + b"\xff" + MEMBER[13:],
        compress(b"no end"),
    ],
)
def test_what_is_broken_is_refused(data: bytes):
    with pytest.raises(BrokenArchive):
        list(read_lines(cut(data, 3)))


def test_a_small_file_does_not_become_a_large_memory():
    """One line of 200 MB, in 200 KB."""
    bomb = gzip.compress(b"x" * (200 * 1024 * 1024))
    tracemalloc.start()
    with pytest.raises(BrokenArchive, match="8 MB"):
        list(read_lines([bomb]))
    assert tracemalloc.get_traced_memory()[1] < 5 * MAX_LINE_BYTES
    tracemalloc.stop()


def test_the_content_of_a_member_by_its_digest():
    digest = hashlib.sha256(b"line\n").digest()
    assert member_content(MEMBER, digest) == b"line\n"
    for wrong in (compress(b"other\n"), b"", b"x", MEMBER[:-1], MEMBER + b"x"):
        assert member_content(wrong, digest) is None
