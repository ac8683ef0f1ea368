"""Organizations of their own for tests that clear: what one does, no other sees."""

import time
from collections.abc import Iterator
from typing import Any

import httpx

from tests.e2e.conftest import Deployment

ENDED = {"succeeded", "failed", "cancelled", "clear_incomplete"}


def organization(deployment: Deployment, name: str) -> httpx.Client:
    """A client that owns a new organization, with a rate limit that it does not reach."""
    limit = {"requests_per_minute": 1_000_000}
    asked = {"role": "owner", "name": name, "organization_id": name, **limit}
    answer = deployment.http.post("/keys", json=asked)
    assert answer.status_code == 201, answer.text
    return deployment.as_key(answer.json()["key"])


def checked(answer: httpx.Response) -> dict[str, Any]:
    assert answer.is_success, f"{answer.request.url.path}: {answer.status_code}: {answer.text}"
    return answer.json()


def job(http: httpx.Client, export_id: str) -> dict[str, Any]:
    return checked(http.get(f"/exports/{export_id}"))


def finished(http: httpx.Client, export_id: str, seconds: float = 60) -> dict[str, Any]:
    """The export once it has ended."""
    for _ in until(seconds):
        found = job(http, export_id)
        if found["status"] in ENDED:
            return found
    raise AssertionError(f"export {export_id} did not end: {job(http, export_id)}")


def undone(http: httpx.Client, export_id: str, seconds: float = 60) -> dict[str, Any]:
    """Undoes a clear, and waits until it is."""
    checked(http.post(f"/exports/{export_id}/undo"))
    for _ in until(seconds):
        found = job(http, export_id)
        if found["clear"]["status"] == "undone":
            return found
    raise AssertionError(f"the undo of {export_id} did not end")


def until(seconds: float, step: float = 0.1) -> Iterator[None]:
    """Comes back again and again for so long."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield
        time.sleep(step)
