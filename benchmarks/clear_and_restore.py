"""All of chitchat-dataset exported by the workflow, cleared, undone, cleared again and restored.

    .venv/bin/python -m benchmarks.clear_and_restore

Starts a Chatledger of its own, twice: with a twentieth of the data and with all of it. Each time
every message must be where it belongs after each step; after a clear every conversation is a 404.
Prints rates, and for each function how far its peak memory was above what its imports take. Exits
1 at the first difference.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

import httpx
from rich.console import Console
from rich.table import Table

from benchmarks.round_trip import (
    READERS,
    Conversations,
    bodies,
    differences,
    peak_memory,
    source,
)
from local.engine import PYTHON
from local.installation import Installation
from local.sample import client, load
from local.settings import ROOT, Settings
from tests.ports import free_port

OTHER = "second"
WAIT_SECONDS = 1800
console = Console()


class Different(Exception):
    """Something is not where it belongs."""


@dataclass
class Run:
    """One Chatledger with some of the data in it; ``steps`` are (what, messages, seconds)."""

    http: httpx.Client
    other: httpx.Client
    expected: Conversations
    last_clear: str = ""
    steps: list[tuple[str, int, float]] = field(default_factory=list[tuple[str, int, float]])

    @property
    def messages(self) -> int:
        return sum(map(len, self.expected.values()))

    def status_of(self, conversation_id: str) -> int:
        return self.http.get(f"/chats/{conversation_id}").status_code

    def step(self, what: str, started: float, messages: int | None = None) -> None:
        seconds = time.perf_counter() - started
        count = self.messages if messages is None else messages
        self.steps.append((what, count, seconds))
        console.print(f"{what}: {count:,} messages, {seconds:.1f} s, {count / seconds:,.0f}/s")


def whole(run: Run, folder: Path) -> None:
    """The chain of steps, each looked at."""
    started = time.perf_counter()
    chats = [body for body in bodies() if body["conversation_id"] in run.expected]
    loaded = load(run.http, chats, lambda: None)
    run.step("POST /chats, 4 clients", started, loaded.messages)
    for format_name in READERS:
        exported(run, run.http, format_name, run.expected)
    archive, manifest = cleared(run, folder, "first")
    undone(run)
    exported(run, run.http, "csv", run.expected)
    archive, manifest = cleared(run, folder, "second")
    restored(run, archive, manifest)
    exported(run, run.other, "archive", run.expected)
    exported(run, run.other, "csv", run.expected)


def exported(run: Run, http: httpx.Client, format_name: str, expected: Conversations) -> None:
    """Exports everything by the workflow, and compares what comes through the link."""
    started = time.perf_counter()
    job = finished(http, start(http, {"format": format_name, "anonymize": False}))
    require(job["status"] == "succeeded", f"{format_name}: {job['status']}: {job['error']}")
    data = httpx.get(job["files"][0]["url"], timeout=120).raise_for_status().content
    run.step(f"export as {format_name}, download", started)
    found: Conversations = defaultdict(list)
    for conversation_id, line in READERS[format_name](data):
        found[conversation_id].append(line)
    different = list(differences(expected, found))
    require(not different, f"{format_name}: {different[:5]}")


def cleared(run: Run, folder: Path, name: str) -> tuple[Path, Path]:
    """Exports and clears everything; answers the archive and its manifest as files."""
    started = time.perf_counter()
    job = finished(run.http, start(run.http, {"format": "archive", "clear": True}))
    run.step("export as archive, verify, clear, reconcile", started)
    receipt: dict[str, Any] = job["clear"]
    require(
        job["status"] == "succeeded" and receipt["cleared"] == run.messages == receipt["exported"],
        f"the clear ended as {job['status']}: {receipt} {job['error']}",
    )
    console.print(f"receipt: {receipt['exported']:,} exported = {receipt['cleared']:,} cleared")
    with ThreadPoolExecutor(4) as pool:
        gone = set(pool.map(run.status_of, run.expected))
    require(gone == {404}, "a conversation shows after it was cleared")
    console.print(f"{len(run.expected):,} conversations are 404")
    run.last_clear = job["export_id"]
    places: list[Path] = []
    for what, url in (("archive", job["files"][0]["url"]), ("manifest", job["manifest"]["url"])):
        place = folder / f"{name}-{what}"
        place.write_bytes(httpx.get(url, timeout=120).raise_for_status().content)
        places.append(place)
    return places[0], places[1]


def undone(run: Run) -> None:
    started = time.perf_counter()
    checked(run.http.post(f"/exports/{run.last_clear}/undo"))
    for _ in waiting():
        job = checked(run.http.get(f"/exports/{run.last_clear}"))
        if job["clear"]["status"] == "undone":
            return run.step("undo", started)
    raise Different("the undo does not end")


def restored(run: Run, archive: Path, manifest: Path) -> None:
    """The archive into another organization."""
    started = time.perf_counter()
    job = checked(run.other.post("/imports", json={"format": "archive"}))
    headers: dict[str, str] = job["upload"]["headers"]
    for place, url in ((manifest, "manifest_url"), (archive, "url")):
        answer = httpx.put(
            job["upload"][url], content=place.read_bytes(), headers=headers, timeout=120
        )
        require(answer.is_success, f"upload: {answer.status_code} {answer.text[:300]}")
    for _ in waiting():
        job = checked(run.other.get(f"/imports/{job['import_id']}"))
        if job["status"] in {"succeeded", "failed"}:
            break
    require(job["status"] == "succeeded", f"the import ended as {job['status']}: {job['error']}")
    require(job["counts"]["restored"] == run.messages, f"restored: {job['counts']}")
    run.step("restore into another organization", started)


def start(http: httpx.Client, request: dict[str, Any]) -> dict[str, Any]:
    return checked(http.post("/exports", json=request))


def finished(http: httpx.Client, job: dict[str, Any]) -> dict[str, Any]:
    for _ in waiting():
        job = checked(http.get(f"/exports/{job['export_id']}"))
        if job["status"] not in {"queued", "running"}:
            return job
    raise Different(f"export {job['export_id']} does not end")


def waiting() -> Iterator[None]:
    until = time.monotonic() + WAIT_SECONDS
    while time.monotonic() < until:
        yield
        time.sleep(0.3)


def checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        raise Different(f"{answer.request.url.path}: {answer.status_code}: {answer.text[:500]}")
    return answer.json()


def require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Different(otherwise)


def measured(expected: Conversations) -> tuple[list[tuple[str, int, float]], dict[str, int]]:
    """The steps on a Chatledger of its own, and the peak memory of its functions in MB."""
    with tempfile.TemporaryDirectory() as folder:
        settings = Settings(port=free_port(), data=Path(folder) / "data")
        with Installation(settings) as installation:
            key = installation.first_key()
            installation.announce()
            with client(installation.url, key) as http, second(http) as other:
                run = Run(http, other, expected)
                whole(run, Path(folder))
            peaks: dict[str, int] = defaultdict(int)
            functions = {
                physical: logical
                for logical, physical in installation.deployed.resources.items()
                if logical.endswith("Function")
            }
            for name, megabytes in peak_memory():
                logical = functions.get(name, name)
                peaks[logical] = max(peaks[logical], megabytes)
    return run.steps, peaks


def second(http: httpx.Client) -> httpx.Client:
    """A client of another organization."""
    asked = {
        "role": "owner",
        "name": "other",
        "organization_id": OTHER,
        "requests_per_minute": 10**6,
    }
    return client(str(http.base_url), checked(http.post("/keys", json=asked))["key"])


def imports_memory(logical: str) -> int:
    """What importing a function's handler takes, in MB."""
    stem = logical.removesuffix("Function")
    folder = "".join(f"_{each.lower()}" if each.isupper() else each for each in stem).lstrip("_")
    code = (
        f"import sys; sys.path[:0] = ['{ROOT}/functions/{folder}', '{ROOT}/layers/chatledger', "
        f"'{ROOT}/.tools/layer/chatledger']; import app; "
        "print(*[each.split()[1] for each in open('/proc/self/status') if 'VmHWM' in each])"
    )
    done = subprocess.run([PYTHON, "-c", code], capture_output=True, text=True, check=True)  # noqa: S603
    return int(done.stdout) // 1024


def report(runs: list[tuple[list[tuple[str, int, float]], dict[str, int]]]) -> int:
    """Rates of the last run, and memory of all; 1 where a function took more than it may."""
    steps, _ = runs[-1]
    rates = Table("what", "messages", "seconds", "messages/s")
    for what, messages, seconds in steps:
        rates.add_row(what, f"{messages:,}", f"{seconds:.1f}", f"{messages / seconds:,.0f}")
    console.print(rates)
    memory = Table("function", "imports", *(f"above them, run {n}" for n, _ in enumerate(runs, 1)))
    too_much = False
    for name in sorted(runs[-1][1]):
        base = imports_memory(name)
        above = [peaks.get(name, base) - base for _, peaks in runs]
        memory.add_row(name, f"{base} MB", *(f"{each} MB" for each in above))
        too_much |= max(above) >= 150 or above[-1] - above[0] >= 20
    console.print(memory)
    return int(too_much)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--shares", type=int, nargs="+", default=[20, 1], metavar="N")
    asked = parser.parse_args()
    everything = source()
    runs: list[tuple[list[tuple[str, int, float]], dict[str, int]]] = []
    try:
        for share in asked.shares:
            some = dict(islice(everything.items(), len(everything) // share))
            total = sum(map(len, some.values()))
            console.rule(f"{len(some):,} conversations, {total:,} messages")
            runs.append(measured(some))
    except Different as different:
        console.print(f"[red]{different}")
        return 1
    return report(runs)


if __name__ == "__main__":
    sys.exit(main())
