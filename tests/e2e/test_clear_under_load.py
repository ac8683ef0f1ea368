"""Writers keep adding while exports clear: every accepted message is live or in one archive."""

import gzip
import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, finished, organization

SECONDS = float(os.environ.get("SOAK_SECONDS", "12"))
WRITERS = 4
CONVERSATIONS = [f"busy {number}" for number in range(8)]
MORNING = datetime(2026, 10, 1, 8, tzinfo=UTC)


def turn(writer: int, number: int, dice: random.Random) -> dict[str, Any]:
    """Two messages of one of the conversations, somewhere in an hour that all of them share."""
    at = MORNING + timedelta(seconds=dice.randrange(3600))
    return {
        "conversation_id": dice.choice(CONVERSATIONS),
        "user_id": f"writer {writer}",
        "messages": [
            {
                "id": f"{writer}-{number}-{role}",
                "role": role,
                "content": f"{role} {number} of {writer}",
                "timestamp": at.isoformat(),
            }
            for role in ("user", "assistant")
        ],
    }


def write(http: httpx.Client, writer: int, stop: threading.Event) -> list[str]:
    """Adds turn after turn; answers the ids of all that was acknowledged."""
    dice, accepted = random.Random(writer), list[str]()
    number = 0
    while not stop.is_set():
        number += 1
        body = turn(writer, number, dice)
        while (answer := http.post("/chats", json=body)).status_code == 503:
            time.sleep(0.05)
        counts = checked(answer)
        assert counts["inserted_count"] + counts["duplicate_count"] == 2
        accepted += [message["id"] for message in body["messages"]]
    return accepted


def archived_ids(done: dict[str, Any]) -> Iterator[str]:
    data = httpx.get(done["files"][0]["url"]).raise_for_status().content
    for line in gzip.decompress(data).splitlines():
        record = json.loads(line)
        if "content" in record:
            yield record["id"]


def clear_again_and_again(http: httpx.Client, seconds: float) -> list[dict[str, Any]]:
    """Clears for so long, and at least twice, however slow the machine is."""
    done: list[dict[str, Any]] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end or len(done) < 2:
        asked = checked(http.post("/exports", json={"format": "archive", "clear": True}))
        done.append(finished(http, asked["export_id"]))
    return done


def test_every_accepted_message_is_live_or_in_exactly_one_archive(deployment: Deployment) -> None:
    with organization(deployment, "under load") as http:
        stop = threading.Event()
        with ThreadPoolExecutor(WRITERS) as pool:
            writers = [pool.submit(write, http, number, stop) for number in range(WRITERS)]
            try:
                clears = clear_again_and_again(http, SECONDS)
            finally:
                stop.set()
            accepted = [each for writer in writers for each in writer.result()]
        held = Counter[str]()
        for done in clears:
            ids = list(archived_ids(done))
            assert done["status"] == "succeeded", done
            assert done["clear"]["cleared"] == done["clear"]["exported"] == len(ids)
            held.update(ids)
        assert sum(held.values()) > 0
        live = checked(http.post("/exports", json={"format": "archive"}))
        held.update(archived_ids(finished(http, live["export_id"])))
        assert set(held.values()) == {1}, "a message is in two places"
        assert set(held) == set(accepted), "a message is nowhere"
