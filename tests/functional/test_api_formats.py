"""The documented examples of the formats: in through POST /chats, out through POST /exports."""

import json
from typing import Any

import pytest

from chatledger.timestamps import parse_time
from tests.documented import HELLO, HELP, JSON_CONVERSATION, ML_DOCUMENT, UIUC_CONVO, UIUC_ROW
from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below

WAITING = {"Prefer": "wait=20"}


# The conversation of the documented JSON and ML training, as it is sent.
TEKREM_CHAT = {
    "conversation_id": "123",
    "title": "Guest Chat - John Doe",
    "status": "active",
    "user_id": "guest_abc123",
    "user_name": "Guest_def456",
    "user_email": "guest_789@example.com",
    "messages": [
        {"id": "456", "timestamp": "2024-01-15T10:30:00Z", "content": HELLO},
        {
            "id": "457",
            "timestamp": "2024-01-15T10:31:00Z",
            "role": "assistant",
            "content": HELP,
            "ai_service": "mistral",
            "model": "mistral-large-latest",
            "reply_to": "456",
        },
    ],
}
AND_ON = [
    {"id": "458", "timestamp": "2024-01-15T10:40:00Z", "content": "A shop, please."},
    {
        "id": "459",
        "timestamp": "2024-01-15T10:45:00Z",
        "role": "assistant",
        "content": "Gladly.",
        "ai_service": "mistral",
        "model": "mistral-large-latest",
        "reply_to": "458",
    },
]


def exported(gateway: Gateway, below: Below, format: str, **asked: Any) -> str:
    """The text of the file."""
    body = {"format": format, "anonymize": False, **asked}
    reply = gateway.post("/exports", body, headers=WAITING)
    assert reply.status == 201, reply.text
    (file,) = reply.json()["files"]
    place = f"{reply.json()['export_id']}/files/{file['name']}"
    (data,) = [each for key, each in below.exports.objects.items() if key.endswith(place)]
    assert len(data) == file["bytes"]
    return data.decode()


def sent(gateway: Gateway, body: dict[str, Any]) -> None:
    reply = gateway.post("/chats", body)
    assert reply.status == 201, reply.text


def test_the_documented_json(gateway: Gateway, below: Below):
    sent(gateway, TEKREM_CHAT)
    sent(gateway, {"conversation_id": "123", "user_id": "guest_abc123", "messages": AND_ON})
    (found,) = json.loads(exported(gateway, below, "json"))
    for message in found["messages"][::2]:
        assert message.pop("user_id") == "guest_abc123"
    found["messages"] = found["messages"][:2]
    assert found == JSON_CONVERSATION


@pytest.mark.parametrize("name", ["ml", "ml_training"])
def test_the_documented_ml_training(gateway: Gateway, below: Below, name: str):
    sent(gateway, TEKREM_CHAT)
    found = json.loads(exported(gateway, below, name))
    asked_at = found["metadata"]["export_timestamp"]
    assert parse_time(asked_at).microsecond == 0
    metadata = ML_DOCUMENT["metadata"] | {"export_timestamp": asked_at}
    assert found == ML_DOCUMENT | {"metadata": metadata}


def test_the_documented_row_of_uiuc(gateway: Gateway, below: Below):
    times = ("2023-08-14T16:35:40.508062-07:00", "2023-08-14T16:35:52-07:00")
    messages = [
        {**message, "timestamp": time}
        for message, time in zip(UIUC_CONVO["messages"], times, strict=True)
    ]
    same = ("prompt", "temperature", "user_email", "model")
    body = {
        **{name: UIUC_CONVO[name] for name in same},
        "conversation_id": UIUC_CONVO["id"],
        "app_id": UIUC_ROW["course_name"],
        "title": UIUC_CONVO["name"],
        "messages": messages,
    }
    sent(gateway, body)
    found = json.loads(exported(gateway, below, "uiuc"))
    number = found.pop("id")
    assert found == UIUC_ROW
    assert json.loads(exported(gateway, below, "uiuc"))["id"] == number


def test_a_user_who_was_not_signed_in_has_no_address(gateway: Gateway, below: Below):
    sent(gateway, {"conversation_id": "c", "messages": [{"content": "Hello"}]})
    found = json.loads(exported(gateway, below, "uiuc"))
    assert (found["user_email"], found["convo"]["user_email"]) == (None, None)


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "openai",
            {
                "messages": [
                    {"role": "user", "content": HELLO},
                    {"role": "assistant", "content": HELP},
                ]
            },
        ),
        (
            "sharegpt",
            {
                "id": "123",
                "conversations": [
                    {"from": "human", "value": HELLO},
                    {"from": "gpt", "value": HELP},
                ],
            },
        ),
        ("alpaca", {"instruction": HELLO, "input": "", "output": HELP}),
    ],
)
def test_what_trainers_read(gateway: Gateway, below: Below, name: str, expected: dict[str, Any]):
    sent(gateway, TEKREM_CHAT)
    text = exported(gateway, below, name)
    assert text.count("\n") == 1
    assert json.loads(text) == expected


def test_what_anythingllm_writes(gateway: Gateway, below: Below):
    sent(gateway, {**TEKREM_CHAT, "app_id": "support"})
    (found,) = json.loads(exported(gateway, below, "anythingllm"))
    assert isinstance(found.pop("id"), int)
    assert found == {
        "prompt": HELLO,
        "response": HELP,
        "sent_at": "2024-01-15T10:31:00.000Z",
        "attachments": [],
        "workspace": "support",
        "username": "Guest_def456",
        "rating": "--",
    }
