"""Anonymized by default: nobody is left in any format, in a file's name or in a line of the log."""

import gzip
import io
import json
import zipfile
from collections import Counter
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest

from chatledger.formats import FORMATS
from chatledger.privacy.redaction import redact
from tests.fakes import workflow
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.privacy.labelled import positives

PYARROW: Any = import_module("pyarrow.parquet")  # it does not say its types
WAIT = {"Prefer": "wait=20"}
PERSONAL = (
    "john.doe@mail.example",
    "John Doe",
    "+49 30 1234567",
    "4111 1111 1111 1111",
    "DE89 3704 0044 0532 0130 00",
    "203.0.113.77",
    "sk-proj-abcdefghijklmnopqrstuvwxyz0123456789ABCD",
    "user-john-doe-1977",
)
CONVERSATION = {
    "conversation_id": "c1",
    "user_id": "user-john-doe-1977",
    "user_name": "John Doe",
    "user_email": "john.doe@mail.example",
    "title": "Call John Doe",
    "metadata": {"note": "mail john.doe@mail.example", "email": "john.doe@mail.example"},
    "messages": [
        {
            "id": "m1",
            "timestamp": "2026-11-01T10:00:00Z",
            "content": f"I am John Doe, {' and '.join(PERSONAL[:1] + PERSONAL[2:7])}.",
            "user_id": "user-john-doe-1977",
            "ip_address": "203.0.113.77",
        },
        {
            "id": "m2",
            "timestamp": "2026-11-01T10:01:00Z",
            "role": "assistant",
            "ai_service": "mistral",
            "content": "Hello John Doe, I wrote to john.doe@mail.example.",
            "contexts": [{"text": "John Doe lives at john.doe@mail.example"}],
            "reply_to": "m1",
        },
    ],
}
DERIVED = [name for name in FORMATS if name != "archive"]


def text_of(name: str, data: bytes) -> str:
    if name == "xlsx":
        with zipfile.ZipFile(io.BytesIO(data)) as workbook:
            data = b"".join(workbook.read(each) for each in workbook.namelist())
    if name == "parquet":
        return str(PYARROW.read_table(io.BytesIO(data)).to_pylist())
    return data.decode(errors="replace")


def export(gateway: Gateway, below: Below, **asked: Any) -> tuple[dict[str, Any], bytes]:
    reply = gateway.post("/exports", asked, headers=WAIT)
    assert reply.status == 201, reply.text
    job = reply.json()
    assert job["status"] == "succeeded", job
    key = job["files"][0]["url"].removeprefix("memory:").partition("?")[0]
    return job, below.exports.objects[key]


@pytest.mark.parametrize("name", DERIVED)
def test_nobody_is_left_in_any_format(
    gateway: Gateway, below: Below, capsys: pytest.CaptureFixture[str], name: str
):
    assert gateway.post("/chats", CONVERSATION).status == 201
    job, data = export(gateway, below, format=name, include_ip_addresses=True)
    text = text_of(name, data)
    left = [each for each in PERSONAL if each in text]
    assert not left
    assert job["request"]["anonymize"] is True
    assert job["redactions"]["email"] >= 2
    told = capsys.readouterr().out + json.dumps(job["files"])
    assert not [each for each in PERSONAL if each in told]


def said_to_be_found() -> dict[str, str]:
    """Text → what is personal in it, of the labelled set, but for what docs/privacy.md gives up."""
    labelled = {text: thing for _, thing, text in positives()}
    return {text: thing for text, thing in labelled.items() if thing not in redact(text, Counter())}


def labelled_chats(texts: list[str]) -> Iterator[dict[str, Any]]:
    """Each text said by the user and repeated by the assistant; some stand elsewhere too."""
    for start in range(0, len(texts), 100):
        some = texts[start : start + 100]
        messages = [
            {
                "id": f"{role}{number}",
                "timestamp": f"2026-11-01T10:{number // 60:02}:{number % 60:02}Z",
                "role": role,
                "content": text,
                "contexts": [{"text": text}],
            }
            for number, text in enumerate(some)
            for role in ("user", "assistant")
        ]
        about = {"title": some[0], "prompt": some[1], "metadata": {"note": some[2:5]}}
        yield {"conversation_id": f"c{start}", **about, "messages": messages}


def as_written(thing: str) -> set[str]:
    """In text and in JSON."""
    return {thing, json.dumps(thing, ensure_ascii=False)[1:-1]}


@pytest.fixture
def labelled(gateway: Gateway) -> list[str]:
    """What is personal in what the ledger holds."""
    found = said_to_be_found()
    for chat in labelled_chats(list(found)):
        assert gateway.post("/chats", chat).status == 201
    return list(dict.fromkeys(found.values()))


def test_all_of_the_labelled_set_is_there_where_it_is_asked_for(
    gateway: Gateway, below: Below, labelled: list[str]
):
    """So that its absence below says something."""
    _, data = export(gateway, below, format="jsonl", anonymize=False)
    text = data.decode()
    assert len(labelled) > 40
    assert [each for each in labelled if not any(form in text for form in as_written(each))] == []


@pytest.mark.parametrize("name", DERIVED)
def test_nothing_of_the_labelled_set_is_left_in_any_format_preview_or_log(
    gateway: Gateway,
    below: Below,
    labelled: list[str],
    capsys: pytest.CaptureFixture[str],
    name: str,
):
    capsys.readouterr()
    preview = gateway.post("/exports/preview", {"format": name})
    assert preview.status == 200
    job, data = export(gateway, below, format=name)
    told = [text_of(name, data), preview.text, json.dumps(job), capsys.readouterr().out]
    for thing in labelled:
        assert not any(form in text for text in told for form in as_written(thing)), thing


def test_what_is_asked_for_as_it_is_stays_so(gateway: Gateway, below: Below):
    gateway.post("/chats", CONVERSATION)
    job, data = export(gateway, below, format="jsonl", anonymize=False)
    assert b"john.doe@mail.example" in data
    assert job["redactions"] is None
    assert json.loads(data)["guest_info"]["anonymized"] is False


def test_a_person_is_the_same_within_an_export_and_another_in_the_next(
    gateway: Gateway, below: Below
):
    for number in (1, 2):
        gateway.post("/chats", CONVERSATION | {"conversation_id": f"c{number}"})
    guests = []
    for _ in range(2):
        _, data = export(gateway, below, format="jsonl")
        found = {str(json.loads(line)["guest_info"]) for line in data.splitlines()}
        assert len(found) == 1
        assert json.loads(data.splitlines()[0])["guest_info"]["anonymized"] is True
        guests += found
    assert guests[0] != guests[1]


def test_the_archive_of_a_clear_is_as_it_was(gateway: Gateway, below: Below):
    gateway.post("/chats", CONVERSATION)
    job = gateway.post("/exports", {"format": "csv", "clear": True}).json()
    workflow.export(below.export_machine.started[job["export_id"]])
    job = gateway.get(f"/exports/{job['export_id']}").json()
    assert job["clear"]["status"] == "cleared"
    assert job["redactions"]["email"] >= 2
    (part,) = job["archive"]["files"]
    key = part["url"].removeprefix("memory:").partition("?")[0]
    assert b"john.doe@mail.example" in gzip.decompress(below.archive.objects[key])
    file = job["files"][0]["url"].removeprefix("memory:").partition("?")[0]
    assert b"john.doe@mail.example" not in below.exports.objects[file]


@pytest.mark.parametrize("name", DERIVED)
def test_a_dry_run_counts_the_bytes_of_the_anonymized_file(
    gateway: Gateway, below: Below, name: str
):
    gateway.post("/chats", CONVERSATION)
    counted = gateway.post("/exports", {"format": name, "dry_run": True}).json()
    job, _ = export(gateway, below, format=name)
    size = counted["counts"].pop("bytes")
    # Other pseudonyms are as long, but what is compressed inside has other bytes for them.
    near = {"xlsx": 0.02, "parquet": 0.02}.get(name, 0)
    assert size == pytest.approx(job["counts"].pop("bytes"), rel=near)
    assert counted["counts"] == job["counts"]
