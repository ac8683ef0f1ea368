"""The pages: health, the start page, the document and what draws it, all from here."""

import re

import pytest

from chatledger import __version__
from chatledger.export.signature import key_answer
from tests.fakes.gateway import Gateway
from tests.fakes.memory_signer import MemorySigner
from tests.functional.conftest import forget


@pytest.fixture
def anybody(gateway: Gateway) -> Gateway:
    return gateway.with_key(None)


def test_health(anybody: Gateway, monkeypatch: pytest.MonkeyPatch):
    assert anybody.get("/health").json() == {
        "status": "ok",
        "version": __version__,
        "websocket_url": None,
    }
    monkeypatch.setenv("WEBSOCKET_URL", "wss://example.com")
    forget()
    assert anybody.get("/health?x=1").json()["websocket_url"] == "wss://example.com"


def test_anybody_is_told_the_key_that_proves_manifests(anybody: Gateway):
    told = anybody.get("/signing-key").json()
    assert told == key_answer(MemorySigner())


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_a_page_asks_no_other_host_and_runs_nothing_inline(anybody: Gateway, page: str):
    reply = anybody.get(page)
    assert reply.headers["Content-Type"] == "text/html; charset=utf-8"
    policy = reply.headers["Content-Security-Policy"]
    assert "script-src 'self';" in policy
    assert "unsafe" not in policy
    assert not re.search(r"(src|href)=\"(https?:)?//", reply.text)
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", reply.text)
    assert "{version}" not in reply.text


@pytest.mark.parametrize("page", ["/", "/docs"])
def test_what_a_page_links_to_is_there(anybody: Gateway, page: str):
    links = re.findall(r'(?:src|href)="([^"]+)"', anybody.get(page).text)
    assert links
    for link in links:
        reply = anybody.get(f"/{link}")
        assert reply.status == 200, link
        if link.startswith("docs/"):
            assert "?" in link, "named by its content"
            assert "immutable" in reply.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("asset", "media_type"),
    [
        ("start.css", "text/css"),
        ("swagger-ui.css", "text/css"),
        ("docs.js", "text/javascript"),
        ("swagger-ui.js", "text/javascript"),
        ("icon.svg", "image/svg+xml"),
    ],
)
def test_an_asset_says_what_it_is(anybody: Gateway, asset: str, media_type: str):
    reply = anybody.get(f"/docs/{asset}")
    assert reply.headers["Content-Type"] == f"{media_type}; charset=utf-8"
    assert reply.headers["X-Content-Type-Options"] == "nosniff"


def test_large_answers_go_compressed(anybody: Gateway):
    accepting = {"Accept-Encoding": "gzip, br"}
    for target in ("/docs/swagger-ui.js", "/openapi.json"):
        plain, packed = anybody.get(target), anybody.get(target, headers=accepting)
        assert packed.headers["Content-Encoding"] == "gzip"
        assert len(packed.text) < len(plain.text) / 2


def test_the_document_is_served_as_it_is_made(anybody: Gateway):
    document = anybody.get("/openapi.json").json()
    assert document["openapi"] == "3.1.0"
    assert document["info"]["version"] == __version__
