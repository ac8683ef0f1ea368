"""The signature of a manifest: beside it, under the key that is told, and of nothing else."""

import hashlib
import json
from dataclasses import replace

import pytest

from chatledger.clear.verify import verify_part
from chatledger.errors import StorageError
from chatledger.export.kept import ArchiveDiffers
from chatledger.export.signature import is_signature_of, key_answer, sign
from tests.fakes.chats import ORGANIZATION
from tests.fakes.clears import World
from tests.fakes.memory_signer import MemorySigner, stranger
from tests.unit.export.exports import (
    Clock,
    bucket_of,
    exporter_of,
    filled_ledger,
    in_workflow,
    job_of,
    request,
)

ROOT_HASH = hashlib.sha256(b"a header").hexdigest()


@pytest.mark.parametrize("home", ["exports", "archive"])
def test_every_archive_is_signed_where_its_manifest_lies(home: str):
    exporter = exporter_of(filled_ledger(Clock()))
    in_workflow(exporter, request("archive", clear=home == "archive"))
    manifest = job_of(exporter).manifest
    assert manifest
    assert manifest.signature
    assert manifest.signature.home == manifest.file.home == home
    data = bucket_of(exporter, manifest.file.home).objects[manifest.signature.key]
    assert is_signature_of(MemorySigner(), data, manifest.root_hash)
    assert manifest.signature.sha256 == hashlib.sha256(data).hexdigest()


def test_a_signature_is_of_one_key_and_one_root_hash():
    data = sign(MemorySigner(), ROOT_HASH)
    assert is_signature_of(MemorySigner(), data, ROOT_HASH)
    assert not is_signature_of(stranger(), data, ROOT_HASH)
    assert not is_signature_of(MemorySigner(), data, hashlib.sha256(b"another").hexdigest())
    assert not is_signature_of(MemorySigner(), b"no JSON", ROOT_HASH)
    said = json.loads(data) | {"signature": "AAAA"}
    assert not is_signature_of(MemorySigner(), json.dumps(said).encode(), ROOT_HASH)


def test_the_key_that_is_told_is_the_one_that_signs():
    told, said = key_answer(MemorySigner()), json.loads(sign(MemorySigner(), ROOT_HASH))
    assert told["key_id"] == said["key_id"]
    body = "".join(told["public_key"].splitlines()[1:-1])
    assert body == said["public_key"]


def test_an_export_whose_key_does_not_answer_is_finished_by_a_repeat():
    class Deaf(MemorySigner):
        def sign(self, digest: bytes) -> bytes:  # noqa: ARG002
            raise StorageError

    exporter = exporter_of(filled_ledger(Clock()))
    with pytest.raises(StorageError):
        in_workflow(replace(exporter, signer=Deaf()), request("archive"))
    assert job_of(exporter).status == "running"
    in_workflow(exporter, request("archive"))
    assert job_of(exporter).status == "succeeded"


@pytest.mark.parametrize("damage", ["gone", "another's", "damaged"])
def test_nothing_is_cleared_by_a_manifest_that_is_not_signed(damage: str):
    world = World()
    world.fill()
    world.archived()
    manifest = world.job().manifest
    assert manifest
    assert manifest.signature
    place = (manifest.signature.key, manifest.signature.version or "")
    data = world.archive.versions.pop(place)
    if damage == "another's":
        world.archive.versions[place] = sign(stranger(), manifest.root_hash)
    elif damage == "damaged":
        world.archive.versions[place] = data[:40] + b"?" + data[41:]
    with pytest.raises(ArchiveDiffers, match="signature"):
        verify_part(world.table, world.archive, world.signer, ORGANIZATION, "E1", 1)
