"""What an archive may not bring in: what no request could have stored, and what is too long."""

import gzip
import hashlib
from typing import Any

import msgspec
import pytest

from chatledger.export.job import MAX_ERROR, Failure
from chatledger.restore.job import Counts, Job
from tests.fakes.audit import audit
from tests.fakes.restores import Restored

HEAD: dict[str, Any] = {
    "record": "head",
    "conversation_id": "p",
    "first_day": "2026-11-21",
    "last_day": "2026-11-21",
}
MESSAGE: dict[str, Any] = {
    "id": "i1",
    "conversation_id": "p",
    "timestamp": "2026-11-21T10:00:00Z",
    "role": "user",
    "content": "hello",
}


def lines(*found: dict[str, Any]) -> bytes:
    return gzip.compress(b"".join(msgspec.json.encode(each) + b"\n" for each in found))


def imported(world: Restored, archive: bytes, manifest: bytes | None = None) -> Job:
    world.upload(archive, manifest)
    return world.import_all()


def refused(archive: bytes, manifest: bytes | None = None, world: Restored | None = None) -> str:
    job = imported(world or Restored(), archive, manifest)
    assert job.status == "failed"
    assert job.error
    assert job.error.code == "invalid_request"
    assert len(job.error.error) <= MAX_ERROR
    assert job.counts == Counts()
    return job.error.error


@pytest.mark.parametrize(
    "about",
    [
        {"app_id": ["x"]},
        {"app_id": {"a": 1}},
        {"status": ["a"]},
        {"status": "open"},
        {"title": {"a": 1}},
        {"title": "x" * 1001},
        {"user_id": ["u"]},
        {"user_id": 7},
        {"user_name": ["x"]},
        {"folder_id": "x" * 257},
        {"model": {"x": [1]}},
        {"temperature": "hot"},
        {"from_source": [1]},
        {"metadata": "text"},
        {"metadata": {"a": "x" * 110_000}},
        {"prompt": "x" * 110_000},
        {"messages": 3},
        {"last_message": 5},
        {"x" * 5000: 5},
        {f"f{n}": n for n in range(200)},
    ],
)
def test_a_head_says_what_a_request_could_say(about: dict[str, Any]):
    assert "Line 1 of the archive" in refused(lines(HEAD | about, MESSAGE))


@pytest.mark.parametrize(
    "fields",
    [
        {"model": {"x": 1}},
        {"message_tokens": -5},
        {"answer_tokens": 2**64 - 1},
        {"contexts": [1] * 81},
        {"provider_response_latency": -1},
        {"reply_to": ""},
        {"ip_address": "1" * 65},
        {"ai_service": "x" * 1001},
        {"role": "root"},
        {"id": "a\u0000b"},
        {"conversation_id": ""},
        {"metadata": [1]},
        {"feedback": msgspec.json.decode(b"[" * 70 + b"]" * 70)},
    ],
)
def test_a_message_is_as_a_request_could_send_it(fields: dict[str, Any]):
    assert "Line 2 of the archive" in refused(lines(HEAD, MESSAGE | fields))


def test_what_a_request_can_say_comes_in():
    about = {
        "user_id": "ann",
        "app_id": "shop",
        "status": "resolved",
        "model": {"id": "m", "name": "M"},
        "temperature": 1,
        "metadata": {"a": [1]},
    }
    fields = {"contexts": [{}] * 80, "message_tokens": 0, "model": "m", "feedback": {"a": 1}}
    world = Restored()
    job = imported(world, lines(HEAD | about | {"title": None, "prompt": None}, MESSAGE | fields))
    assert (job.status, job.counts) == ("succeeded", Counts(restored=1))
    assert audit(world.ledger).heads["p"].about == about | {"title": None}


@pytest.mark.parametrize("size", [1000, 300_000, 4_500_000])
def test_an_error_stays_short(size: int):
    refused(lines({"record": "x" * size}))


def test_a_failure_is_cut():
    assert Failure("gone", "x" * 5000).error == "x" * MAX_ERROR


@pytest.mark.parametrize("name", ["epoch", "organization"])
def test_a_manifest_of_a_long_name_is_refused(name: str):
    world = Restored()
    world.fill()
    world.archived()
    archive, manifest = world.archive_file()
    first, _, rest = manifest.partition(b"\n")
    body = msgspec.json.encode(msgspec.json.decode(first)["manifest"] | {name: "E" * 257})
    root = hashlib.sha256(body).hexdigest().encode()
    changed = b'{"root_hash":"' + root + b'","manifest":' + body + b"}\n" + rest
    assert f"{name} is above 256 bytes" in refused(archive, changed, world)
