"""Files that leave conversations out and count at their end, wherever they are cut."""

import json
from typing import Any

import pytest

from chatledger.export.count import count
from chatledger.export.exporter import Exporter
from chatledger.export.spec import spec_of
from chatledger.ledger.append import append
from tests.fakes.chats import batch
from tests.unit.export.exports import (
    ORGANIZATION,
    Clock,
    bucket_of,
    exported,
    exporter_of,
    file_of,
    in_workflow,
    job_of,
    ledger_at,
    opened,
    request,
    talk,
)

TRAINING = ["ml", "openai", "sharegpt", "alpaca", "anythingllm"]
CONVERSATIONS = 12
ANSWERED = range(0, CONVERSATIONS, 3)
PAIRS = 5


@pytest.fixture
def exporter() -> Exporter:
    """Of three conversations, the assistant answers in one."""
    ledger = ledger_at(Clock())
    for number in range(CONVERSATIONS):
        said = talk(f"c{number}", 10)
        asked = [each for each in said if each.role == "user"]
        append(ledger, ORGANIZATION, batch(said if number in ANSWERED else asked))
    return exporter_of(ledger)


def records(format: str, data: bytes) -> list[Any]:
    if format == "ml":
        return json.loads(data)["training_data"]
    if format == "anythingllm":
        return json.loads(data)
    return [json.loads(line) for line in data.splitlines()]


@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
@pytest.mark.parametrize("format", TRAINING)
def test_what_is_left_out_leaves_no_gap(
    cut: None, exporter: Exporter, format: str, compression: str
):
    asked = request(format, compression=compression)
    counted = count(exporter.ledger, ORGANIZATION, spec_of(asked)).counts
    job, data = exported(exporter, asked)
    per_conversation = 1 if format in ("openai", "sharegpt") else PAIRS
    found = records(format, opened(data, format, compression))
    assert len(found) == len(ANSWERED) * per_conversation
    assert job.counts == counted
    assert (job.counts.conversations, job.counts.messages) == (len(ANSWERED), 10 * len(ANSWERED))
    assert job.progress.conversations == len(ANSWERED)


@pytest.mark.parametrize("format", TRAINING)
def test_a_file_of_nothing_is_a_valid_file(exporter: Exporter, format: str):
    asked = request(format, filters={"conversation_id": ["c1", "c2"]})
    counted = count(exporter.ledger, ORGANIZATION, spec_of(asked)).counts
    job, data = exported(exporter, asked)
    assert records(format, data) == []
    assert job.counts == counted


def test_ml_says_at_its_end_what_it_holds(cut: None, exporter: Exporter):
    _, data = exported(exporter, request("ml"))
    assert json.loads(data)["metadata"] == {
        "export_timestamp": "2026-11-22T10:00:00Z",
        "total_conversations": len(ANSWERED),
        "total_training_pairs": len(ANSWERED) * PAIRS,
        "format_version": "1.0",
    }


def test_the_chunks_are_not_read_to_count(
    cut: None, exporter: Exporter, monkeypatch: pytest.MonkeyPatch
):
    """What is joined is read once, for its SHA-256; the totals are in the commits."""
    bucket = bucket_of(exporter)
    read = list[str]()
    original = bucket.read
    monkeypatch.setattr(
        bucket, "read", lambda key, **at: (read.append(key), original(key, **at))[1]
    )
    exported(exporter, request("ml"))
    assert read
    assert len(read) == len(set(read))


def test_a_clear_archives_what_the_file_leaves_out(exporter: Exporter):
    in_workflow(exporter, request("alpaca", clear=True))
    job = job_of(exporter)
    assert job.counts
    assert job.archive
    assert len(records("alpaca", file_of(exporter, job))) == len(ANSWERED) * PAIRS
    everything = 10 * len(ANSWERED) + 5 * (CONVERSATIONS - len(ANSWERED))
    assert job.archive.counts.messages == everything
    assert job.archive.counts.conversations == CONVERSATIONS
