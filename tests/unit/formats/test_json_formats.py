"""json and jsonl: the documented object field by field, and nothing lost beside it."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from chatledger.formats import Options
from chatledger.formats.writer import Conversation
from chatledger.messages import Message
from chatledger.timestamps import format_time, parse_time
from tests.documented import HELLO, HELP, JSON_CONVERSATION
from tests.unit.formats.samples import START, conversation, conversations, message, written

ALL = Options(include_ip_addresses=True)

# Of the conversation that the documentation shows, its first two messages.
DOCUMENTED = JSON_CONVERSATION | {
    "conversation_metrics": {
        "total_messages": 2,
        "ai_message_count": 1,
        "guest_message_count": 1,
        "conversation_duration_minutes": 1,
    }
}


def read(name: str, data: bytes) -> list[dict[str, Any]]:
    return (
        json.loads(data)
        if name == "json"
        else [json.loads(line) for line in data.split(b"\n")[:-1]]
    )


def test_the_documented_example() -> None:
    said = [
        message(0, id="456", content=HELLO),
        message(
            1,
            id="457",
            content=HELP,
            ai_service="mistral",
            model="mistral-large-latest",
            reply_to="456",
        ),
    ]
    about = {
        "title": "Guest Chat - John Doe",
        "status": "active",
        "user_id": "guest_abc123",
        "user_name": "Guest_def456",
        "user_email": "guest_789@example.com",
    }
    chat = conversation(said, about, conversation_id="123")
    assert written("jsonl", chat) == json.dumps(DOCUMENTED, separators=(",", ":")).encode() + b"\n"
    assert json.loads(written("json", chat)) == [DOCUMENTED]


def test_what_is_not_known_is_null_or_not_there() -> None:
    (found,) = read("json", written("json", conversation([message(1)])))
    assert found["conversation_title"] is None
    assert found["guest_info"] == {
        "guest_id": None,
        "guest_name": None,
        "guest_email": None,
        "anonymized": False,
    }
    assert found["messages"][0]["ai_metadata"] == {
        "service": None,
        "model": None,
        "reply_to_message_id": None,
    }
    assert list(found) == list(DOCUMENTED)


def test_roles_metrics_and_services() -> None:
    said = [
        message(0),
        message(1, ai_service="openai"),
        message(2, role="tool", ai_service="search"),
        message(3, role="system"),
        message(4),
        message(5, ai_service="anthropic", timestamp=START.replace(hour=12, second=59)),
    ]
    (found,) = read("jsonl", written("jsonl", conversation(said)))
    senders = [each["sender_type"] for each in found["messages"]]
    assert senders == ["guest", "ai", "tool", "system", "guest", "ai"]
    assert [each.get("role") for each in found["messages"]] == [
        None,
        None,
        "tool",
        "system",
        None,
        None,
    ]
    assert [each["sequence_number"] for each in found["messages"]] == [1, 2, 3, 4, 5, 6]
    assert found["ai_services_used"] == ["anthropic", "openai", "search"]
    assert found["conversation_metrics"] == {
        "total_messages": 6,
        "ai_message_count": 2,
        "guest_message_count": 2,
        "conversation_duration_minutes": 120,  # 120 minutes and 59 seconds
    }


def test_without_metadata_the_thread_stays() -> None:
    full = message(
        1,
        ai_service="openai",
        model="gpt",
        reply_to="m0",
        message_tokens=1,
        answer_tokens=2,
        provider_response_latency=0.5,
        metadata={"a": 1},
        ip_address="192.0.2.1",
        feedback="like",
        user_id="bot",
    )
    about = {
        "app_id": "shop",
        "model": "gpt",
        "prompt": "Be kind",
        "temperature": 0,
        "metadata": {},
    }
    bare = written("jsonl", conversation([full], about), options=Options(include_metadata=False))
    (found,) = read("jsonl", bare)
    assert found["messages"] == [
        {
            "message_id": "m1",
            "timestamp": "2024-01-15T10:31:00Z",
            "sender_type": "ai",
            "message": "text 1",
            "sequence_number": 1,
            "user_id": "bot",
            "reply_to_message_id": "m0",
            "feedback": "like",
        }
    ]
    assert found.keys() - DOCUMENTED.keys() == {"app_id"}


@pytest.mark.parametrize("name", ["json", "jsonl"])
@given(chat=conversations)
def test_nothing_is_lost(name: str, chat: Conversation) -> None:
    other = replace(chat, head=replace(chat.head, conversation_id="other"))
    found, again = read(name, written(name, chat, other, options=ALL))
    assert again == {**found, "conversation_id": "other"}
    assert found["created_at"] == found["messages"][0]["timestamp"]
    assert about_of(found) == {k: v for k, v in chat.head.about.items() if v is not None}
    said = [message_of(each, found["conversation_id"]) for each in found["messages"]]
    assert said == list(chat.messages)


@given(chat=conversations)
def test_addresses_only_where_they_are_asked_for(chat: Conversation) -> None:
    (found,) = read("jsonl", written("jsonl", chat))
    assert not any("ip_address" in each for each in found["messages"])


@given(chat=conversations)
def test_a_conversation_is_a_line(chat: Conversation) -> None:
    assert written("jsonl", chat, chat).count(b"\n") == 2
    assert written("json", chat, chat).count(b"\n") == 4


@given(chat=conversations)
def test_times_are_written_as_everywhere(chat: Conversation) -> None:
    (found,) = read("jsonl", written("jsonl", chat))
    times = [each["timestamp"] for each in found["messages"]]
    assert times == [format_time(each.timestamp) for each in chat.messages]


def test_no_conversation_and_no_message() -> None:
    assert json.loads(written("json")) == []
    assert written("jsonl") == b""
    (found,) = json.loads(written("json", conversation([])))
    assert (found["created_at"], found["messages"]) == (None, [])
    assert set(found["conversation_metrics"].values()) == {0}


def about_of(found: dict[str, Any]) -> dict[str, Any]:
    """What the object says of the conversation, under the names that came in."""
    guest = found["guest_info"]
    about = {
        "title": found["conversation_title"],
        "status": found["status"],
        "user_id": guest["guest_id"],
        "user_name": guest["guest_name"],
        "user_email": guest["guest_email"],
        **{name: found[name] for name in found.keys() - DOCUMENTED.keys()},
    }
    return {name: value for name, value in about.items() if value is not None}


def message_of(found: dict[str, Any], conversation_id: str) -> Message:
    """The message that the object was made of."""
    known = {"guest": "user", "ai": "assistant"}
    ai = found.get("ai_metadata", {})
    same = (
        "user_id",
        "message_tokens",
        "answer_tokens",
        "provider_response_latency",
        "feedback",
        "ip_address",
        "contexts",
        "metadata",
    )
    return message(
        id=found["message_id"],
        conversation_id=conversation_id,
        timestamp=parse_time(found["timestamp"]),
        role=found.get("role") or known[found["sender_type"]],
        content=found["message"],
        ai_service=ai.get("service", found.get("ai_service")),
        model=ai.get("model", found.get("ai_model")),
        reply_to=ai.get("reply_to_message_id", found.get("reply_to_message_id")),
        **{name: found.get(name) for name in same},
    )
