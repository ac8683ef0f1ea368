"""What is in an export's file, and which conversations and messages are chosen."""

import csv
import io
import itertools
from typing import Any

import pytest

from chatledger.export import plan as plans
from chatledger.export.count import count
from chatledger.export.exporter import Exporter
from chatledger.export.spec import spec_of
from chatledger.formats.archive import HeadRecord, read_archive
from chatledger.ledger import cells
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message
from tests.fakes.chats import batch, ledger_on
from tests.fakes.memory_table import MemoryTable
from tests.unit.export.exports import (
    CONVERSATIONS,
    ORGANIZATION,
    START,
    bucket_of,
    exported,
    exporter_of,
    filled_ledger,
    lines,
    opened,
    request,
    talk,
)


@pytest.fixture
def ledger() -> Ledger:
    return filled_ledger()


@pytest.fixture
def exporter(ledger: Ledger) -> Exporter:
    return exporter_of(ledger)


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
    *itertools.product(["ml", "anythingllm"], ["none", "gzip"]),
    *((each, "none") for each in ("openai", "sharegpt", "alpaca", "uiuc", "xlsx", "archive")),
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


@pytest.mark.parametrize(
    ("format", "empty"), [("json", b"[\n]\n"), ("jsonl", b""), ("txt", b""), ("archive", b"")]
)
@pytest.mark.parametrize("compression", ["none", "gzip", "zstd"])
def test_an_export_of_nothing_is_a_valid_file(format: str, empty: bytes, compression: str):
    exporter = exporter_of(ledger_on(MemoryTable()))
    compression = "none" if format == "archive" else compression
    asked = request(format, compression=compression)
    job, data = exported(exporter, asked)
    assert opened(data, format, compression) == empty
    assert count(exporter.ledger, ORGANIZATION, spec_of(asked)).counts == job.counts
    assert job.counts
    assert job.counts.messages == 0


@pytest.mark.parametrize(("format", "compression"), EVERY_FORM)
def test_a_dry_run_counts_what_the_export_will_hold(
    exporter: Exporter, format: str, compression: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(plans, "APPENDS_PER_PART", 0)
    asked = request(format, compression=compression, filters={"app_id": "shop"})
    counted = count(exporter.ledger, ORGANIZATION, spec_of(asked)).counts
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

    monkeypatch.setattr("chatledger.export.plan.make_plan", plan_then_append)
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


def test_small_pages_give_the_same_file(exporter: Exporter, monkeypatch: pytest.MonkeyPatch):
    _, expected = exported(exporter, request("csv"))
    monkeypatch.setattr(cells, "PAGES_BUDGET_BYTES", 1)
    _, found = exported(exporter, request("csv"), "E2")
    assert found == expected
    assert sum(1 for _ in csv.reader(io.StringIO(found.decode(), newline=""))) == 71


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


def test_a_large_file_goes_up_in_parts(exporter: Exporter, monkeypatch: pytest.MonkeyPatch):
    ledger = exporter.ledger
    for number in range(4):
        long = Message("x", f"long {number}", START, "user", "x" * 250_000)
        append(ledger, ORGANIZATION, batch([long]))
    for module in ("chatledger.export.join", "tests.fakes.memory_bucket"):
        monkeypatch.setattr(f"{module}.MIN_PART_BYTES", 300_000)
    monkeypatch.setattr("chatledger.export.sink.UPLOAD_BYTES", 300_000)
    _, data = exported(exporter, request("csv"))
    assert [call for call, _ in bucket_of(exporter).journal].count("upload") == 2
    assert data.count(b"x" * 250_000) == 4
