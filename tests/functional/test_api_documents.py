"""Documents through the API: stored, replaced, their originals up and down."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.functional.test_api_access import make_key
from tests.functional.test_api_exports import run_by_the_machine

DOCUMENT: dict[str, Any] = {
    "document_id": "syllabus",
    "app_id": "biology",
    "filename": "Syllabus.pdf",
    "text": "Week 1: cells.",
    "chunks": [{"text": "Week 1: cells.", "embedding": [0.12, -0.03, 0.4]}],
    "metadata": {"url": "https://school.example"},
}


def upload(below: Below, url: str, content: bytes) -> None:
    """What a PUT to the link does."""
    key = url.removeprefix("memory:").partition("?")[0]
    below.archive.put(key, content, "application/pdf")


def original(document_id: str) -> str:
    return f"/documents/{quote(document_id, safe='')}/original"


def test_a_document_and_its_original(gateway: Gateway, below: Below):
    stored = gateway.post("/documents", DOCUMENT)
    assert stored.status == 201, stored.text
    assert (stored.json()["document_id"], stored.json()["status"]) == ("syllabus", "stored")
    missing = gateway.get(original("syllabus"))
    assert (missing.status, missing.code) == (404, "not_found")
    assert "POST it to /documents again" in missing.error
    upload(below, stored.json()["upload_url"], b"%PDF-1.7")
    reply = gateway.get(original("syllabus"))
    assert reply.status == 302
    assert reply.headers["Location"].endswith("/original?as=Syllabus.pdf&type=application/pdf")
    assert reply.headers["Cache-Control"] == "no-store"
    again = gateway.post("/documents", DOCUMENT)
    assert (again.status, again.json()["status"]) == (201, "unchanged")
    assert again.json()["upload_url"] == stored.json()["upload_url"]


@pytest.mark.parametrize("document_id", ["a/b", "a/original", "..", "a b#%2F", "Größe", "x" * 256])
def test_an_id_of_any_kind_comes_through(gateway: Gateway, below: Below, document_id: str):
    stored = gateway.post("/documents", {**DOCUMENT, "document_id": document_id}).json()
    assert stored["document_id"] == document_id
    upload(below, stored["upload_url"], b"%PDF")
    assert gateway.get(original(document_id)).status == 302


def test_organizations_do_not_see_each_others_documents(gateway: Gateway, below: Below):
    mine = gateway.with_key(make_key(gateway, "owner", organization_id="mine")["key"])
    theirs = gateway.with_key(make_key(gateway, "owner", organization_id="theirs")["key"])
    stored = mine.post("/documents", DOCUMENT).json()
    upload(below, stored["upload_url"], b"%PDF mine")
    assert theirs.get(original("syllabus")).status == 404
    assert theirs.post("/documents", DOCUMENT).json()["status"] == "stored"
    assert theirs.get(original("syllabus")).status == 404
    assert mine.get(original("syllabus")).status == 302


def test_writers_store_and_admins_read(gateway: Gateway):
    of = {role: gateway.with_key(make_key(gateway, role)["key"]) for role in ("writer", "reader")}
    assert of["writer"].post("/documents", DOCUMENT).status == 201
    assert of["writer"].get(original("syllabus")).status == 403
    assert of["reader"].post("/documents", DOCUMENT).status == 403


def test_what_is_wrong_changes_nothing(gateway: Gateway, below: Below):
    for wrong in ({"app_id": None}, {"chunks": [{"text": 1}]}, {"colour": "red"}):
        reply = gateway.post("/documents", {**DOCUMENT, **wrong})
        assert (reply.status, reply.code) == (400, "invalid_request")
    large = gateway.post("/documents", {**DOCUMENT, "text": "x" * (4 * 1024 * 1024)})
    assert (large.status, large.code) == (413, "payload_too_large")
    assert not below.archive.objects
    assert gateway.get(original("syllabus")).status == 404


@pytest.mark.parametrize("path", ["/documents/syllabus", "/documents", "/documents/a/originals"])
def test_nothing_else_of_a_document_is_there(gateway: Gateway, path: str):
    assert gateway.get(path).status == 404


def test_no_text_and_no_name_is_logged(gateway: Gateway, caplog: pytest.LogCaptureFixture):
    secret = {"text": "s3cret-text", "filename": "s3cret-name", "metadata": {"k": "s3cret-meta"}}
    gateway.post("/documents", {**DOCUMENT, **secret, "document_id": "s3cret-id"})
    gateway.get("/documents/s3cret-id/original")
    logged = "".join(repr(record.__dict__) for record in caplog.records)
    assert "answered" in logged
    assert "s3cret" not in logged


def test_a_body_of_four_megabytes_is_taken(gateway: Gateway, below: Below):
    embedding = [round(0.123456 + place / 7e6, 9) for place in range(1536)]
    chunk = {"text": "t" * 1000, "embedding": embedding}
    size = len(json.dumps(chunk))
    chunks = [chunk] * (4 * 1024 * 1024 // size - 1)
    assert gateway.post("/documents", {**DOCUMENT, "chunks": chunks}).status == 201
    assert len(below.archive.objects) == 1


def rows(below: Below, location: str) -> list[dict[str, Any]]:
    key = location.removeprefix("memory:").partition("?")[0]
    return [json.loads(line) for line in below.exports.objects[key].splitlines()]


def test_a_project_is_one_file_of_all_its_documents(gateway: Gateway, below: Below):
    for document_id, app_id in (("1", "a/b"), ("2", "a/b"), ("3", "other")):
        stored = {**DOCUMENT, "document_id": document_id, "app_id": app_id}
        assert gateway.post("/documents", stored).status == 201
    reply = gateway.get("/projects/a%2Fb/documents/export")
    assert reply.status == 302, reply.text
    assert reply.headers["Location"].endswith("/files/a_b-documents.jsonl?as=a_b-documents.jsonl")
    found = rows(below, reply.headers["Location"])
    assert [row["document_id"] for row in found] == ["1", "2"]
    assert {row["course_name"] for row in found} == {"a/b"}
    assert found[0]["contexts"] == DOCUMENT["chunks"]
    assert (found[0]["text"], found[0]["url"]) == (DOCUMENT["text"], "https://school.example")
    (job,) = gateway.get("/exports").json()["exports"]
    assert (job["counts"]["documents"], job["request"]["dataset"]) == (2, "documents")


def test_an_export_holds_the_documents_of_its_organization_only(gateway: Gateway, below: Below):
    mine = gateway.with_key(make_key(gateway, "owner", organization_id="mine")["key"])
    theirs = gateway.with_key(make_key(gateway, "owner", organization_id="theirs")["key"])
    mine.post("/documents", DOCUMENT)
    theirs.post("/documents", {**DOCUMENT, "text": "theirs"})
    for ours, text in ((mine, DOCUMENT["text"]), (theirs, "theirs")):
        found = rows(below, ours.get("/projects/biology/documents/export").headers["Location"])
        assert [row["text"] for row in found] == [text]


def test_documents_are_exported_by_the_machine_too(gateway: Gateway, below: Below):
    gateway.post("/documents", DOCUMENT)
    asked = {"dataset": "documents", "anonymize": False}
    counted = gateway.post("/exports", {**asked, "dry_run": True}).json()
    job = gateway.post("/exports", asked).json()
    assert job["status"] == "queued"
    run_by_the_machine(below, job["export_id"])
    done = gateway.get(f"/exports/{job['export_id']}").json()
    assert (done["status"], done["counts"]) == ("succeeded", counted["counts"])
    assert counted["counts"]["documents"] == 1
    (row,) = rows(below, gateway.get(f"/exports/{job['export_id']}/download").headers["Location"])
    assert row["document_id"] == "syllabus"


@pytest.mark.parametrize("role", ["reader", "writer"])
def test_only_owners_and_admins_take_documents_out(gateway: Gateway, role: str):
    somebody = gateway.with_key(make_key(gateway, role)["key"])
    assert somebody.get("/projects/biology/documents/export").status == 403
