"""Documents through the API: stored, replaced, their originals up and down."""

import json
from typing import Any
from urllib.parse import quote

import pytest

from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below
from tests.functional.test_api_access import make_key

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
    assert reply.headers["Location"].endswith("/original?as=Syllabus.pdf")
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
