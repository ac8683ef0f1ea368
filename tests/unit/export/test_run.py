"""Exports from admission to file: what is in them, and that each step can be repeated."""

import csv
import gzip
import hashlib
import io
import itertools
import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatledger.errors import StorageError
from chatledger.export import plan as plans
from chatledger.export.job import Job
from chatledger.export.run import Exporter, admit, count, run
from chatledger.export.spec import spec_of
from chatledger.formats.archive import HeadRecord, read_archive
from chatledger.ledger import cells
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from chatledger.models.exports import ExportRequest
from tests.fakes.chats import batch, ledger_on
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_table import MemoryTable

ORGANIZATION = "acme"
START = datetime(2026, 11, 20, 23, 30, tzinfo=UTC)
CONVERSATIONS = ("plain", "with#hash", "with space", "émoji 🙂", "a", "a!", "b/c")


def talk(conversation_id: str, count: int = 10, **about: Any) -> list[Message]:
    """Messages every seven minutes, over midnight."""
    return [
        Message(
            id=f"m{number}",
            conversation_id=conversation_id,
            timestamp=START + timedelta(minutes=7 * number),
            role=("user", "assistant")[number % 2],
            content=f"text {number} of {conversation_id}",
            ai_service="mistral" if number % 2 else None,
        )
        for number in range(count)
    ]


@pytest.fixture
def ledger() -> Ledger:
    ledger = ledger_on(MemoryTable())
    for place, conversation_id in enumerate(CONVERSATIONS):
        about = {"app_id": "shop" if place % 2 else "help", "status": "active"}
        append(ledger, ORGANIZATION, batch(talk(conversation_id), users=["ann"], **about))
    return ledger


@pytest.fixture
def exporter(ledger: Ledger) -> Exporter:
    return Exporter(ledger, MemoryBucket())


def request(format: str = "jsonl", **asked: Any) -> ExportRequest:
    anonymize = {} if format == "archive" else {"anonymize": False}
    return ExportRequest.model_validate({"format": format, **anonymize, **asked})


def exported(exporter: Exporter, asked: ExportRequest, export_id: str = "E1") -> tuple[Job, bytes]:
    job = run(exporter, admit(exporter.ledger, ORGANIZATION, asked, export_id))
    assert job.status == "succeeded", job.error
    assert isinstance(exporter.bucket, MemoryBucket)
    (file,) = job.files
    data = exporter.bucket.objects[file.key]
    assert (file.bytes, file.sha256) == (len(data), hashlib.sha256(data).hexdigest())
    return job, data


def lines(data: bytes) -> dict[str, list[str]]:
    """Conversation id → message ids, of a jsonl file."""
    objects = [json.loads(line) for line in data.splitlines()]
    return {
        each["conversation_id"]: [message["message_id"] for message in each["messages"]]
        for each in objects
    }


def test_every_message_once_and_in_order(exporter: Exporter):
    job, data = exported(exporter, request())
    assert lines(data) == {each: [f"m{n}" for n in range(10)] for each in CONVERSATIONS}
    assert job.counts
    assert (job.counts.conversations, job.counts.messages) == (7, 70)


def test_dates_choose_messages_and_a_bare_end_date_takes_its_whole_day(exporter: Exporter):
    _, data = exported(exporter, request(start_date="2026-11-21", end_date="2026-11-21"))
    assert set(map(tuple, lines(data).values())) == {tuple(f"m{n}" for n in range(5, 10))}


def test_a_range_may_cut_a_quarter_hour(exporter: Exporter):
    asked = {"start_date": "2026-11-20T23:37:00Z", "end_date": "2026-11-20T23:44:00Z"}
    _, data = exported(exporter, request(**asked))
    assert lines(data)["plain"] == ["m1", "m2"]
    job, archive = exported(exporter, request("archive", **asked), "E2")
    found = [each for each in read_archive(io.BytesIO(archive)) if isinstance(each, Message)]
    assert [each.id for each in found if each.conversation_id == "plain"] == ["m1", "m2"]
    assert job.counts
    assert job.counts.messages == 14


def test_an_archive_is_the_entries_byte_for_byte(exporter: Exporter, ledger: Ledger):
    _, data = exported(exporter, request("archive"))
    table = ledger.table
    assert isinstance(table, MemoryTable)
    for key in table.keys_of_kind("D"):
        item = table.get(key)
        assert item
        assert bytes(item["payload"]) in data  # type: ignore[arg-type]
    records = list(read_archive(io.BytesIO(data)))
    heads = [each.conversation_id for each in records if isinstance(each, HeadRecord)]
    assert sorted(heads) == sorted(CONVERSATIONS)
    assert [each for each in records if isinstance(each, Message)].__len__() == 70


def test_an_archive_holds_all_revisions_and_other_formats_the_newest(
    exporter: Exporter, ledger: Ledger
):
    corrected = Message("m3", "plain", talk("plain")[3].timestamp, "assistant", "corrected")
    append(ledger, ORGANIZATION, batch([corrected]))
    _, archive = exported(exporter, request("archive"))
    revisions = [
        each.content
        for each in read_archive(io.BytesIO(archive))
        if isinstance(each, Message) and (each.conversation_id, each.id) == ("plain", "m3")
    ]
    assert revisions == ["text 3 of plain", "corrected"]
    _, data = exported(exporter, request(), "E2")
    assert lines(data)["plain"] == [f"m{n}" for n in range(10)]
    assert b"corrected" in data
    assert b"text 3 of plain" not in data


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"conversation_id": ["plain", "a"]}, {"plain", "a"}),
        ({"app_id": "shop"}, set(CONVERSATIONS[1::2])),
        ({"user_id": ["ann"]}, set(CONVERSATIONS)),
        ({"user_id": ["bob"]}, set()),
        ({"ai_service": ["mistral"]}, set(CONVERSATIONS)),
        ({"ai_service": ["openai"]}, set()),
        ({"status": ["resolved"]}, set()),
        ({"contains": "TEXT 9 of b"}, {"b/c"}),
        ({"min_messages": 10}, set(CONVERSATIONS)),
        ({"min_messages": 11}, set()),
    ],
)
@pytest.mark.parametrize("format", ["jsonl", "archive"])
def test_filters_choose_whole_conversations(
    exporter: Exporter, filters: dict[str, Any], expected: set[str], format: str
):
    job, data = exported(exporter, request(format, filters=filters))
    assert job.counts
    assert job.counts.messages == 10 * len(expected)
    if format == "jsonl":
        assert set(lines(data)) == expected


def test_contains_asks_the_whole_conversation_and_min_messages_the_range(exporter: Exporter):
    day = {"start_date": "2026-11-21", "end_date": "2026-11-21"}
    _, data = exported(exporter, request(**day, filters={"contains": "text 0 of plain"}))
    assert lines(data) == {"plain": [f"m{n}" for n in range(5, 10)]}
    _, data = exported(exporter, request(**day, filters={"min_messages": 6}), "E2")
    assert data == b""


EVERY_FORM = [
    *itertools.product(["json", "csv", "jsonl", "txt"], ["none", "gzip", "zstd"]),
    ("archive", "none"),
]


@pytest.mark.parametrize(("format", "compression"), EVERY_FORM)
def test_many_parts_make_the_same_content_as_one(
    exporter: Exporter, format: str, compression: str, monkeypatch: pytest.MonkeyPatch
):
    asked = request(format, compression=compression)
    _, whole = exported(exporter, asked)
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 0)
    job, parts = exported(exporter, asked, "E2")
    assert job.progress.parts_done == job.progress.parts_total > 3
    assert opened(parts, format, compression) == opened(whole, format, compression)


def opened(data: bytes, format: str, compression: str) -> bytes:
    if format == "archive" or compression == "gzip":
        return gzip.decompress(data)
    if compression == "zstd":
        from backports import zstd

        return zstd.decompress(data)
    return data


@pytest.mark.parametrize(
    ("format", "empty"), [("json", b"[\n]\n"), ("jsonl", b""), ("txt", b""), ("archive", b"")]
)
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_an_export_of_nothing_is_a_valid_file(format: str, empty: bytes, compression: str):
    exporter = Exporter(ledger_on(MemoryTable()), MemoryBucket())
    compression = "none" if format == "archive" else compression
    asked = request(format, compression=compression)
    job, data = exported(exporter, asked)
    assert opened(data, format, compression) == empty
    assert count(exporter.ledger, ORGANIZATION, spec_of(asked)) == job.counts
    assert job.counts
    assert job.counts.messages == 0


@pytest.mark.parametrize(("format", "compression"), EVERY_FORM)
def test_a_dry_run_counts_what_the_export_will_hold(
    exporter: Exporter, format: str, compression: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 0)
    asked = request(format, compression=compression, filters={"app_id": "shop"})
    counted = count(exporter.ledger, ORGANIZATION, spec_of(asked))
    job, _ = exported(exporter, asked)
    assert counted == job.counts


def test_what_is_committed_after_the_plan_is_not_seen(
    exporter: Exporter, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
):
    original = plans.make_plan

    def plan_then_append(*given: Any) -> plans.Plan:
        made = original(*given)
        append(ledger, ORGANIZATION, batch(talk("plain", 12)[10:]))
        append(ledger, ORGANIZATION, batch(talk("new one")))
        return made

    monkeypatch.setattr("chatledger.export.run.make_plan", plan_then_append)
    job, data = exported(exporter, request())
    assert job.counts
    assert job.counts.messages == 70
    assert len(lines(data)["plain"]) == 10


def test_a_conversation_too_large_to_hold_is_read_again(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
):
    _, held = exported(exporter, request("csv", filters={"contains": "text"}))
    monkeypatch.setattr(cells, "HELD_BYTES", 100)
    _, read_again = exported(exporter, request("csv", filters={"contains": "text"}), "E2")
    assert read_again == held


def test_time_is_looked_at_where_nothing_matches(ledger: Ledger):
    seconds = itertools.count()
    started = datetime(2026, 11, 22, tzinfo=UTC)
    slow = ledger_on(ledger.table, now=lambda: started + timedelta(seconds=next(seconds)))
    asked = request(filters={"status": ["resolved"]})
    job = run(Exporter(slow, MemoryBucket()), admit(slow, ORGANIZATION, asked, "E1"))
    assert job.status == "failed"


def test_small_pages_give_the_same_file(exporter: Exporter, monkeypatch: pytest.MonkeyPatch):
    _, expected = exported(exporter, request("csv"))
    monkeypatch.setattr(cells, "PAGES_BUDGET_BYTES", 1)
    _, found = exported(exporter, request("csv"), "E2")
    assert found == expected
    assert sum(1 for _ in csv.reader(io.StringIO(found.decode(), newline=""))) == 71


def failing_at(call: int) -> Callable[[str], None]:
    calls = iter(range(1_000_000))

    def before(_: str) -> None:
        if next(calls) == call:
            raise KeyboardInterrupt  # A crash: nobody catches it.

    return before


def test_a_crash_before_any_call_to_the_bucket_leaves_what_a_repeat_completes(ledger: Ledger):
    _, expected = exported(Exporter(ledger, MemoryBucket()), request("csv"), "whole")
    crashes = 0
    for call in range(50):
        bucket = MemoryBucket()
        exporter = Exporter(ledger, bucket)
        asked, export_id = request("csv"), f"crash-{call}"
        bucket.before = failing_at(call)
        try:
            run(exporter, admit(ledger, ORGANIZATION, asked, export_id))
        except KeyboardInterrupt:
            crashes += 1
        bucket.before = lambda _: None
        later = ledger.now() + timedelta(minutes=1)
        again = Exporter(ledger_on(ledger.table, now=lambda at=later: at), bucket)
        _, data = exported(again, asked, export_id)
        assert data == expected
    assert crashes >= 5


def test_a_storage_error_leaves_a_job_that_a_repeat_completes(exporter: Exporter):
    assert isinstance(exporter.bucket, MemoryBucket)
    _, expected = exported(exporter, request(), "whole")

    def before(call: str) -> None:
        if call == "read":
            raise StorageError

    exporter.bucket.before = before
    job = admit(exporter.ledger, ORGANIZATION, request(), "E1")
    with pytest.raises(StorageError):
        run(exporter, job)
    exporter.bucket.before = lambda _: None
    _, data = exported(exporter, request(), "E1")
    assert data == expected


@pytest.mark.parametrize("format", ["csv", "archive"])
@pytest.mark.parametrize(
    "filters", [{"conversation_id": ["plain", "a!", "nobody"]}, {"user_id": ["ann"]}]
)
def test_named_conversations_are_looked_up_and_the_file_is_the_same(
    exporter: Exporter, format: str, filters: dict[str, Any], monkeypatch: pytest.MonkeyPatch
):
    within = {"start_date": "2026-11-20T23:40:00Z", "end_date": "2026-11-21"}
    table = exporter.ledger.table
    assert isinstance(table, MemoryTable)
    _, looked_up = exported(exporter, request(format, filters=filters, **within))
    monkeypatch.setattr("chatledger.selection.Filters.named", lambda *_: None)
    _, scanned = exported(exporter, request(format, filters=filters, **within), "E2")
    assert opened(looked_up, format, "none") == opened(scanned, format, "none")
    assert looked_up


def test_one_named_conversation_costs_its_own_reads_only(exporter: Exporter):
    table = exporter.ledger.table
    assert isinstance(table, MemoryTable)
    table.journal.clear()
    exported(exporter, request(filters={"conversation_id": "plain"}))
    entries = {
        key.sk
        for asked in table.journal
        if asked.operation == "page"
        for key in asked.keys
        if key.pk.startswith("D#")
    }
    assert entries
    assert all(sort_key.startswith("plain#") for sort_key in entries)


def test_an_export_above_its_time_ends_and_says_what_to_do(ledger: Ledger):
    seconds = itertools.count()
    started = datetime(2026, 11, 22, tzinfo=UTC)
    slow = ledger_on(ledger.table, now=lambda: started + timedelta(seconds=next(seconds)))
    job = run(Exporter(slow, MemoryBucket()), admit(slow, ORGANIZATION, request(), "E1"))
    assert job.status == "failed"
    assert job.error
    assert "fewer days" in job.error.error
    assert job.error.code == "payload_too_large"


def test_a_large_file_goes_up_in_parts(exporter: Exporter, monkeypatch: pytest.MonkeyPatch):
    ledger = exporter.ledger
    for number in range(4):
        long = Message("x", f"long {number}", START, "user", "x" * 250_000)
        append(ledger, ORGANIZATION, batch([long]))
    monkeypatch.setattr("chatledger.export.sink.CHUNK_BYTES", 300_000)
    monkeypatch.setattr("tests.fakes.memory_bucket.MIN_PART_BYTES", 300_000)
    _, data = exported(exporter, request("csv"))
    assert isinstance(exporter.bucket, MemoryBucket)
    assert [call for call, _ in exporter.bucket.journal].count("upload") == 2
    assert data.count(b"x" * 250_000) == 4
