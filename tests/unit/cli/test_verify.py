"""``chatledger verify``: whatever is wrong, missing or extra in an archive's folder is named."""

import gzip
import hashlib
import io
import json
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
from rich.console import Console

from chatledger.export import manifest as manifests
from chatledger.export import signature as signatures
from chatledger.export.manifest import ListedEntry, entry_line, read_entries, read_first_line
from chatledger_cli import checking
from chatledger_cli.main import main
from chatledger_cli.screen import Screen
from tests.fakes.memory_signer import MemorySigner, stranger
from tests.unit.export.exports import (
    CONVERSATIONS,
    Clock,
    bucket_of,
    exported,
    exporter_of,
    filled_ledger,
    request,
)

MANIFEST, SIGNATURE = "manifest.jsonl", "manifest.sig.json"


@dataclass
class Verified:
    status: int
    out: str
    complaints: str


def verify(folder: Path, *more: str) -> Verified:
    out, errors = io.StringIO(), io.StringIO()
    screen = Screen(Console(file=out, width=200), Console(file=errors, width=200))
    status = main(["verify", str(folder), *more], {}, screen=screen)
    return Verified(status, out.getvalue(), errors.getvalue())


def export_to(folder: Path, end: str = "2026-12-31") -> Path:
    exporter = exporter_of(filled_ledger(Clock()))
    job, data = exported(exporter, request("archive", end_date=end))
    assert job.manifest
    assert job.manifest.signature
    objects = bucket_of(exporter).objects
    folder.mkdir()
    (folder / job.files[0].name).write_bytes(data)
    (folder / MANIFEST).write_bytes(objects[job.manifest.file.key])
    (folder / SIGNATURE).write_bytes(objects[job.manifest.signature.key])
    return folder


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    folder = export_to(tmp_path_factory.mktemp("kept") / "archive")
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def folder(tmp_path: Path, kept: dict[str, bytes]) -> Path:
    folder = tmp_path / "archive"
    folder.mkdir()
    for name, data in kept.items():
        (folder / name).write_bytes(data)
    return folder


def archive_of(folder: Path) -> Path:
    (archive,) = folder.glob("*.jsonl.gz")
    return archive


def key_file(folder: Path, signer: MemorySigner, name: str = "key.pem") -> Path:
    path = folder.parent / name
    path.write_text(signatures.key_answer(signer)["public_key"])
    return path


def relist(
    folder: Path,
    change: Callable[[list[ListedEntry]], list[ListedEntry]],
    signer: MemorySigner | None = None,
) -> None:
    """Another manifest of the same bytes, whole in itself; signed, as only a thief could."""
    lines = (folder / MANIFEST).read_bytes().splitlines(keepends=True)
    header, _ = read_first_line(lines[0])
    listed = change(list(read_entries(iter(lines[1:]))))
    data = b"".join(map(entry_line, listed))
    (part,) = header.parts
    part = manifests.ManifestPart(
        **{name: getattr(part, name) for name in part.__struct_fields__}
        | {
            "entries": len(listed),
            "messages": sum(entry.n for entry in listed),
            "entries_bytes": len(data),
            "entries_sha256": hashlib.sha256(data).hexdigest(),
        }
    )
    fields = {name: getattr(header, name) for name in header.__struct_fields__}
    first, root_hash = manifests.first_line(
        manifests.Header(**fields | {"parts": (part,), "messages": part.messages})
    )
    (folder / MANIFEST).write_bytes(first + data)
    (folder / SIGNATURE).write_bytes(signatures.sign(signer or MemorySigner(), root_hash))


def test_a_whole_archive_is_proven_and_its_root_hash_is_told(folder: Path):
    found = verify(folder, "--public-key", str(key_file(folder, MemorySigner())))
    assert (found.status, found.complaints) == (0, "")
    root_hash = read_first_line((folder / MANIFEST).read_bytes().splitlines(keepends=True)[0])[1]
    assert re.search(rf"Root hash\s+{root_hash}", found.out)
    assert f"{len(CONVERSATIONS)} conversations, {10 * len(CONVERSATIONS)} messages" in found.out


def test_without_a_key_of_ones_own_it_says_that_the_signer_is_not_known(folder: Path):
    found = verify(folder)
    assert found.status == 0
    assert "came with the archive" in found.complaints


def test_the_answer_of_the_service_serves_as_the_key(folder: Path):
    path = folder.parent / "answer.json"
    path.write_text(json.dumps(signatures.key_answer(MemorySigner())))
    assert verify(folder, "--public-key", str(path)).status == 0


def test_an_archive_of_nothing_is_proven(tmp_path: Path):
    assert verify(export_to(tmp_path / "empty", end="2020-01-01")).status == 0


@pytest.mark.parametrize("name", ["archive", MANIFEST, SIGNATURE])
def test_any_flipped_bit_is_named(folder: Path, kept: dict[str, bytes], name: str):
    """A bit of each seventh byte of the archive, and of each thirteenth of the others."""
    path = archive_of(folder) if name == "archive" else folder / name
    data, step = kept[path.name], 7 if name == "archive" else 13
    for at in range(0, len(data), step):
        path.write_bytes(data[:at] + bytes([data[at] ^ 1 << at % 8]) + data[at + 1 :])
        found = verify(folder)
        assert found.status == 1, f"byte {at}"
        assert path.name in found.complaints or "part 1" in found.complaints, f"byte {at}"


def test_a_damaged_entry_is_named_and_the_others_are_still_checked(folder: Path):
    lines = (folder / MANIFEST).read_bytes().splitlines(keepends=True)[1:]
    listed = list(read_entries(iter(lines)))
    data = bytearray(archive_of(folder).read_bytes())
    for entry in (listed[2], listed[-1]):
        data[entry.offset + entry.bytes // 2] ^= 4
    archive_of(folder).write_bytes(data)
    found = verify(folder)
    named = re.findall(
        r"entry (\d+) \(conversation (.+), 2026-\d\d-\d\d \d\d:\d\d\)", found.complaints
    )
    assert [int(number) for number, _ in named] == [3, len(listed)]


@pytest.mark.parametrize("name", ["archive", MANIFEST, SIGNATURE])
def test_a_missing_file_is_named(folder: Path, name: str):
    path = archive_of(folder) if name == "archive" else folder / name
    path.unlink()
    found = verify(folder)
    assert found.status == 1
    assert f"{path.name}: missing" in found.complaints


@pytest.mark.parametrize("name", ["notes.txt", ".hidden", "manifest.jsonl.bak", "a\x1b[31mb"])
def test_an_added_file_is_named(folder: Path, name: str):
    (folder / name).write_text("something")
    found = verify(folder)
    assert found.status == 1
    assert f"{name.replace(chr(27), ' ')}: extra" in found.complaints


def test_an_added_folder_and_a_link_are_named(folder: Path):
    (folder / "more").mkdir()
    moved = archive_of(folder).rename(folder.parent / "elsewhere")
    (folder / "link.jsonl.gz").symlink_to(moved)
    found = verify(folder).complaints
    assert "more: extra" in found
    assert "link.jsonl.gz: extra" in found


@pytest.mark.parametrize("name", [MANIFEST, SIGNATURE])
def test_the_manifest_or_signature_of_another_export_is_named(folder: Path, name: str):
    other = export_to(folder.parent / "other", end="2026-11-20")
    (folder / name).write_bytes((other / name).read_bytes())
    found = verify(folder)
    assert found.status == 1
    assert name in found.complaints or "part 1" in found.complaints


def test_bytes_that_are_cut_off_or_added_are_named(folder: Path, kept: dict[str, bytes]):
    path = archive_of(folder)
    path.write_bytes(kept[path.name][:-100])
    assert "bytes are missing" in verify(folder).complaints
    path.write_bytes(kept[path.name] + gzip.compress(b'{"record":"head"}\n'))
    assert "extra" in verify(folder).complaints
    path.write_bytes(kept[path.name])
    (folder / MANIFEST).write_bytes(kept[MANIFEST] + b"{}\n")
    assert "bytes at its end are extra" in verify(folder).complaints


def test_whoever_signs_anew_is_found_out_by_the_key_that_was_kept(folder: Path):
    """All is whole in itself, and somebody else's."""
    relist(folder, lambda listed: listed, stranger())
    assert verify(folder).status == 0
    found = verify(folder, "--public-key", str(key_file(folder, MemorySigner())))
    assert found.status == 1
    assert "signed with another key" in found.complaints


def test_what_the_manifest_does_not_list_is_extra(folder: Path):
    relist(folder, lambda listed: listed[:3] + listed[4:])
    found = verify(folder)
    assert found.status == 1
    assert "a message that is not listed: extra" in found.complaints


@pytest.mark.parametrize("how", ["twice", "out of order", "overlapping", "beyond", "no key"])
def test_a_manifest_that_lies_is_named_and_breaks_nothing(folder: Path, how: str):
    def changed(listed: list[ListedEntry]) -> list[ListedEntry]:
        first, second, *rest = listed
        fields = {name: getattr(first, name) for name in first.__struct_fields__}
        return {
            "twice": [first, first, second, *rest],
            "out of order": [second, first, *rest],
            "overlapping": [ListedEntry(**fields | {"bytes": first.bytes + 1}), second, *rest],
            "beyond": [ListedEntry(**fields | {"offset": 2**40, "bytes": 2**50}), second, *rest],
            "no key": [ListedEntry(**fields | {"key": "../../#x"}), second, *rest],
        }[how]

    relist(folder, changed)
    found = verify(folder)
    assert found.status == 1
    assert "part 1, entry" in found.complaints


def test_a_bomb_does_not_fill_the_memory(folder: Path):
    """A member of a hundred megabytes of nothing, where an entry should be."""
    bomb = gzip.compress(bytes(100 * 2**20), 9)
    lines = (folder / MANIFEST).read_bytes().splitlines(keepends=True)[1:]
    first = next(read_entries(iter(lines)))
    data = bytearray(archive_of(folder).read_bytes())
    data[first.offset : first.offset + first.bytes] = bomb

    def changed(listed: list[ListedEntry]) -> list[ListedEntry]:
        fields = {name: getattr(first, name) for name in first.__struct_fields__}
        return [ListedEntry(**fields | {"bytes": len(bomb)}), *listed[1:]]

    relist(folder, changed)
    archive_of(folder).write_bytes(data)
    assert "cannot be decompressed" in verify(folder).complaints


@pytest.mark.parametrize("what", ["folder", "key", "no key"])
def test_wrong_usage_is_told_from_a_wrong_archive(folder: Path, what: str):
    given = {
        "folder": [str(folder / "nowhere")],
        "key": [str(folder), "--public-key", str(folder / SIGNATURE)],
        "no key": [str(folder), "--public-key", str(folder / "nowhere.pem")],
    }[what]
    out = Screen(Console(file=io.StringIO()), Console(file=io.StringIO()))
    assert main(["verify", *given], {}, screen=out) == 2


@pytest.mark.parametrize("name", ["../outside.jsonl.gz", "a/b", ".hidden", MANIFEST, "x" * 300])
def test_an_archive_is_a_file_of_the_folder(folder: Path, name: str):
    """Whoever signs anew may name any file; none is looked at but those beside the manifest."""
    lines = (folder / MANIFEST).read_bytes().splitlines(keepends=True)
    header, _ = read_first_line(lines[0])
    fields = {each: getattr(header, each) for each in header.__struct_fields__}
    file = {**(header.file or {}), "name": name}
    first, root_hash = manifests.first_line(manifests.Header(**fields | {"file": file}))
    (folder / MANIFEST).write_bytes(first + b"".join(lines[1:]))
    (folder / SIGNATURE).write_bytes(signatures.sign(MemorySigner(), root_hash))
    found = verify(folder)
    assert found.status == 1
    assert "header" in found.complaints


def test_many_records_between_two_entries_are_read_in_one_pass():
    """Each a member of its own: what is left is never copied for each of them."""
    data = gzip.compress(b'{"record":"cleared"}\n', mtime=0) * 20_000
    fed, real = list[int](), zlib.decompressobj

    class Counting:
        def __init__(self, wbits: int) -> None:
            self._real = real(wbits)

        def decompress(self, piece: bytes, most: int) -> bytes:
            fed.append(len(piece))
            return self._real.decompress(piece, most)

        def __getattr__(self, name: str) -> Any:
            return getattr(self._real, name)

    with patch.object(checking.zlib, "decompressobj", Counting):
        lines = checking.inflated(data, 64 * 2**20, members=True)
    assert lines
    assert lines.count(b"\n") == 20_000
    assert sum(fed) < 20_000 * 5_000
