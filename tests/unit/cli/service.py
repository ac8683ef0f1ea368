"""A Chatledger in this process, as the command sees it, with faults on demand."""

import gzip
import hashlib
import io
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

import httpx
from rich.console import Console

from chatledger_cli.main import main
from chatledger_cli.patience import Patience
from chatledger_cli.screen import Screen

URL = "https://ledger.test"
STORE = "https://store.test"
KEY = "clk_" + "k" * 24

Fault = httpx.Response | Exception
Json = dict[str, Any]


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def error(status: int, code: str, message: str = "So it is.", **headers: str) -> httpx.Response:
    return httpx.Response(
        status, json={"detail": {"code": code, "error": message}}, headers=dict(headers)
    )


def manifest_of(archive: bytes, messages: int = 3) -> tuple[bytes, str]:
    """A manifest of it, and its root hash."""
    header = json.dumps({"file": {"sha256": sha256(archive)}, "messages": messages}).encode()
    line = b'{"root_hash":"%s","manifest":%s}\n' % (sha256(header).encode(), header)
    return line + b'{"an":"entry"}\n', sha256(header)


class Brings(httpx.SyncByteStream):
    """A body that comes over the network, and may break off."""

    def __init__(self, data: bytes, breaks: bool = False) -> None:
        self.data = data
        self.breaks = breaks

    def __iter__(self) -> Iterator[bytes]:
        yield self.data
        if self.breaks:
            raise httpx.ReadError("connection lost")


def brings(status: int, data: bytes, span: str | None = None, **how: bool) -> httpx.Response:
    """``span``: of a partial answer, such as ``bytes 4-7/8``."""
    headers = {"Content-Range": span} if span else {}
    return httpx.Response(status, stream=Brings(data, **how), headers=headers)


@dataclass
class Service:
    """``stored``: what the links lead to; ``states``: what an export goes through, one a look."""

    stored: dict[str, bytes] = field(default_factory=lambda: {"chats.jsonl": b"one\ntwo\n"})
    format: str = "jsonl"
    dataset: str = "conversations"
    states: list[Json] = field(default_factory=lambda: [{"status": "succeeded"}])
    cursor: str | None = None
    holds: Json = field(default_factory=lambda: {"conversations": 1, "messages": 3})
    faults: dict[str, list[Fault]] = field(default_factory=dict[str, list[Fault]])
    requests: list[httpx.Request] = field(default_factory=list[httpx.Request])
    jobs: dict[str, str] = field(default_factory=dict[str, str])
    acknowledged: list[str] = field(default_factory=list[str])
    uploaded: dict[str, bytes] = field(default_factory=dict[str, bytes])
    links: int = 0
    damage: Callable[[bytes], bytes] = lambda data: data
    import_states: list[Json] = field(
        default_factory=lambda: [
            {"status": "queued"},
            {
                "status": "succeeded",
                "counts": {"restored": 2, "already_there": 1, "left_alone": 0},
            },
        ]
    )

    def __call__(self, request: httpx.Request) -> httpx.Response:
        request.read()
        self.requests.append(request)
        name = f"{request.method} {request.url.path}"
        if waiting := self.faults.get(name):
            fault = waiting.pop(0)
            if isinstance(fault, Exception):
                raise fault
            return fault
        if request.url.host == "store.test":
            return self._store(request)
        assert request.headers["authorization"] == f"Bearer {KEY}"
        return self._api(request)

    def count(self, name: str) -> int:
        return sum(f"{each.method} {each.url.path}" == name for each in self.requests)

    def sent(self, name: str) -> list[httpx.Request]:
        return [each for each in self.requests if f"{each.method} {each.url.path}" == name]

    def _api(self, request: httpx.Request) -> httpx.Response:
        match request.method, request.url.path.split("/")[1:]:
            case "POST", ["exports"]:
                return self._begin(request)
            case "GET", ["exports", export_id]:
                clear = self.states[0].get("clear") or {}
                waits = clear.get("status") == "awaiting_acknowledgement"
                if len(self.states) > 1 and not waits:
                    self.states.pop(0)
                return httpx.Response(200, json=self._export(export_id))
            case "POST", ["exports", export_id, ("acknowledge" | "undo") as act]:
                if act == "acknowledge":
                    self.acknowledged.append(json.loads(request.content)["root_hash"])
                    self.states.pop(0)
                return httpx.Response(202, json=self._unsigned(export_id))
            case "POST", ["imports"]:
                key = request.headers["idempotency-key"]
                self.jobs.setdefault(key, f"import-{len(self.jobs) + 1}")
                return httpx.Response(201, json=self._import(self.jobs[key]))
            case "GET", ["imports", import_id]:
                if "archive" in self.uploaded and len(self.import_states) > 1:
                    self.import_states.pop(0)
                return httpx.Response(200, json=self._import(import_id))
            case _:
                return error(404, "not_found")

    def _begin(self, request: httpx.Request) -> httpx.Response:
        if json.loads(request.content).get("dry_run"):
            counts = {**self.holds, "bytes": 8}
            return httpx.Response(200, json={"counts": counts, "would_clear": 16_610})
        key = request.headers["idempotency-key"]
        self.jobs.setdefault(key, f"export-{len(self.jobs) + 1}")
        return httpx.Response(202, json=self._unsigned(self.jobs[key]))

    def _store(self, request: httpx.Request) -> httpx.Response:
        assert "authorization" not in request.headers, "a signed link never sees the key"
        name = request.url.path[1:]
        if request.method == "PUT":
            assert int(request.headers["content-length"]) == len(request.content)
            self.uploaded[name] = request.content
            return httpx.Response(200)
        data = self.damage(self.stored[name])
        if wanted := request.headers.get("range"):
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            span = f"bytes {start}-{len(data) - 1}/{len(data)}"
            return brings(206, data[start:], span)
        return brings(200, data)

    def _link(self, name: str) -> Json:
        self.links += 1
        data = self.stored[name]
        return {
            "name": name,
            "bytes": len(data),
            "sha256": sha256(data),
            "url": f"{STORE}/{name}?signed={self.links}",
            "expires_at": "2026-11-21T08:00:00Z",
        }

    def _unsigned(self, export_id: str) -> Json:
        """As a function answers that may not read the archive."""
        job = self._export(export_id)
        if job["manifest"]:
            job["manifest"]["url"] = None
        return job

    def _export(self, export_id: str) -> Json:
        state = self.states[0]
        there = state.get("files", state["status"] == "succeeded")
        manifest = None
        if there and "manifest.jsonl" in self.stored:
            root = self.stored["manifest.jsonl"][14:78].decode()
            manifest = self._link("manifest.jsonl") | {"root_hash": root} | self._signed()
        names = [name for name in self.stored if not name.startswith("manifest.")]
        size = sum(len(self.stored[name]) for name in names)
        documents = 2 if self.dataset == "documents" else 0
        return {
            "export_id": export_id,
            "status": state["status"],
            "format": self.format,
            "progress": {
                "conversations": 1,
                "messages": 2,
                "documents": documents,
                "parts_done": int(there),
                "parts_total": 1,
            },
            "counts": {**self.holds, "bytes": size, "documents": documents} if there else None,
            "request": {"dataset": self.dataset},
            "files": [self._link(name) for name in names] if there else [],
            "manifest": manifest,
            "clear": state.get("clear"),
            "cursor": self.cursor,
            "error": state.get("error"),
        }

    def _signed(self) -> Json:
        if "manifest.sig.json" not in self.stored:
            return {"signature_url": None}
        link = self._link("manifest.sig.json")
        return {f"signature_{name}": link[name] for name in ("url", "bytes", "sha256")}

    def _import(self, import_id: str) -> Json:
        if "archive" not in self.uploaded:
            upload = {
                "url": f"{STORE}/archive",
                "manifest_url": f"{STORE}/manifest",
                "headers": {"Content-Type": "application/gzip"},
            }
            return {"import_id": import_id, "status": "awaiting_upload", "upload": upload}
        return {"import_id": import_id, "progress": {"messages": 1}} | self.import_states[0]


@dataclass
class Ran:
    status: int
    out: str
    err: str
    waits: list[float]


def archive_service(**more: Any) -> Service:
    archive = gzip.compress(b'{"id":"m"}\n' * 50, mtime=0)
    manifest, _ = manifest_of(archive)
    signature = b"{}\n"
    stored = {"chats.jsonl.gz": archive, "manifest.jsonl": manifest, "manifest.sig.json": signature}
    return Service(stored=stored, format="archive", **more)


def chatledger(
    service: Callable[[httpx.Request], httpx.Response],
    *arguments: str | Path,
    terminal: bool = False,
    width: int = 80,
    environment: dict[str, str] | None = None,
    answers: str | TextIO | None = None,
) -> Ran:
    """Runs the command; its waits take no time. ``answers``: typed where it may ask."""
    out, err, clock, waits = io.StringIO(), io.StringIO(), [0.0], list[float]()

    def pause(seconds: float) -> None:
        waits.append(seconds)
        clock[0] += seconds

    screen = Screen(
        Console(file=out, width=width, force_terminal=terminal, highlight=False),
        Console(file=err, width=80, highlight=False),
        io.StringIO(answers) if isinstance(answers, str) else answers,
    )
    status = main(
        [str(each) for each in arguments],
        environment or {"CHATLEDGER_URL": URL, "CHATLEDGER_KEY": KEY},
        screen=screen,
        patience=Patience(pause=pause, now=lambda: clock[0]),
        transport=httpx.MockTransport(service),
    )
    return Ran(status, out.getvalue(), err.getvalue(), waits)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())
