"""Eight writers and three incremental readers: what each reader was told is what was accepted."""

import os
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, organization
from tests.unit.export.exports import records

SECONDS = float(os.environ.get("SOAK_SECONDS", "8"))
WRITERS = 8
NOW = datetime(2026, 11, 1, 12, tzinfo=UTC)
# Late, at the same time, in the future: what a cursor of times would skip or double.
_SHIFTS = (timedelta(0), timedelta(0), timedelta(days=-200), timedelta(days=30))


def write(http: httpx.Client, writer: int, stop: threading.Event) -> list[str]:
    """Turns of shared conversations, some of them sent again; the ids of all that was accepted."""
    dice, accepted, number = random.Random(writer), list[str](), 0
    while not stop.is_set():
        number += 1
        at = NOW + dice.choice(_SHIFTS) + timedelta(minutes=dice.randrange(3))
        body = {
            "conversation_id": f"shared {dice.randrange(6)}",
            "messages": [
                {"id": f"{writer}-{number}-{each}", "content": "x", "timestamp": at.isoformat()}
                for each in "ab"
            ],
        }
        for _ in range(1 + (dice.random() < 0.2)):
            while (answer := http.post("/chats", json=body)).status_code == 503:
                time.sleep(0.05)
            checked(answer)
        accepted += [message["id"] for message in body["messages"]]
    return accepted


def follow(http: httpx.Client, limit: int, stopped: threading.Event) -> Counter[str]:
    """By pages, until nothing comes after all writers have stopped."""
    told, cursor = Counter[str](), ""
    while True:
        ends = stopped.is_set()
        query = {"limit": limit, **({"cursor": cursor} if cursor else {})}
        answer = http.get("/changes", params=query)
        if answer.status_code == 503:
            continue
        page = checked(answer)
        told.update(each["id"] for each in page["changes"])
        cursor = page["cursor"]
        if ends and page["end_of_stream"] and not page["changes"]:
            return told


def export_on(http: httpx.Client, stopped: threading.Event) -> Counter[str]:
    """By exports of a stream, one after the other."""
    told = Counter[str]()
    while True:
        ends = stopped.is_set()
        body = {"format": "archive", "since": "last", "name": "reader"}
        answer = http.post("/exports", json=body, headers={"Prefer": "wait=20"})
        if answer.status_code == 503:
            continue
        job = checked(answer)
        while job["status"] in ("queued", "running"):
            job = checked(http.get(f"/exports/{job['export_id']}"))
        assert job["status"] == "succeeded", job["error"]
        data = httpx.get(job["files"][0]["url"]).raise_for_status().content
        told.update(each.id for each in records(data) if hasattr(each, "id"))
        if ends and not job["counts"]["messages"]:
            return told


def test_three_readers_are_each_told_all_that_was_accepted_once(deployment: Deployment) -> None:
    with organization(deployment, "followed") as http:
        stop, stopped = threading.Event(), threading.Event()
        with ThreadPoolExecutor(WRITERS + 3) as pool:
            readers: list[Any] = [
                pool.submit(follow, http, 1000, stopped),
                pool.submit(follow, http, 7, stopped),
                pool.submit(export_on, http, stopped),
            ]
            writers = [pool.submit(write, http, number, stop) for number in range(WRITERS)]
            time.sleep(SECONDS)
            stop.set()
            accepted = Counter(name for each in writers for name in each.result())
            stopped.set()
            told = [reader.result() for reader in readers]
        assert accepted
        assert max(accepted.values()) == 1
        for each in told:
            assert each == accepted
