"""Verify: an archive that is not exactly what its manifest lists is found out."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from chatledger.clear.verify import verify_part
from chatledger.export import manifest as manifests
from chatledger.export.job import Manifest
from chatledger.export.kept import ArchiveDiffers, open_archive
from chatledger.export.manifest import Header, ListedEntry
from chatledger.formats.archive import head_line
from chatledger.jobs.ended import Ended
from chatledger.ledger.entries import compress
from chatledger.ledger.heads import Head
from chatledger.messages import encode_line
from tests.fakes.archives import write_manifest
from tests.fakes.chats import ORGANIZATION, noise
from tests.fakes.clears import World, says


@pytest.fixture
def world() -> World:
    world = World()
    world.fill()
    world.archived()
    return world


def manifest(world: World) -> Manifest:
    found = world.job().manifest
    assert found
    return found


def change_part(world: World, change: Callable[[bytes], bytes], number: int = 2) -> None:
    """Changes the bytes of a part's object, behind the version's back."""
    part = open_archive(world.archive, manifest(world)).part(number)
    place = (part.key, part.version_id or "")
    world.archive.versions[place] = change(world.archive.versions[place])


def change_manifest(world: World, change: Callable[[bytes], bytes]) -> None:
    file = manifest(world).file
    place = (file.key, file.version or "")
    world.archive.versions[place] = change(world.archive.versions[place])


def flipped(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def relisted(
    world: World,
    change: Callable[[list[ListedEntry]], list[ListedEntry]],
    **of_header: Any,
) -> None:
    """Another manifest, right in itself, whose root hash the job records: only decoding tells."""
    kept = open_archive(world.archive, manifest(world))
    lists, parts = list[bytes](), list[manifests.ManifestPart]()
    for part in kept.header.parts:
        entries = change(list(kept.entries(part)))
        lines = b"".join(map(manifests.entry_line, entries))
        parts.append(
            msgspec.structs.replace(
                part,
                entries_offset=sum(map(len, lists)),
                entries_bytes=len(lines),
                entries_sha256=manifests.hashlib.sha256(lines).hexdigest(),
            )
        )
        lists.append(lines)
    header: Header = msgspec.structs.replace(kept.header, parts=tuple(parts), **of_header)
    forged = write_manifest(world.archive, "E1", header, b"".join(lists))
    world.save(msgspec.structs.replace(world.job(), manifest=forged))


def test_a_whole_archive_passes_and_nothing_is_written(world: World):
    writes = [each for each in world.archive.journal if each[0] == "put"]
    billed = world.table.write_units
    world.verify()
    assert [each for each in world.archive.journal if each[0] == "put"] == writes
    assert world.table.write_units == billed


def test_every_flipped_bit_of_an_object_is_found(world: World):
    part = open_archive(world.archive, manifest(world)).part(2)
    for at in range(0, part.bytes, 7):
        change_part(world, lambda data, at=at: flipped(data, at))
        with pytest.raises(ArchiveDiffers, match="Part 2"):
            world.verify()
        change_part(world, lambda data, at=at: flipped(data, at))
    world.verify()


def test_every_flipped_bit_of_a_manifest_is_found(world: World):
    size = manifest(world).file.bytes
    for at in range(0, size, 11):
        change_manifest(world, lambda data, at=at: flipped(data, at))
        with pytest.raises(ArchiveDiffers):
            world.verify()
        change_manifest(world, lambda data, at=at: flipped(data, at))
    world.verify()


def test_what_stands_behind_a_manifest_is_found(world: World):
    change_manifest(world, lambda data: data + b"\n")
    with pytest.raises(ArchiveDiffers, match="other bytes"):
        world.verify()


def test_a_signature_that_says_the_same_in_other_bytes_is_found(world: World):
    signature = manifest(world).signature
    assert signature
    world.archive.versions[signature.key, signature.version or ""] += b" "
    with pytest.raises(ArchiveDiffers, match="not the one that was written"):
        world.verify()


@pytest.mark.parametrize("cut", [1, 20, 200])
def test_an_object_that_was_cut_is_found(world: World, cut: int):
    change_part(world, lambda data: data[:-cut])
    with pytest.raises(ArchiveDiffers, match="Part 2"):
        world.verify()


@pytest.mark.parametrize("cut", [1, 100, 2000])
def test_a_manifest_that_was_cut_is_found(world: World, cut: int):
    change_manifest(world, lambda data: data[:-cut])
    with pytest.raises(ArchiveDiffers):
        world.verify()


def test_what_goes_on_behind_the_last_entry_is_found(world: World):
    change_part(world, lambda data: data + compress(encode_line(says("plain", 99))))
    with pytest.raises(ArchiveDiffers, match="not listed"):
        world.verify()


def test_a_gone_object_and_a_gone_manifest_are_found(world: World):
    part = open_archive(world.archive, manifest(world)).part(2)
    data = world.archive.versions.pop((part.key, part.version_id or ""))
    with pytest.raises(ArchiveDiffers, match="part 2 is gone"):
        world.verify()
    world.archive.versions[part.key, part.version_id or ""] = data
    world.archive.delete_versions_under(manifest(world).file.key)
    with pytest.raises(ArchiveDiffers, match="manifest is gone"):
        world.verify()


def test_a_newer_object_under_the_name_changes_nothing(world: World):
    """I4: the version that was written counts, not what stands under its name now."""
    kept = open_archive(world.archive, manifest(world))
    world.archive.put(kept.part(1).key, b"something else", "application/gzip")
    world.archive.put(manifest(world).file.key, b"something else", "application/json")
    world.verify()


def test_swapped_objects_are_found(world: World):
    kept = open_archive(world.archive, manifest(world))
    first, second = ((part.key, part.version_id or "") for part in kept.header.parts)
    versions = world.archive.versions
    versions[first], versions[second] = versions[second], versions[first]
    with pytest.raises(ArchiveDiffers, match="Part 1"):
        world.verify()


def test_another_exports_manifest_is_found(world: World):
    other = world.archived("E2", on="acknowledged").manifest
    world.save(msgspec.structs.replace(world.job(), manifest=other))
    with pytest.raises(ArchiveDiffers, match="another's"):
        world.verify()


def _moved(field: str, value: Any) -> Callable[[list[ListedEntry]], list[ListedEntry]]:
    return lambda entries: [msgspec.structs.replace(entries[0], **{field: value}), *entries[1:]]


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda entries: entries[1:], "not listed"),
        (lambda entries: entries[:-1], "not listed"),
        (lambda entries: [*entries, entries[-1]], "lies elsewhere"),
        (_moved("n", 2), "holds 1 messages, not 2"),
        (_moved("n", 0), "holds 1 messages, not 0"),
        (_moved("digest", "00" * 32), "other lines"),
        (_moved("day", "2026-11-22"), "another's"),
        (_moved("key", "plain#0815#00000000001"), "another's|another head"),
        (_moved("key", "nobody#0800#00000000001"), "another head"),
        (_moved("offset", 0), "is not one|another head|decompressed|lines"),
    ],
)
def test_a_manifest_that_lies_is_found(world: World, change: Any, says: str):
    """I2: nothing is cleared by a list that is not what the archive holds."""
    relisted(world, change)
    with pytest.raises(ArchiveDiffers, match=says):
        world.verify()


@pytest.mark.parametrize("wrong", [{"messages": 1}, {"conversations": 9}, {"bytes": 0}])
def test_a_header_that_does_not_add_up_is_found(world: World, wrong: dict[str, int]):
    relisted(world, lambda entries: entries, **wrong)
    with pytest.raises(ArchiveDiffers, match="do not add up"):
        world.verify()


def test_a_head_of_another_conversation_is_found(world: World):
    """The bytes and the digests are right, but the entry stands under somebody else's head."""
    found = world.archived("E3", parts=1, on="acknowledged")
    assert found.manifest
    kept = open_archive(world.archive, found.manifest)
    part = kept.part(1)
    entries = list(kept.entries(part))
    data = b"".join(world.archive.read(part.key, version=part.version_id))
    strange = compress(head_line(Head("stranger", "2026-11-21", "2026-11-21")))
    grown = len(strange) - entries[0].offset
    data = strange + data[entries[0].offset :]
    lines = b"".join(
        manifests.entry_line(msgspec.structs.replace(each, offset=each.offset + grown))
        for each in entries
    )
    sha256 = manifests.hashlib.sha256
    forged = msgspec.structs.replace(
        part,
        version_id=world.archive.put(part.key, data, "application/gzip"),
        bytes=len(data),
        sha256=sha256(data).hexdigest(),
        entries_bytes=len(lines),
        entries_sha256=sha256(lines).hexdigest(),
    )
    header = msgspec.structs.replace(kept.header, parts=(forged,), bytes=len(data))
    written = write_manifest(world.archive, "E3", header, lines)
    world.save(msgspec.structs.replace(world.job("E3"), manifest=written))
    with pytest.raises(ArchiveDiffers, match="another head"):
        world.verify("E3")


def test_complaints_name_no_conversation(world: World):
    change_part(world, lambda data: flipped(data, 300))
    with pytest.raises(ArchiveDiffers) as told:
        world.verify()
    assert not any(each in str(told.value) for each in ("plain", "hash", "space", "text"))


@pytest.mark.parametrize("status", ["cancelled", "failed", "succeeded"])
def test_a_job_that_is_over_is_not_verified(world: World, status: str):
    world.save(msgspec.structs.replace(world.job(), status=status))
    with pytest.raises(Ended):
        world.verify()
    with pytest.raises(Ended):
        verify_part(world.table, world.archive, world.signer, ORGANIZATION, "nothing", 1)


def test_memory_does_not_grow_with_a_part():
    def peak(turns: int) -> int:
        world = World()
        world.add(*(says("long", number, content=noise(40_000, number)) for number in range(turns)))
        world.archived(parts=1)
        tracemalloc.start()
        world.verify()
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return most

    few, many = peak(40), peak(400)
    assert many < few + 1_000_000, "12 MB of an archive were held"
