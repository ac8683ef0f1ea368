"""Many clients at once, through the whole deployment: each message once, slots without a gap."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Deployment

CLIENTS = 8
START = datetime(2026, 3, 1, 11, 50, tzinfo=UTC)


def body(conversation_id: str, numbers: range) -> dict[str, Any]:
    return {
        "conversation_id": conversation_id,
        "user_id": "ann",
        "messages": [
            {
                "id": f"m{number}",
                "content": f"text {number}",
                "timestamp": (START + timedelta(minutes=number)).isoformat(),
            }
            for number in numbers
        ],
    }


def post(http: httpx.Client, asked: dict[str, Any]) -> dict[str, Any]:
    """Repeats what is answered 503, as the answer says; each attempt is safe."""
    for _ in range(5):
        answer = http.post("/chats", json=asked)
        if answer.status_code != 503:
            break
    assert answer.status_code == 201, answer.text
    return answer.json()


def message_ids(http: httpx.Client, conversation_id: str) -> list[str]:
    answer = http.get(f"/chats/{conversation_id}", params={"limit": 100}).raise_for_status()
    assert answer.json()["next_cursor"] is None
    return [message["id"] for message in answer.json()["messages"]]


def slots(deployment: Deployment) -> dict[str, list[int]]:
    """Every shard's slots, as they lie in the table."""
    pages = (
        deployment.aws("dynamodb")
        .get_paginator("scan")
        .paginate(
            TableName=deployment.physical_id("Table"),
            FilterExpression="begins_with(PK, :kind)",
            ExpressionAttributeValues={":kind": {"S": "S#default#"}},
        )
    )
    found: dict[str, list[int]] = {}
    for page in pages:
        for item in page["Items"]:
            found.setdefault(item["PK"]["S"], []).append(int(item["SK"]["S"]))
    return found


def test_the_same_post_three_times_and_by_eight_clients_at_once(
    deployment: Deployment, http: httpx.Client
):
    asked = body("same", range(30))
    counts = [post(http, asked) for _ in range(3)]
    assert [each["inserted_count"] for each in counts] == [30, 0, 0]
    assert [each["duplicate_count"] for each in counts] == [0, 30, 30]
    asked = body("same-at-once", range(30))
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda _: post(http, asked), range(CLIENTS)))
    assert sum(each["inserted_count"] for each in answers) == 30
    assert message_ids(http, "same-at-once") == [f"m{number}" for number in range(30)]


def test_overlapping_batches_by_eight_clients_at_once(deployment: Deployment, http: httpx.Client):
    batches = [body("overlap", range(5 * number, 5 * number + 15)) for number in range(CLIENTS)]
    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(lambda asked: post(http, asked), batches))
    assert sum(each["inserted_count"] for each in answers) == 50
    assert message_ids(http, "overlap") == [f"m{number}" for number in range(50)]
    for numbers in slots(deployment).values():
        assert sorted(numbers) == list(range(1, len(numbers) + 1))


@pytest.mark.parametrize("keyed", [True, False])
def test_a_repeat_without_times_is_safe_under_an_idempotency_key_only(
    http: httpx.Client, keyed: bool
):
    asked = {"messages": [{"content": "hello"}, {"content": "hello"}]}
    headers = {"Idempotency-Key": "once"} if keyed else {}
    first, second = (http.post("/chats", json=asked, headers=headers).json() for _ in range(2))
    assert first["inserted_count"] == 2
    assert second["inserted_count"] == (0 if keyed else 2)
    assert (first["conversation_id"] == second["conversation_id"]) == keyed
