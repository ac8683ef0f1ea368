"""A preview is the beginning of the file, and says how large the file would be."""

import csv
import io
import json
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any

import msgspec
import pytest

from chatledger.audit import chain
from chatledger.audit.record import SYSTEM
from chatledger.aws.table import Condition
from chatledger.aws.wire import Item
from chatledger.errors import PayloadTooLarge, StorageError
from chatledger.export.exporter import Exporter
from chatledger.export.job import Job
from chatledger.export.promise import taken
from chatledger.formats import FORMATS
from chatledger.ledger.append import append
from chatledger.models.exports import ExportRequest
from chatledger.preview.preview import SAMPLE_CONVERSATIONS, preview
from tests.fakes.chats import batch
from tests.fakes.faults import Crashed, Fault, FaultyTable, first
from tests.unit.export.exports import (
    ORGANIZATION,
    Clock,
    exported,
    exporter_of,
    in_request,
    ledger_at,
    opened,
    talk,
)

CONVERSATIONS = 25
KIM = "kim@school.example"


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def exporter(clock: Clock) -> Exporter:
    ledger = ledger_at(clock)
    for number in range(CONVERSATIONS):
        about = {"title": f"Chat {number}", "user_name": "Kim Example", "user_email": KIM}
        messages = talk(f"c{number:02}", 4 + number)
        append(ledger, ORGANIZATION, batch(messages, users=["ann"], status="active", **about))
    return exporter_of(ledger)


def shown(exporter: Exporter, asked: dict[str, Any]) -> dict[str, Any]:
    return preview(exporter, ORGANIZATION, ExportRequest.model_validate(asked), SYSTEM)


def first_of(name: str, data: bytes) -> list[Any]:
    """The first conversations of a file, read as anybody reads it."""
    text = opened(data, name, "none").decode()
    if name == "csv":
        return by_conversation(list(csv.DictReader(io.StringIO(text, newline=""))))
    if name == "txt":
        rule = "=" * 72
        chats = text.removeprefix(rule).split(f"\n\n\n{rule}")
        return [f"{rule}{chat}" for chat in chats]
    if name in {"json", "anythingllm"}:
        found = json.loads(text)
    elif name == "ml":
        found = json.loads(text)["training_data"]
    else:
        found = [json.loads(line) for line in text.splitlines()]
    return found if FORMATS[name].shows == "object" else by_conversation(found)


def by_conversation(records: list[Any]) -> list[Any]:
    """Each text names its conversation."""
    grouped: dict[str, list[Any]] = {}
    for record in records:
        about = json.dumps(record)
        name = about[about.index("c", about.rindex(" of c") if " of c" in about else 0) :][:3]
        grouped.setdefault(name, []).append(record)
    return list(grouped.values())


@pytest.mark.parametrize("name", ["json", "jsonl", "openai", "sharegpt", "uiuc", "ml", "alpaca"])
@pytest.mark.usefixtures("cut")
def test_it_is_the_first_conversations_of_the_file(exporter: Exporter, name: str):
    asked = {"format": name, "anonymize": False}
    answer = shown(exporter, asked)
    job, data = exported(exporter, ExportRequest.model_validate(asked))
    assert answer["sample"] == first_of(name, data)[:SAMPLE_CONVERSATIONS]
    assert len(answer["sample"]) == SAMPLE_CONVERSATIONS
    assert (answer["format"], answer["sample_is_cut"], answer["redactions"]) == (name, False, None)
    assert answer["estimate_is_exact"]
    assert answer["estimated"] == counts_of(job)


def counts_of(job: Job) -> dict[str, int]:
    return msgspec.to_builtins(job.counts)


def test_a_transcript_is_shown_as_text(exporter: Exporter):
    asked = {"format": "txt", "anonymize": False}
    _, data = exported(exporter, ExportRequest.model_validate(asked))
    sample = shown(exporter, asked)["sample"]
    assert "\n\n\n".join(each.rstrip("\n") for each in sample)
    assert data.decode().startswith("\n\n".join(sample))


@pytest.mark.parametrize("name", sorted(n for n, each in FORMATS.items() if each.shows == "rows"))
def test_rows_are_shown_by_column_with_the_cells_of_the_file(exporter: Exporter, name: str):
    sample = shown(exporter, {"format": name, "anonymize": False})["sample"]
    _, data = exported(exporter, ExportRequest(format="csv", anonymize=False))
    rows = list(csv.DictReader(io.StringIO(data.decode(), newline="")))
    told = [
        {column: "" if cell is None else str(cell) for column, cell in row.items()}
        for chat in sample
        for row in chat
    ]
    assert len(sample) == SAMPLE_CONVERSATIONS
    assert told == rows[: len(told)]


def test_an_archive_is_shown_as_its_records(exporter: Exporter):
    answer = shown(exporter, {"format": "archive"})
    _, data = exported(exporter, ExportRequest(format="archive"))
    lines = [json.loads(line) for line in opened(data, "archive", "none").splitlines()]
    told = [record for chat in answer["sample"] for record in chat]
    assert [chat[0]["record"] for chat in answer["sample"]] == ["head"] * SAMPLE_CONVERSATIONS
    assert told == lines[: len(told)]


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_has_a_preview(exporter: Exporter, name: str):
    answer = shown(exporter, {"format": name})
    assert len(answer["sample"]) == SAMPLE_CONVERSATIONS
    job = in_request(exporter, ExportRequest(format=name))
    # Other pseudonyms are as long, but may be compressed a little better or worse.
    assert answer["estimated"] == pytest.approx(counts_of(job), rel=0.05)


def test_people_bear_the_pseudonyms_that_the_next_export_gives_them(exporter: Exporter):
    answer = shown(exporter, {})
    assert answer == shown(exporter, {"format": "jsonl"})
    assert "Kim Example" not in json.dumps(answer)
    assert answer["redactions"] == {}
    (first, second) = (
        first_of("jsonl", exported(exporter, ExportRequest(), name)[1]) for name in ("E1", "E2")
    )
    assert answer["sample"] == first[:SAMPLE_CONVERSATIONS]
    assert answer["sample"] != second[:SAMPLE_CONVERSATIONS], "a key per export"


def test_a_promise_holds_whether_anonymizing_is_asked_for_or_the_default(exporter: Exporter):
    answer = shown(exporter, {"format": "jsonl"})
    _, data = exported(exporter, ExportRequest(anonymize=True))
    assert answer["sample"] == first_of("jsonl", data)[:SAMPLE_CONVERSATIONS]


def test_a_promise_is_for_those_conversations_and_for_a_day(exporter: Exporter, clock: Clock):
    answer = shown(exporter, {"format": "json"})["sample"]
    other, _ = exported(exporter, ExportRequest(filters={"app_id": ["x"]}), "E1")  # pyright: ignore[reportArgumentType]
    assert other.pseudonyms_of is None
    clock.at += timedelta(hours=25)
    late, _ = exported(exporter, ExportRequest(), "E2")
    assert late.pseudonyms_of is None
    again = shown(exporter, {"format": "json"})["sample"]
    assert again != answer
    kept, _ = exported(exporter, ExportRequest(format="csv"), "E3")
    assert kept.pseudonyms_of


def test_of_exports_at_once_one_gets_what_was_promised(exporter: Exporter):
    request, ledger = ExportRequest(), exporter.ledger
    shown(exporter, {})

    class Both(FaultyTable):
        """Both have read the promise before one of them takes it."""

        def put(self, item: Item, when: Condition | None = None) -> None:
            other.append(taken(ledger, ORGANIZATION, request, "E2"))
            super().put(item, when)

    other = list[str | None]()
    at_once = replace(ledger, table=Both(ledger.table))
    assert taken(at_once, ORGANIZATION, request, "E1") is None
    assert other[0]


@pytest.mark.parametrize("fault", [Fault.LOST, Fault.CRASH, Fault.TWICE, Fault.DIED])
def test_an_export_that_died_behind_its_promise_gets_it_again(exporter: Exporter, fault: Fault):
    request, ledger = ExportRequest(), exporter.ledger
    answer = shown(exporter, {})["sample"]
    dies = replace(ledger, table=FaultyTable(ledger.table, first(fault, "put")))
    with suppress(StorageError, Crashed):
        taken(dies, ORGANIZATION, request, "E1")
    if fault is not Fault.DIED:
        assert taken(ledger, ORGANIZATION, request, "E2") is None
    _, data = exported(exporter, request, "E1")
    assert first_of("jsonl", data)[:SAMPLE_CONVERSATIONS] == answer
    assert taken(ledger, ORGANIZATION, request, "E1"), "for as long as it is asked for"


def test_what_is_redacted_is_counted(exporter: Exporter):
    asked, answered = talk("a", 2)
    asked = msgspec.structs.replace(asked, content=f"I am {KIM}")
    append(exporter.ledger, ORGANIZATION, batch([asked, answered]))
    assert shown(exporter, {"filters": {"conversation_id": "a"}})["redactions"] == {"email": 1}


@pytest.mark.parametrize(
    ("name", "room", "fits"),
    [("jsonl", 3_000, 1), ("jsonl", 1_000, 0), ("csv", 1_000, 0), ("archive", 2_000, 1)],
)
def test_of_what_does_not_fit_nothing_is_counted(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch, name: str, room: int, fits: int
):
    for each in ("long1", "long2"):
        said = [msgspec.structs.replace(it, content=f"I am {KIM}") for it in talk(each, 9)]
        append(exporter.ledger, ORGANIZATION, batch(said, app_id="long"))
    monkeypatch.setattr("chatledger.preview.preview.SAMPLE_BYTES", room)
    answer = shown(exporter, {"format": name, "filters": {"app_id": "long"}})
    assert (len(answer["sample"]), answer["sample_is_cut"]) == (fits, True)
    found = None if name == "archive" else {"email": 9} if fits else {}
    assert answer["redactions"] == found
    on_record = chain.newest(exporter.ledger.table, ORGANIZATION)
    assert on_record
    assert on_record.record.counts == {"conversations": fits, "messages": 9 * fits}


def test_one_that_has_no_place_in_the_format_is_not_among_the_ten(exporter: Exporter):
    for number in range(CONVERSATIONS):
        append(exporter.ledger, ORGANIZATION, batch(talk(f"b{number:02}", 1)))  # Nobody answers.
    sample = shown(exporter, {"format": "openai", "anonymize": False})["sample"]
    assert len(sample) == SAMPLE_CONVERSATIONS


def test_a_sample_ends_before_what_is_too_large(
    exporter: Exporter, monkeypatch: pytest.MonkeyPatch
):
    whole = shown(exporter, {"anonymize": False})["sample"]
    monkeypatch.setattr("chatledger.preview.preview.SAMPLE_BYTES", 5_000)
    answer = shown(exporter, {"anonymize": False})
    assert 0 < len(answer["sample"]) < SAMPLE_CONVERSATIONS
    assert answer["sample"] == whole[: len(answer["sample"])]
    assert answer["sample_is_cut"]


def test_what_an_archive_holds_counts_as_it_is_shown(exporter: Exporter):
    """Few bytes of an archive may be many of an answer, of which a function has 6 MB."""
    for number in range(SAMPLE_CONVERSATIONS):
        long = [msgspec.structs.replace(each, content="=" * 290_000) for each in talk("a", 1)]
        about = [msgspec.structs.replace(each, conversation_id=f"a{number}") for each in long]
        append(exporter.ledger, ORGANIZATION, batch(about, app_id="long"))
    answer = shown(exporter, {"format": "archive", "filters": {"app_id": "long"}})
    assert (len(answer["sample"]), answer["sample_is_cut"]) == (3, True)


@pytest.mark.parametrize(
    "asked",
    [
        {},
        {"format": "csv", "compression": "gzip"},
        {"format": "xlsx"},
        {"format": "archive"},
        {"filters": {"min_messages": 10}},
        {"filters": {"user_id": "ann"}},
        {"start_date": "2026-11-21"},
    ],
)
@pytest.mark.parametrize("looks", [100, 300])
def test_out_of_time_it_tells_the_whole_by_a_sample(
    large: tuple[Exporter, Clock], asked: dict[str, Any], looks: int
):
    """Within 20 %: each look at the clock takes so long that only a share is read."""
    exporter, clock = large
    clock.each = timedelta(0)
    truth = shown(exporter, asked)
    clock.each = timedelta(seconds=5) / looks
    told = shown(exporter, asked)
    assert (truth["estimate_is_exact"], told["estimate_is_exact"]) == (True, False)
    for name, number in truth["estimated"].items():
        assert told["estimated"][name] == pytest.approx(number, rel=0.2), name


@pytest.fixture(scope="module")
def large() -> tuple[Exporter, Clock]:
    clock = Clock()
    ledger = ledger_at(clock)
    for number in range(600):
        messages = talk(f"{number * 7919 % 600:03}", 6 + number % 7)
        append(ledger, ORGANIZATION, batch(messages, users=["ann"]))
    return exporter_of(ledger), clock


def test_where_not_even_a_sample_can_be_read_it_says_so(exporter: Exporter, clock: Clock):
    clock.each = timedelta(seconds=9)
    with pytest.raises(PayloadTooLarge, match="fewer days"):
        shown(exporter, {})


def test_nothing_to_export_is_an_empty_preview(exporter: Exporter):
    answer = shown(exporter, {"filters": {"app_id": "nothing"}})
    assert (answer["sample"], answer["sample_is_cut"]) == ([], False)
    assert answer["estimated"] == {"conversations": 0, "messages": 0, "bytes": 0}


def test_it_changes_nothing_but_the_trail_and_its_promise(exporter: Exporter):
    table: Any = exporter.ledger.table
    before = {kind: list(table.keys_of_kind(kind)) for kind in "DCSTUJQX"}
    shown(exporter, {"clear": True, "format": "csv"})
    assert {kind: list(table.keys_of_kind(kind)) for kind in "DCSTUJQX"} == before
