"""All of chitchat-dataset out in every format, looked at first, and every message counted.

    .venv/bin/python -m benchmarks.every_format --url http://127.0.0.1:8080 --key clk_…

Against a running Chatledger with an empty organization, or with --loaded one that this filled. Who
spoke first is the user, the other the assistant. For each format: a preview, then the export of
everything by the workflow, downloaded. The sample must be the beginning of the file, the estimate
within 20 % of its counts, and each message there once, where the format holds every message.
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
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import httpx
import pyarrow.parquet as pq
from python_calamine import CalamineWorkbook
from rich.console import Console
from rich.progress import track
from rich.table import Table

from benchmarks.round_trip import dataset, report_memory

# Conversation, text: what is said once, or as often as it was said.
Said = Counter[tuple[str, str]]
ESTIMATE_WITHIN = 0.2

_PARQUET: Any = pq  # its types are not all known
console = Console()


@dataclass(frozen=True)
class Outcome:
    format: str
    counts: dict[str, int]
    files: int
    seconds: float
    preview_seconds: float
    is_exact: bool
    off: float


def bodies() -> Iterator[dict[str, Any]]:
    for conversation_id, conversation in dataset().items():
        said = [each for turn in conversation["messages"] for each in turn]
        messages = [
            {
                "content": each["text"],
                "timestamp": each["timestamp"],
                "user_id": each["sender"],
                "role": "user" if each["sender"] == said[0]["sender"] else "assistant",
            }
            for each in said
        ]
        if messages:
            yield {"conversation_id": conversation_id, "app_id": "chitchat", "messages": messages}


def load(client: httpx.Client) -> None:
    def post(body: dict[str, Any]) -> None:
        client.post("/chats", json=body).raise_for_status()

    everything = list(bodies())
    with ThreadPoolExecutor(4) as pool:
        list(track(pool.map(post, everything), "Posting", len(everything), console=console))


def source() -> Said:
    return Counter(
        (body["conversation_id"], each["content"]) for body in bodies() for each in body["messages"]
    )


def export(client: httpx.Client, name: str) -> tuple[dict[str, Any], list[bytes], float]:
    """By the workflow: nobody waits in the request."""
    started = time.perf_counter()
    job = client.post("/exports", json=asked(name)).raise_for_status().json()
    while job["status"] in {"queued", "running"}:
        time.sleep(0.5)
        job = client.get(f"/exports/{job['export_id']}").raise_for_status().json()
    if job["status"] != "succeeded":
        raise SystemExit(f"{name}: {job['status']}: {job['error']}")
    links = [file["url"] for file in job["files"]]
    files = [httpx.get(link, timeout=120).raise_for_status().content for link in links]
    return job, files, time.perf_counter() - started


def asked(name: str) -> dict[str, Any]:
    return {"format": name, "anonymize": False}


def by_json(objects: list[Any]) -> Iterator[tuple[str, str]]:
    for chat in objects:
        for said in chat["messages"]:
            yield chat["conversation_id"], said["message"]


def unguarded(text: str) -> str:
    return text[1:] if text[:1] == "'" and text[1:2] in set("=+-@'\t\r") else text


def csv_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    rows = csv.DictReader(io.StringIO(files[0].decode(), newline=""))
    return ((row["conversation_id"], unguarded(row["message"])) for row in rows)


def xlsx_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    book = CalamineWorkbook.from_filelike(io.BytesIO(files[0]))
    header, *rows = book.get_sheet_by_index(0).to_python()
    conversation, message = header.index("conversation_id"), header.index("message")
    return ((str(row[conversation]), unguarded(str(row[message]))) for row in rows)


def parquet_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    for file in files:
        table = _PARQUET.read_table(io.BytesIO(file), columns=["conversation_id", "message"])
        yield from zip(*(column.to_pylist() for column in table.columns), strict=True)


def uiuc_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    for row in map(json.loads, files[0].splitlines()):
        for said in row["convo"]["messages"]:
            yield row["convo_id"], said["content"]


def logs_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    for chat in json.loads(files[0])["conversations"]:
        for turn in chat["messages"]:
            are_both = "answer_id" in turn
            if are_both or turn["query"] or not turn["answer"]:
                yield chat["conversation_id"], turn["query"]
            if are_both or turn["answer"]:
                yield chat["conversation_id"], turn["answer"]


def archive_said(files: list[bytes]) -> Iterator[tuple[str, str]]:
    for record in map(json.loads, gzip.decompress(files[0]).splitlines()):
        if "content" in record:
            yield record["conversation_id"], record["content"]


# What holds every message, and how it is read.
READERS: dict[str, Callable[[list[bytes]], Iterator[tuple[str, str]]]] = {
    "jsonl": lambda files: by_json([json.loads(line) for line in files[0].splitlines()]),
    "json": lambda files: by_json(json.loads(files[0])),
    "csv": csv_said,
    "xlsx": xlsx_said,
    "parquet": parquet_said,
    "uiuc": uiuc_said,
    "conversation_logs": logs_said,
    "archive": archive_said,
}
# A sample of these is compared with the lines of the file.
LINES = ("jsonl", "openai", "sharegpt", "uiuc")
FORMATS = (*READERS, "txt", "ml", "openai", "sharegpt", "alpaca", "anythingllm")


def check(client: httpx.Client, name: str, said: Said) -> Outcome:
    started = time.perf_counter()
    body = client.post("/exports/preview", json=asked(name)).raise_for_status().json()
    preview_seconds = time.perf_counter() - started
    job, files, seconds = export(client, name)
    if name in READERS and (found := Counter(READERS[name](files))) != said:
        raise SystemExit(f"{name}: {(said - found).total()} missing, {(found - said).total()} more")
    if name in LINES:
        lines = [json.loads(line) for line in files[0].split(b"\n")[: len(body["sample"])]]
        if lines != body["sample"]:
            raise SystemExit(f"{name}: the sample is not the beginning of the file")
    counts = job["counts"]
    off = max(abs(body["estimated"][key] / counts[key] - 1) for key in counts)
    if off > ESTIMATE_WITHIN:
        raise SystemExit(f"{name}: estimated {body['estimated']}, exported {counts}")
    return Outcome(
        name, counts, len(files), seconds, preview_seconds, body["estimate_is_exact"], off
    )


def report(outcomes: list[Outcome]) -> None:
    names = ("format", "conversations", "messages", "MB", "files", "seconds", "messages/s")
    table = Table(*names, "preview, s", "off by")
    for each in outcomes:
        counts = each.counts
        table.add_row(
            each.format,
            f"{counts['conversations']:,}",
            f"{counts['messages']:,}",
            f"{counts['bytes'] / 1e6:.1f}",
            str(each.files),
            f"{each.seconds:.1f}",
            f"{counts['messages'] / each.seconds:,.0f}",
            f"{each.preview_seconds:.1f}",
            "exact" if each.is_exact else f"{each.off:.1%}",
        )
    console.print(table)
    report_memory()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else "")
    parser.add_argument("--url", default=os.environ.get("CHATLEDGER_URL", "http://127.0.0.1:8080"))
    parser.add_argument("--key", default=os.environ.get("CHATLEDGER_KEY", ""))
    parser.add_argument("--loaded", action="store_true", help="it was filled before")
    parser.add_argument("formats", nargs="*", default=FORMATS)
    wanted = parser.parse_args()
    headers = {"Authorization": f"Bearer {wanted.key}"}
    with httpx.Client(base_url=wanted.url, headers=headers, timeout=120) as client:
        if not wanted.loaded:
            load(client)
        said = source()
        outcomes = [
            check(client, name, said)
            for name in track(wanted.formats, "Exporting", console=console)
        ]
    report(outcomes)
    return 0


if __name__ == "__main__":
    sys.exit(main())
