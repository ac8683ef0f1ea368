"""The pages and their assets: shipped, so that a browser asks no other host."""

import hashlib
from functools import cache
from importlib.resources import files

from chatledger import __version__
from chatledger.api.answers import Answer, text
from chatledger.errors import NotFound

_SWAGGER = "aws_lambda_powertools.event_handler.openapi.swagger_ui"
# Name, the package it ships in, its name there, media type.
_ASSETS = {
    "start.css": (__name__, "start.css", "text/css"),
    "docs.js": (__name__, "docs.js", "text/javascript"),
    "icon.svg": (__name__, "icon.svg", "image/svg+xml"),
    "swagger-ui.css": (_SWAGGER, "swagger-ui.min.css", "text/css"),
    "swagger-ui.js": (_SWAGGER, "swagger-ui-bundle.min.js", "text/javascript"),
}
# The document's pages draw with inline style properties, and their icons are data in the sheet.
_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_A_YEAR = "public, max-age=31536000, immutable"


def page(name: str) -> Answer:
    headers = {
        "Cache-Control": "no-cache",
        "Content-Security-Policy": _POLICY,
        "Referrer-Policy": "no-referrer",
    }
    return text(_page(name), "text/html", headers)


def asset(name: str) -> Answer:
    """A page names its assets with a digest of their content, so they may be kept for long."""
    if name not in _ASSETS:
        raise NotFound(f"There is no asset {name[:64]!r}.")
    return text(_content(name), _ASSETS[name][2], {"Cache-Control": _A_YEAR})


@cache
def _page(name: str) -> str:
    html = files(__name__).joinpath(name).read_text("utf-8").replace("{version}", __version__)
    for each in _ASSETS:
        link = f'"docs/{each}"'
        if link in html:
            html = html.replace(link, f'"docs/{each}?{_digest(each)}"')
    return html


@cache
def _content(name: str) -> str:
    package, file, _ = _ASSETS[name]
    return files(package).joinpath(file).read_text("utf-8")


def _digest(name: str) -> str:
    return hashlib.sha256(_content(name).encode()).hexdigest()[:12]
