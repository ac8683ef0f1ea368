"""The archive and its manifest: exactly the entries, each at its place, under one root hash."""

import gzip
import hashlib
import io
import json
from typing import Any

import pytest

from chatledger.export import chunk as chunks
from chatledger.export import plan as plans
from chatledger.export.count import count
from chatledger.export.exporter import Exporter
from chatledger.export.kept import open_archive
from chatledger.export.remove import remove
from chatledger.export.spec import spec_of
from chatledger.formats.archive import read_archive
from chatledger.ledger.append import append
from chatledger.ledger.entries import Entry, tombstone
from chatledger.messages import Message
from tests.fakes.chats import batch
from tests.fakes.memory_table import MemoryTable
from tests.unit.export.exports import (
    NOW,
    ORGANIZATION,
    bucket_of,
    exporter_of,
    file_of,
    filled_ledger,
    in_workflow,
    job_of,
    opened,
    request,
    talk,
)


@pytest.fixture(params=["one chunk", "many"])
def exporter(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Exporter:
    if request.param == "many":
        monkeypatch.setattr(chunks, "CHUNK_BYTES", 0)
        monkeypatch.setattr(plans, "APPENDS_PER_PART", 2)
    return exporter_of(filled_ledger())


def table_of(exporter: Exporter) -> MemoryTable:
    table = exporter.ledger.table
    assert isinstance(table, MemoryTable)
    return table


def live_entries(exporter: Exporter) -> dict[str, Entry]:
    table = table_of(exporter)
    found = (table.get(key) for key in table.keys_of_kind("D"))
    entries = [Entry.of(item) for item in found if item]
    return {f"{each.key.pk} {each.key.sk}": each for each in entries if not each.is_tombstone}


def manifest_of(exporter: Exporter) -> tuple[dict[str, Any], list[dict[str, Any]], bytes]:
    """The header, the entries, and all of its bytes: read with nothing of the product's."""
    manifest = job_of(exporter).manifest
    assert manifest
    home = bucket_of(exporter, manifest.file.home)
    data = home.objects[manifest.file.key]
    assert (manifest.file.bytes, manifest.file.sha256) == (
        len(data),
        hashlib.sha256(data).hexdigest(),
    )
    first, *rest = data.splitlines()
    return json.loads(first)["manifest"], [json.loads(line) for line in rest], data


@pytest.mark.parametrize("asked", [{}, {"clear": True}])
@pytest.mark.parametrize("format", ["archive", "csv"])
def test_the_list_is_the_table_entry_by_entry(
    exporter: Exporter, format: str, asked: dict[str, Any]
):
    if (format, asked) == ("csv", {}):
        in_workflow(exporter, request("csv"))
        assert job_of(exporter).manifest is None
        assert not [key for key in bucket_of(exporter).objects if "entries/" in key]
        return
    in_workflow(exporter, request(format, **asked))
    header, listed, _ = manifest_of(exporter)
    expected = live_entries(exporter)
    organization = header["organization"]
    assert len(listed) == len(expected) == sum(part["entries"] for part in header["parts"])
    for each in listed:
        entry = expected[f"D#{organization}#{each['day']}#{each['shard']:02} {each['key']}"]
        assert each["w"] == entry.token.hex()
        assert each["digest"] == entry.digest.hex()
        assert (each["slot"], each["n"]) == (entry.place.slot, entry.messages_count)
        assert each["bytes"] == len(entry.payload)


@pytest.mark.parametrize("format", ["archive", "csv"])
def test_offsets_slice_the_parts_into_the_entries(exporter: Exporter, format: str):
    in_workflow(exporter, request(format, clear=True))
    header, listed, data = manifest_of(exporter)
    archive = bucket_of(exporter, "archive")
    lists = data[data.index(b"\n") + 1 :]
    place = 0
    for number, part in enumerate(header["parts"], 1):
        assert part["number"] == number
        stored = archive.versions[part["key"], part["version_id"]]
        assert (part["bytes"], part["sha256"]) == (len(stored), hashlib.sha256(stored).hexdigest())
        own = lists[part["entries_offset"] :][: part["entries_bytes"]]
        assert hashlib.sha256(own).hexdigest() == part["entries_sha256"]
        assert [json.loads(line) for line in own.splitlines()] == listed[place:][: part["entries"]]
        messages = 0
        for each in listed[place:][: part["entries"]]:
            lines = gzip.decompress(stored[each["offset"] :][: each["bytes"]])
            assert hashlib.sha256(lines).hexdigest() == each["digest"]
            messages += lines.count(b"\n")
        assert messages == part["messages"]
        place += part["entries"]
    assert place == len(listed)
    assert header["messages"] == 70
    assert header["conversations"] == 7


def test_the_root_hash_is_that_of_the_header_as_it_stands(exporter: Exporter):
    in_workflow(exporter, request("archive", clear=True))
    header, _, data = manifest_of(exporter)
    first = data.splitlines()[0]
    prefix = first.index(b'"manifest":') + len(b'"manifest":')
    manifest = job_of(exporter).manifest
    assert manifest
    assert manifest.root_hash == hashlib.sha256(first[prefix:-1]).hexdigest()
    assert manifest.root_hash == json.loads(first)["root_hash"]
    assert manifest.parts == len(header["parts"])
    listed = json.loads(bucket_of(exporter, "archive").objects[manifest.parts_key])
    assert listed == [{"part": number} for number in range(1, manifest.parts + 1)]


def test_an_archive_says_which_file_it_is(exporter: Exporter):
    in_workflow(exporter, request("archive"))
    job = job_of(exporter)
    data = file_of(exporter, job)
    header, _, _ = manifest_of(exporter)
    assert header["file"] == {
        "name": "ai_conversations_export_2026-11-22.jsonl.gz",
        "bytes": len(data),
        "sha256": hashlib.sha256(data).hexdigest(),
    }
    parts = [bucket_of(exporter).objects[part["key"]] for part in header["parts"]]
    assert b"".join(parts) == data
    assert header["selection"].keys() == {"start_date", "end_date", "filters"}
    assert header["epoch"] == exporter.ledger.epoch
    assert sum(header["frozen"].values()) == 7
    assert not bucket_of(exporter, "archive").versions
    assert job.archive is None


def test_it_reads_back_as_what_is_kept(exporter: Exporter):
    in_workflow(exporter, request("csv", clear=True))
    manifest = job_of(exporter).manifest
    assert manifest
    kept = open_archive(bucket_of(exporter, "archive"), manifest)
    found = 0
    for number in range(1, manifest.parts + 1):
        part = kept.part(number)
        kept.check_list(part)
        found += sum(entry.n for entry in kept.entries(part))
        records = read_archive(io.BytesIO(b"".join(kept.data(part))))
        assert sum(isinstance(record, Message) for record in records) == part.messages
    assert found == 70


def test_a_part_of_a_quarter_hour_is_listed_as_it_is_archived(exporter: Exporter):
    asked = {"start_date": "2026-11-20T23:37:00Z", "end_date": "2026-11-20T23:44:00Z"}
    in_workflow(exporter, request("archive", **asked))
    header, listed, _ = manifest_of(exporter)
    data = file_of(exporter, job_of(exporter))
    assert {each["n"] for each in listed} == {2}
    whole = {entry.digest.hex() for entry in live_entries(exporter).values()}
    offset = 0
    for part in header["parts"]:
        for each in listed[:: len(header["parts"])]:
            assert each["digest"] not in whole
        offset += part["bytes"]
    assert offset == len(data)
    assert header["messages"] == opened(data, "archive", "none").count(b'"content"') == 14


@pytest.mark.parametrize("on", ["verified", "acknowledged"])
@pytest.mark.parametrize("format", ["archive", "csv"])
def test_a_clear_of_nothing_ends_at_once_with_a_manifest(exporter: Exporter, format: str, on: str):
    asked = request(format, clear=True, clear_on=on, start_date="2027-01-01")
    assert in_workflow(exporter, asked) == {"next": "end"}
    job = job_of(exporter)
    header, listed, _ = manifest_of(exporter)
    assert (header["parts"], listed, header["messages"]) == ([], [], 0)
    assert job.status == "succeeded"
    assert job.clear
    assert job.clear.status == "cleared"
    assert job.clear.receipt
    assert job.clear.receipt.exported == 0
    assert not job.clear.has_begun
    assert opened(file_of(exporter, job), format, "none").count(b"\n") == (format == "csv")


def test_what_waits_for_its_acknowledgement_goes_on_waiting(exporter: Exporter):
    asked = request("csv", clear=True, clear_on="acknowledged")
    assert in_workflow(exporter, asked) == {"next": "end"}
    job = job_of(exporter)
    assert job.clear
    assert (job.status, job.clear.status) == ("running", "awaiting_acknowledgement")
    assert job.written_at
    assert job.files_at(NOW)
    assert in_workflow(exporter, asked) == {"next": "end"}
    assert job_of(exporter) == job


def test_filters_decide_once_for_the_file_and_its_archive(exporter: Exporter):
    filters = {"contains": "text 9 of b", "min_messages": 3}
    in_workflow(exporter, request("jsonl", clear=True, filters=filters))
    job = job_of(exporter)
    assert job.counts
    assert job.archive
    assert (job.counts.conversations, job.archive.counts.conversations) == (1, 1)
    _, listed, _ = manifest_of(exporter)
    assert {each["key"].partition("#")[0] for each in listed} == {"b/c"}


def test_all_revisions_are_archived_and_the_file_has_the_newest(exporter: Exporter):
    corrected = Message("m3", "plain", talk("plain")[3].timestamp, "assistant", "corrected")
    append(exporter.ledger, ORGANIZATION, batch([corrected]))
    in_workflow(exporter, request("csv", clear=True))
    job = job_of(exporter)
    assert job.counts
    assert job.archive
    assert (job.counts.messages, job.archive.counts.messages) == (70, 71)


def test_a_message_whose_newest_revision_was_cleared_is_archived_though_no_file_shows_it(
    exporter: Exporter,
):
    old = talk("late", 1)
    append(exporter.ledger, ORGANIZATION, batch(old))
    new = Message("m0", "late", old[0].timestamp, "user", "new")
    append(exporter.ledger, ORGANIZATION, batch([new]))
    newest = max(
        (each for each in live_entries(exporter).values() if each.key.sk.startswith("late#")),
        key=lambda entry: entry.place.slot,
    )
    table_of(exporter).update(tombstone(newest, "another", NOW))
    in_workflow(exporter, request("csv", clear=True, filters={"conversation_id": "late"}))
    job = job_of(exporter)
    assert job.counts
    assert job.archive
    assert (job.counts.messages, job.archive.counts.messages) == (0, 1)


def test_a_dry_run_says_what_would_be_cleared(exporter: Exporter):
    corrected = Message("m3", "plain", talk("plain")[3].timestamp, "assistant", "corrected")
    append(exporter.ledger, ORGANIZATION, batch([corrected]))
    for name in ("csv", "archive"):
        asked = request(name, clear=True)
        counted = count(exporter.ledger, ORGANIZATION, spec_of(asked))
        assert counted.to_clear == 71
        in_workflow(exporter, asked, name)
        assert counted.counts == job_of(exporter, name).counts
        ended(exporter, name)
    without = spec_of(request("csv"))
    assert count(exporter.ledger, ORGANIZATION, without).to_clear is None


def ended(exporter: Exporter, export_id: str) -> None:
    """Cancels it, so that the lease is free."""
    buckets = bucket_of(exporter), bucket_of(exporter, "archive")
    remove(exporter.ledger, *buckets, ORGANIZATION, export_id)
