"""Since: exports in a row have no gap and no overlap, whatever the messages' times."""

from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from chatledger.errors import Conflict, Gone
from chatledger.export.begin import Wanted, export
from chatledger.export.exporter import Exporter
from chatledger.export.job import Job
from chatledger.export.remove import remove
from chatledger.export.steps import finish_export
from chatledger.formats.archive import ClearedRecord
from chatledger.jobs.ended import Ended
from chatledger.ledger import keys, streams
from chatledger.ledger.append import append
from chatledger.ledger.ledger import adopt
from chatledger.messages import Message
from chatledger.models.exports import ExportRequest
from tests.fakes.chats import batch
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.unit.export.exports import (
    NEVER,
    NOW,
    ORGANIZATION,
    WAIT,
    Clock,
    begun,
    bucket_of,
    cleared,
    exporter_of,
    file_of,
    in_workflow,
    job_of,
    ledger_at,
    records,
    steps,
)


def said(name: str, at: datetime = NOW, conversation: str = "c", **fields: Any) -> Message:
    fields = {"role": "user", "content": f"text of {name}", **fields}
    return Message(id=name, conversation_id=conversation, timestamp=at, **fields)


def add(exporter: Exporter, *messages: Message) -> None:
    for each in messages:
        append(exporter.ledger, ORGANIZATION, batch([each]))


def asked(since: str | None = "last", format: str = "archive", **more: Any) -> ExportRequest:
    named = {"name": "nightly"} if since == "last" else {}
    plain = {} if format == "archive" else {"anonymize": False}
    return ExportRequest.model_validate(
        {"format": format, "since": since, **named, **plain, **more}
    )


def run(exporter: Exporter, request: ExportRequest, export_id: str) -> Job:
    return export(exporter, MemoryStates(), Wanted(ORGANIZATION, export_id, request), WAIT)


def since(
    exporter: Exporter, position: dict[int, int], export_id: str = "E1", format: str = "archive"
) -> Job:
    wanted = Wanted(ORGANIZATION, export_id, asked("a cursor", format), since=position)
    return export(exporter, MemoryStates(), wanted, WAIT)


def ids(exporter: Exporter, job: Job) -> list[str]:
    """What the export tells: the ids of messages, and of what was cleared how many."""
    assert job.status == "succeeded", job.error
    return sorted(
        each.id if isinstance(each, Message) else f"{each.n} cleared by {each.cleared_by}"
        for each in records(file_of(exporter, job))
        if isinstance(each, Message | ClearedRecord)
    )


@pytest.fixture
def exporter() -> Exporter:
    return exporter_of(ledger_at(Clock()))


def test_each_export_of_a_stream_goes_on_where_the_last_one_ended(exporter: Exporter):
    add(exporter, said("a"), said("b", conversation="d"))
    assert ids(exporter, run(exporter, asked(), "E1")) == ["a", "b"]
    assert ids(exporter, run(exporter, asked(), "E2")) == []
    add(exporter, said("c"))
    assert ids(exporter, run(exporter, asked(), "E3")) == ["c"]
    assert ids(exporter, run(exporter, asked(name="other"), "E4")) == ["a", "b", "c"]


@pytest.mark.parametrize(
    "at",
    [
        pytest.param(NOW, id="the same time"),
        pytest.param(NOW - timedelta(days=300), id="late"),
        pytest.param(NOW + timedelta(days=300), id="in the future"),
        pytest.param(datetime(1970, 1, 1, tzinfo=UTC), id="the beginning of time"),
    ],
)
def test_time_is_no_cursor(exporter: Exporter, at: datetime):
    add(exporter, said("a"))
    first = run(exporter, asked(), "E1")
    add(exporter, said("b", at))
    assert ids(exporter, first) == ["a"]
    assert ids(exporter, run(exporter, asked(), "E2")) == ["b"]


def test_a_revision_comes_again_and_only_it(exporter: Exporter):
    append(exporter.ledger, ORGANIZATION, batch([said("a"), said("b")]))
    run(exporter, asked(), "E1")
    append(exporter.ledger, ORGANIZATION, batch([said("a", content="anew"), said("b")]))
    job = run(exporter, asked(), "E2")
    found = [each for each in records(file_of(exporter, job)) if isinstance(each, Message)]
    assert [(each.id, each.content) for each in found] == [("a", "anew")]


@pytest.mark.parametrize("format", ["jsonl", "csv", "archive"])
def test_a_cursor_leads_on_whoever_exported_and_in_any_format(exporter: Exporter, format: str):
    add(exporter, said("a"))
    job = run(exporter, asked(None), "E1")
    add(exporter, said("b"), said("c", conversation="d"))
    assert job.slots
    position = {int(shard): slot for shard, slot in job.slots.items()}
    job = since(exporter, position, "E2", format)
    assert job.status == "succeeded"
    assert job.counts
    assert job.counts.messages == 2


def test_the_workflow_does_the_same_as_a_request(exporter: Exporter):
    add(exporter, said("a"))
    run(exporter, asked(), "E1")
    add(exporter, said("b"), said("c", NOW - timedelta(days=3)))
    in_workflow(exporter, asked(), "E2")
    assert ids(exporter, job_of(exporter, "E2")) == ["b", "c"]
    add(exporter, said("d"))
    assert ids(exporter, run(exporter, asked(), "E3")) == ["d"]


def test_of_two_at_once_one_moves_the_stream_and_the_other_fails(exporter: Exporter):
    add(exporter, said("a"))
    begun(exporter, asked(), "E1")
    begun(exporter, asked(), "E2")
    steps(exporter, "E1")
    with pytest.raises(Ended):
        steps(exporter, "E2")
    loser = job_of(exporter, "E2")
    assert job_of(exporter, "E1").status == "succeeded"
    assert loser.error
    assert (loser.status, loser.error.code) == ("failed", "conflict")
    assert ids(exporter, run(exporter, asked(), "E3")) == []


def test_who_waits_for_the_second_of_two_is_told_of_the_conflict(exporter: Exporter):
    """The first one is written whole between the second one's beginning and its end."""

    class Slow(MemorySigner):
        def sign(self, digest: bytes) -> bytes:
            assert run(exporter, asked(), "E1").status == "succeeded"
            return super().sign(digest)

    add(exporter, said("a"))
    with pytest.raises(Conflict, match="from the same place"):
        run(replace(exporter, signer=Slow()), asked(), "E2")
    assert job_of(exporter, "E2").status == "failed"


def test_an_export_that_was_cancelled_moved_nothing(exporter: Exporter):
    add(exporter, said("a"))
    begun(exporter, asked(), "E1")
    buckets = (bucket_of(exporter), bucket_of(exporter, "archive"))
    remove(exporter.ledger, *buckets, ORGANIZATION, "E1")
    assert ids(exporter, run(exporter, asked(), "E2")) == ["a"]


def test_what_was_cleared_in_between_is_told_with_its_archive(exporter: Exporter):
    add(exporter, said("a"), said("b", conversation="d"))
    run(exporter, asked(), "E1")
    add(exporter, said("c"), said("e", conversation="d"))
    cleared(exporter, "C1", filters={"conversation_id": ["d"]})
    job = run(exporter, asked(), "E2")
    assert ids(exporter, job) == ["1 cleared by C1", "c"]
    assert job.cleared_before == {"C1": 1}
    assert job.counts
    assert job.counts.messages == 1


def test_a_clear_of_what_came_since_takes_just_that(exporter: Exporter):
    add(exporter, said("a"), said("b", conversation="d"))
    run(exporter, asked(), "E1")
    add(exporter, said("c"))
    job = cleared(exporter, "C1", since="last", name="nightly")
    assert job.clear
    assert job.clear.receipt
    assert job.clear.receipt.cleared == 1
    everything = Counter(ids(exporter, run(exporter, asked(None), "E2")))
    assert everything == Counter(["a", "b"])


def test_a_clear_beside_tombstones_of_another_is_verified_and_restored(exporter: Exporter):
    """The archive holds records of clearing, which verify and undo read past."""
    add(exporter, said("a"), said("b"))
    cleared(exporter, "C1", filters={"conversation_id": ["c"]})
    add(exporter, said("d"), said("e", NOW + timedelta(hours=1)))
    run(exporter, asked(name="first"), "E1")
    job = cleared(exporter, "C2", since="last", name="second")
    assert job.status == "succeeded"
    assert job.clear
    assert job.clear.receipt
    assert job.clear.receipt.cleared == 2


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ({"since": "last"}, "send its name too"),
        ({"since": "x", "start_date": "2026-01-01"}, "leave start_date and end_date out"),
        ({"since": "x", "end_date": "2026-01-01"}, "leave start_date and end_date out"),
        ({"since": "x", "filters": {"status": ["active"]}}, "filter status"),
        ({"since": "x", "filters": {"contains": "y"}}, "filter contains"),
        ({"since": "x", "filters": {"ai_service": ["y"]}}, "filter ai_service"),
        ({"since": "x", "filters": {"min_messages": 2}}, "filter min_messages"),
    ],
)
def test_what_would_lose_messages_is_refused(body: dict[str, Any], complaint: str):
    with pytest.raises(ValueError, match=complaint):
        ExportRequest.model_validate({"format": "archive", **body})


def test_slots_that_are_no_longer_kept_are_gone(exporter: Exporter):
    add(exporter, said("a"), said("b"), said("c"))
    shard = exporter.ledger.shard_of("c")
    exporter.ledger.table.delete(keys.slot(ORGANIZATION, shard, 1))
    with pytest.raises(Gone, match="no longer kept"):
        since(exporter, {})
    job = since(exporter, {shard: 1}, "E2")
    assert ids(exporter, job) == ["b", "c"]


def test_a_position_ahead_of_the_table_is_gone(exporter: Exporter):
    """A table restored from a backup gives out slots anew."""
    add(exporter, said("a"))
    shard = exporter.ledger.shard_of("c")
    with pytest.raises(Gone):
        since(exporter, {shard: 2})


def test_a_stream_of_another_life_of_the_table_is_gone(exporter: Exporter):
    table = exporter.ledger.table
    record = keys.TABLE_RECORD
    table.put({"PK": record.pk, "SK": record.sk, "shards": 16, "epoch": "E"})
    add(exporter, said("a"))
    run(exporter, asked(), "E1")
    assert adopt(table) != "E"
    with pytest.raises(Gone, match="restored from a backup"):
        run(exporter, asked(), "E2")
    assert ids(exporter, run(exporter, asked(name="anew"), "E3")) == ["a"]


def test_an_export_that_waits_for_its_acknowledgement_holds_its_stream(exporter: Exporter):
    """Cancelled, it is as if it had never been: its archive is gone."""
    add(exporter, said("a"))
    run(exporter, asked(), "E1")
    add(exporter, said("b"))
    in_workflow(exporter, asked(clear=True, clear_on="acknowledged"), "E2")
    with pytest.raises(Conflict, match="acknowledge it or DELETE it"):
        run(exporter, asked(), "E3")
    buckets = (bucket_of(exporter), bucket_of(exporter, "archive"))
    remove(exporter.ledger, *buckets, ORGANIZATION, "E2")
    assert job_of(exporter, "E2").status == "cancelled"
    assert ids(exporter, run(exporter, asked(), "E4")) == ["b"]
    assert ids(exporter, run(exporter, asked(), "E5")) == []


def test_the_first_of_a_stream_that_was_cancelled_begins_it_anew(exporter: Exporter):
    add(exporter, said("a"))
    in_workflow(exporter, asked(clear=True, clear_on="acknowledged"), "E1")
    buckets = (bucket_of(exporter), bucket_of(exporter, "archive"))
    remove(exporter.ledger, *buckets, ORGANIZATION, "E1")
    assert ids(exporter, run(exporter, asked(), "E2")) == ["a"]


@pytest.mark.parametrize("clear", [False, True])
def test_a_step_that_runs_twice_at_once_is_one(
    exporter: Exporter, clear: bool, monkeypatch: pytest.MonkeyPatch
):
    add(exporter, said("a"))
    begun(exporter, asked(clear=clear), "E1")
    load, ran = streams.load, list[bool]()

    def racing(*place: Any) -> Any:
        if not ran:
            ran.append(True)
            finish_export(exporter, ORGANIZATION, "E1", NEVER)
        return load(*place)

    monkeypatch.setattr(streams, "load", racing)
    with nullcontext() if clear else pytest.raises(Ended):
        assert steps(exporter, "E1")["next"] == "verify"
    assert job_of(exporter, "E1").status == ("running" if clear else "succeeded")
    assert job_of(exporter, "E1").error is None


def test_an_archive_of_nothing_but_what_was_cleared_is_a_whole_one(exporter: Exporter):
    add(exporter, said("a"))
    run(exporter, asked(), "E1")
    add(exporter, said("b"))
    cleared(exporter, "C1", start_date=None)
    job = run(exporter, asked(), "E2")
    assert ids(exporter, job) == ["1 cleared by C1"]
    assert job.manifest
    assert job.manifest.parts == 1
    add(exporter, said("c"))
    cleared(exporter, "C2")
    job = cleared(exporter, "C3", since="last", name="nightly")
    assert job.status == "succeeded"
