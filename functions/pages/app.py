"""The start page, health, the API's document, the signing key, and $default: 404; no data."""

from typing import Any

from chatledger import __version__
from chatledger.api.app import Answer, handle, ok, path, resolver, signer
from chatledger.api.openapi import document
from chatledger.api.pages import asset, page
from chatledger.export.signature import key_answer
from chatledger.settings import settings

app = resolver()


@app.get("/")
def start() -> Answer:
    return page("start.html")


@app.get("/health")
def health() -> Answer:
    websocket_url = settings().websocket_url or None
    return ok({"status": "ok", "version": __version__, "websocket_url": websocket_url})


@app.get("/docs")
def docs() -> Answer:
    return page("docs.html")


@app.get("/docs/<name>", compress=True)
def docs_asset(name: str) -> Answer:
    return asset(path("asset"))


@app.get("/openapi.json", compress=True)
def openapi() -> Answer:
    return ok(document())


@app.get("/signing-key")
def signing_key() -> Answer:
    return ok(key_answer(signer()))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
