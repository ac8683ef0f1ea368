"""Compression: members that join, the same bytes each time, names as the contract says."""

import gzip
import shutil
import subprocess

import pytest
from backports import zstd
from hypothesis import given
from hypothesis import strategies as st

from chatledger.formats.compression import COMPRESSIONS, compressor_for, file_name

READERS = {"none": bytes, "gzip": gzip.decompress, "zstd": zstd.decompress}


def member(compression: str, *pieces: bytes) -> bytes:
    compressor = compressor_for(compression)
    return b"".join(map(compressor.compress, pieces)) + compressor.finish()


@pytest.mark.parametrize("compression", COMPRESSIONS)
@given(members=st.lists(st.lists(st.binary(max_size=300)), min_size=1, max_size=4))
def test_members_join(compression: str, members: list[list[bytes]]) -> None:
    data = b"".join(member(compression, *pieces) for pieces in members)
    assert READERS[compression](data) == b"".join(map(b"".join, members))


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_nothing_is_a_valid_member(compression: str) -> None:
    assert member(compression)
    assert READERS[compression](member(compression)) == b""


@pytest.mark.parametrize("compression", ["gzip", "zstd"])
def test_large_data_streams_out(compression: str) -> None:
    """Most of it leaves the compressor before the end."""
    text = b"".join(b"line %d of many\n" % number for number in range(100_000))
    compressor = compressor_for(compression)
    size = 64 * 1024
    early = b"".join(
        compressor.compress(text[start : start + size]) for start in range(0, len(text), size)
    )
    rest = compressor.finish()
    assert len(rest) < len(early)
    assert READERS[compression](early + rest) == text


@pytest.mark.parametrize("compression", COMPRESSIONS)
def test_the_same_bytes_each_time(compression: str) -> None:
    assert member(compression, b"a", b"b" * 1000) == member(compression, b"a", b"b" * 1000)


def test_no_time_and_no_name_in_gzip() -> None:
    data = member("gzip", b"text")
    assert data[3:8] == bytes(5)  # no flags, so no name; time 0


def test_damage_is_found() -> None:
    data = bytearray(member("zstd", bytes(range(256)) * 4))
    data[-1] ^= 1
    with pytest.raises(zstd.ZstdError):
        zstd.decompress(bytes(data))


@pytest.mark.skipif(not shutil.which("gzip"), reason="no gzip command here")
def test_the_gzip_command_reads_it() -> None:
    data = member("gzip", b"one\n") + member("gzip") + member("gzip", b"two\n")
    done = subprocess.run(["gzip", "-dc"], input=data, capture_output=True, check=True)
    assert done.stdout == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("name", "compression", "expected"),
    [
        ("jsonl", "none", "ai_conversations_export_2026-11-21.jsonl"),
        ("jsonl", "zstd", "ai_conversations_export_2026-11-21.jsonl.zst"),
        ("json", "gzip", "ai_conversations_export_2026-11-21.json.gz"),
        ("csv", "none", "ai_conversations_export_2026-11-21.csv"),
        ("txt", "gzip", "ai_conversations_export_2026-11-21.txt.gz"),
        ("ml", "none", "ai_conversations_export_2026-11-21.json"),
        ("openai", "zstd", "ai_conversations_export_2026-11-21.jsonl.zst"),
        ("sharegpt", "none", "ai_conversations_export_2026-11-21.jsonl"),
        ("alpaca", "none", "ai_conversations_export_2026-11-21.jsonl"),
        ("uiuc", "gzip", "ai_conversations_export_2026-11-21.jsonl.gz"),
        ("anythingllm", "none", "ai_conversations_export_2026-11-21.json"),
        ("archive", "none", "ai_conversations_export_2026-11-21.jsonl.gz"),
        ("archive", "gzip", "ai_conversations_export_2026-11-21.jsonl.gz"),
    ],
)
def test_file_names(name: str, compression: str, expected: str) -> None:
    assert file_name(name, compression, "2026-11-21") == expected
