"""All of chitchat-dataset in over HTTP and out again, month by month, and nothing lost on the way.

    .venv/bin/python -m benchmarks.round_trip --url http://127.0.0.1:8080 --key clk_…

Against a running Chatledger with an empty organization. Every conversation goes in through
``POST /chats``; every month comes out as ``archive`` and as ``csv``; each message must be there
once, with its content, in its order. Prints rates, sizes and the peak memory of the functions.
Exits 1 at the first difference.
"""

import argparse
import csv
import gzip
import io
import json
import os
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import chitchat_dataset
import httpx
from rich.console import Console
from rich.progress import track
from rich.table import Table

# A message as it is compared: its time and its text.
Line = tuple[str, str]
Conversations = dict[str, list[Line]]

console = Console()


@dataclass(frozen=True)
class Exported:
    format: str
    month: str
    messages: int
    bytes: int
    seconds: float


def dataset() -> dict[str, Any]:
    return cast("dict[str, Any]", chitchat_dataset.Dataset())


def source() -> Conversations:
    """Every conversation's messages, in order; equal times keep the order they stand in."""
    found: Conversations = {}
    for conversation_id, conversation in dataset().items():
        lines = [
            (each["timestamp"], each["text"]) for turn in conversation["messages"] for each in turn
        ]
        found[conversation_id] = sorted(lines, key=lambda line: line[0])
    return found


def bodies() -> Iterator[dict[str, Any]]:
    """One ``POST /chats`` body per conversation."""
    for conversation_id, conversation in dataset().items():
        messages = [
            {"content": each["text"], "timestamp": each["timestamp"], "user_id": each["sender"]}
            for turn in conversation["messages"]
            for each in turn
        ]
        if messages:
            yield {
                "conversation_id": conversation_id,
                "app_id": "chitchat",
                "user_id": messages[0]["user_id"],
                "messages": messages,
            }


def load(client: httpx.Client, workers: int) -> tuple[int, float]:
    """Posts everything; answers how many messages were new, and the seconds it took."""

    def post(body: dict[str, Any]) -> int:
        answer = client.post("/chats", json=body)
        answer.raise_for_status()
        counts = answer.json()
        if counts["inserted_count"] + counts["duplicate_count"] != len(body["messages"]):
            raise SystemExit(f"{body['conversation_id']}: {counts}")
        return int(counts["inserted_count"])

    everything = list(bodies())
    started = time.perf_counter()
    with ThreadPoolExecutor(workers) as pool:
        posted = track(pool.map(post, everything), "Posting", len(everything), console=console)
        inserted = sum(posted)
    return inserted, time.perf_counter() - started


def export(client: httpx.Client, format_name: str, month: str) -> tuple[bytes, Exported]:
    """Exports one month and downloads its file through the link."""
    started = time.perf_counter()
    asked = {
        "format": format_name,
        "anonymize": False,
        "start_date": f"{month}-01",
        "end_date": last_day(month),
    }
    answer = client.post("/exports", json=asked, headers={"Prefer": "wait=20"})
    answer.raise_for_status()
    job = answer.json()
    if job["status"] != "succeeded":
        raise SystemExit(f"{format_name} {month}: {job['status']}: {job['error']}")
    data = httpx.get(job["files"][0]["url"], timeout=60).raise_for_status().content
    counts = job["counts"]
    seconds = time.perf_counter() - started
    return data, Exported(format_name, month, counts["messages"], counts["bytes"], seconds)


def last_day(month: str) -> str:
    days = {"02": "28", "04": "30", "06": "30", "09": "30", "11": "30"}
    return f"{month}-{days.get(month[-2:], '31')}"


def read_archive(data: bytes) -> Iterator[tuple[str, Line]]:
    for raw in gzip.decompress(data).splitlines():
        record = json.loads(raw)
        if "content" in record:
            yield record["conversation_id"], (record["timestamp"], record["content"])


def read_csv(data: bytes) -> Iterator[tuple[str, Line]]:
    for row in csv.DictReader(io.StringIO(data.decode(), newline="")):
        text = row["message"]
        guarded = text[:1] == "'" and text[1:2] in set("=+-@'\t\r")
        yield row["conversation_id"], (row["timestamp"], text[1:] if guarded else text)


READERS = {"archive": read_archive, "csv": read_csv}


def differences(expected: Conversations, found: Conversations) -> Iterator[str]:
    for conversation_id in expected.keys() | found.keys():
        wanted, got = expected.get(conversation_id, []), found.get(conversation_id, [])
        if wanted != got:
            yield f"{conversation_id}: {len(wanted)} messages expected, {len(got)} found"


def peak_memory() -> Iterator[tuple[str, int]]:
    """The peak resident megabytes of each process that runs a function of the local engine."""
    for status in Path("/proc").glob("[0-9]*/status"):
        try:
            environment = (status.parent / "environ").read_bytes()
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
        except (OSError, ValueError):
            continue
        name = variable(environment, b"AWS_LAMBDA_FUNCTION_NAME")
        if name and variable(environment, b"TABLE_NAME"):
            yield name, int(fields["VmHWM"].split()[0]) // 1024


def variable(environment: bytes, name: bytes) -> str:
    for each in environment.split(b"\0"):
        key, _, value = each.partition(b"=")
        if key == name:
            return value.decode()
    return ""


def report(loaded: tuple[int, float], exports: list[Exported]) -> None:
    inserted, seconds = loaded
    table = Table("what", "messages", "MB", "seconds", "messages/s")
    table.add_row(
        "POST /chats", f"{inserted:,}", "", f"{seconds:.1f}", f"{inserted / seconds:,.0f}"
    )
    for each in exports:
        table.add_row(
            f"{each.format} {each.month}",
            f"{each.messages:,}",
            f"{each.bytes / 1e6:.1f}",
            f"{each.seconds:.1f}",
            f"{each.messages / each.seconds:,.0f}",
        )
    console.print(table)
    report_memory()


def report_memory() -> None:
    """The peak of each function, whichever of its processes had it."""
    peaks: dict[str, int] = defaultdict(int)
    for name, megabytes in peak_memory():
        peaks[name] = max(peaks[name], megabytes)
    for name, megabytes in sorted(peaks.items()):
        console.print(f"peak memory of {name}: {megabytes} MB")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--url", default=os.environ.get("CHATLEDGER_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--key", default=os.environ.get("CHATLEDGER_KEY", ""))
    parser.add_argument("--workers", type=int, default=4)
    asked = parser.parse_args()
    headers = {"Authorization": f"Bearer {asked.key}"}
    with httpx.Client(base_url=asked.url, headers=headers, timeout=60) as client:
        expected = source()
        total = sum(map(len, expected.values()))
        console.print(f"{len(expected):,} conversations, {total:,} messages")
        loaded = load(client, asked.workers)
        months = sorted({time_[:7] for lines in expected.values() for time_, _ in lines})
        exports: list[Exported] = []
        for format_name, read in READERS.items():
            found: Conversations = defaultdict(list)
            for month in months:
                data, exported = export(client, format_name, month)
                exports.append(exported)
                for conversation_id, line in read(data):
                    found[conversation_id].append(line)
            if different := list(differences(expected, found)):
                console.print(f"[red]{format_name}: {len(different)} conversations differ")
                console.print("\n".join(different[:10]))
                return 1
            console.print(f"{format_name}: every message once, content equal, order kept")
        report(loaded, exports)
    return 0


if __name__ == "__main__":
    sys.exit(main())
