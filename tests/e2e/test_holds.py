"""Holds and an acknowledged clear, with every function's rights enforced."""

import hashlib
import json
from typing import Any

import httpx

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, finished, job, organization, undone, until

CROWD = 60  # a head names fifty users; of the others, only their links tell


def say(http: httpx.Client, conversation_id: str, users: list[str], **about: Any) -> None:
    messages = [
        {
            "id": f"m{number}",
            "user_id": user,
            "content": f"text {number}",
            "timestamp": f"2026-10-01T{number // 4:02}:{number % 4 * 15:02}:00Z",
        }
        for number, user in enumerate(users)
    ]
    body = {"conversation_id": conversation_id, **about, "messages": messages}
    checked(http.post("/chats", json=body))


def root_hash(manifest: bytes) -> str:
    """As a client computes it: of the header exactly as it stands in the first line."""
    line = manifest.split(b"\n", 1)[0]
    header = line.split(b'"manifest":', 1)[1].removesuffix(b"}")
    assert json.loads(header)["organization"] == "holding"
    return hashlib.sha256(header).hexdigest()


def test_what_is_held_stays_and_a_clear_waits_for_its_acknowledgement(
    deployment: Deployment,
) -> None:
    with organization(deployment, "holding") as http:
        say(http, "crowded", [f"u{number:02}" for number in range(CROWD)])
        say(http, "of ann", ["ann"] * 8)
        say(http, "of the shop", ["bob"] * 8, app_id="shop")
        say(http, "free", ["bob"] * 8)
        for held in (
            {"user_id": f"u{CROWD - 1}"},
            {"user_id": "ann", "end_date": "2026-10-01T00:44:59Z"},
            {"app_id": "shop", "start_date": "2026-10-01T01:30:00Z"},
        ):
            assert checked(http.post("/holds", json=held))["status"] == "pending"
        request = {"format": "archive", "clear": True, "clear_on": "acknowledged"}
        export_id = checked(http.post("/exports", json=request))["export_id"]
        for _ in until(60):
            waiting = job(http, export_id)
            if waiting["clear"]["status"] == "awaiting_acknowledgement":
                break
        manifest = httpx.get(waiting["manifest"]["url"]).raise_for_status().content
        place = f"/exports/{export_id}/acknowledge"
        assert http.post(place, json={"root_hash": "0" * 64}).status_code == 400
        assert http.post(place, json={"root_hash": root_hash(manifest)}).status_code == 202
        done = finished(http, export_id, seconds=90)
        clear = done["clear"]
        assert done["status"] == "succeeded", done
        assert (clear["exported"], clear["cleared"]) == (CROWD + 24, 5 + 6 + 8)
        assert clear["retained_held"] == CROWD + 3 + 2
        left = {
            name: http.get(f"/chats/{name}").json().get("total_messages", 0)
            for name in ("crowded", "of ann", "of the shop", "free")
        }
        assert left == {"crowded": CROWD, "of ann": 3, "of the shop": 2, "free": 0}
        undone(http, export_id)
        assert http.get("/chats/free").json()["total_messages"] == 8
