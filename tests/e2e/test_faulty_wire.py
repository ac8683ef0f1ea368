"""Messages, a clear and its undo while the functions' own AWS calls fail all the time."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Deployment
from tests.e2e.faulty_wire import TURNS, FaultyWire
from tests.e2e.organizations import checked, finished, organization, until
from tests.e2e.test_jobs_end import live

FUNCTIONS = (
    *("Ingest", "Export", "Plan", "WritePart", "Finish", "Verify", "Clear", "Reconcile"),
    *("Undo", "UndoPart", "RestoreFinish"),
)


@pytest.fixture
def wire(deployment: Deployment) -> Iterator[FaultyWire]:
    """The functions of ``FUNCTIONS`` reach table and buckets through it, until it is taken away."""
    made = FaultyWire(deployment.endpoint, deployment.url)
    made.start()
    functions, before = deployment.aws("lambda"), dict[str, dict[str, str]]()
    for each in FUNCTIONS:
        name = deployment.physical_id(f"{each}Function")
        found = functions.get_function_configuration(FunctionName=name)
        before[name] = found["Environment"]["Variables"]
        through = {f"AWS_ENDPOINT_URL_{each}": made.url for each in ("DYNAMODB", "S3")}
        changed = {"Variables": before[name] | through}
        functions.update_function_configuration(FunctionName=name, Environment=changed)
    try:
        yield made
    finally:
        made.fails = False
        for name, variables in before.items():
            functions.update_function_configuration(
                FunctionName=name, Environment={"Variables": variables}
            )
        made.stop()


def asked(http: httpx.Client, target: str, body: Any = None, key: str = "") -> dict[str, Any]:
    """A client that repeats what the service could not do just now."""
    headers = {"Idempotency-Key": key} if key else {}
    for _ in until(30):
        answer = http.post(target, json=body, headers=headers)
        if answer.status_code < 500:
            return checked(answer)
    raise AssertionError(f"{target} is never answered: {answer.text}")


def said(http: httpx.Client) -> list[str]:
    """Four conversations, each in two requests; answers the ids of their messages."""
    ids: list[str] = []
    for conversation in range(4):
        for half in range(2):
            messages = [
                {
                    "id": f"{conversation}-{number}",
                    "content": f"text {number}",
                    "timestamp": f"2026-10-01T{8 + number // 4:02}:{number % 4 * 15:02}:00Z",
                }
                for number in range(6 * half, 6 * half + 6)
            ]
            body = {"conversation_id": f"c{conversation}", "user_id": "ann", "messages": messages}
            asked(http, "/chats", body)
            ids += [str(message["id"]) for message in messages]
    return sorted(ids)


def test_every_message_is_accounted_for(deployment: Deployment, wire: FaultyWire) -> None:
    """I1, I5, I8, I10."""
    with organization(deployment, "faulty wire") as http:
        wire.fails = True
        ids = said(http)
        body = {"format": "archive", "clear": True}
        export_id = asked(http, "/exports", body, key="clear")["export_id"]
        done = finished(http, export_id, seconds=120)
        assert done["status"] == "succeeded", done
        assert done["clear"]["cleared"] == len(ids)
        assert set(wire.hits) == set(TURNS), wire.hits
        wire.fails = False
        assert live(http) == []
        wire.fails = True
        asked(http, f"/exports/{export_id}/undo")
        for _ in until(120):
            if checked(http.get(f"/exports/{export_id}"))["clear"]["status"] == "undone":
                break
        wire.fails = False
        assert sorted(live(http)) == ids
