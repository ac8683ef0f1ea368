"""uiuc and anythingllm: the rows that these programs export themselves, field by field."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given

from chatledger.formats import Options
from chatledger.formats.writer import Conversation, stable_integer
from tests.documented import UIUC_CONVO, UIUC_ROW
from tests.unit.formats.samples import conversation, conversations, message, written

SAFE = 2**53 - 1  # the largest integer that every JSON reader holds
ID: str = UIUC_CONVO["id"]
SAME = ("user_email", "model", "prompt", "temperature")
ABOUT: dict[str, Any] = {
    **{name: UIUC_CONVO[name] for name in SAME},
    "title": UIUC_CONVO["name"],
    "app_id": UIUC_ROW["course_name"],
}


def uiuc(*chats: Conversation, options: Options | None = None) -> list[Any]:
    data = written("uiuc", *chats, options=options)
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def anythingllm(*chats: Conversation) -> list[Any]:
    return json.loads(written("anythingllm", *chats))


def test_uiuc_is_the_documented_row() -> None:
    """To the byte: fields in the page's order, the made id where it had its own."""
    asked, answered = UIUC_CONVO["messages"]
    at = datetime(2023, 8, 14, 23, 35, 40, 508062, tzinfo=UTC)
    said = [
        message(0, content=asked["content"], timestamp=at),
        message(1, content=answered["content"], contexts=answered["contexts"]),
    ]
    row = dict(sorted({**UIUC_ROW, "id": stable_integer(ID)}.items()))
    text = json.dumps(row, ensure_ascii=False, separators=(",", ":")) + "\n"
    assert written("uiuc", conversation(said, ABOUT, conversation_id=ID)).decode() == text


def test_uiuc_of_little_known() -> None:
    (row,) = uiuc(conversation([message(0)]))
    convo = row["convo"]
    for name in ("folderId", "model", "name", "prompt", "temperature", "user_email"):
        assert convo[name] is None
    assert (row["course_name"], row["user_email"]) == (None, None)
    assert row["created_at"] == "2024-01-15T10:30:00Z"


def test_uiuc_without_metadata_keeps_who_it_was() -> None:
    (row,) = uiuc(conversation([message(0)], ABOUT), options=Options(include_metadata=False))
    convo = row["convo"]
    assert (convo["model"], convo["prompt"], convo["temperature"]) == (None, None, None)
    assert convo["user_email"] == row["user_email"] == "kvday2@illinois.edu"


@pytest.mark.parametrize(
    ("model", "expected"),
    [
        ("gpt-4", {"id": "gpt-4", "name": "gpt-4"}),
        ({"id": "gpt-4"}, {"id": "gpt-4", "name": "gpt-4"}),
        ({"name": "GPT-4"}, {"id": "GPT-4", "name": "GPT-4"}),
    ],
)
def test_uiuc_names_a_model_twice(model: Any, expected: dict[str, str]) -> None:
    (row,) = uiuc(conversation([message(0)], {"model": model}))
    assert row["convo"]["model"] == expected


def test_uiuc_has_80_contexts_at_most() -> None:
    (row,) = uiuc(conversation([message(0, contexts=list(range(100)))]))
    assert row["convo"]["messages"][0]["contexts"] == list(range(80))


def test_ids_stay_and_differ() -> None:
    one, other = uiuc(conversation([message(0)]), conversation([message(0)], {}, "conv-2"))
    assert one["id"] != other["id"]
    assert one["id"] == uiuc(conversation([message(5)], ABOUT))[0]["id"] == 1911268954787471
    assert stable_integer("a", "b") != stable_integer("ab")
    assert 0 < max(stable_integer(str(number)) for number in range(1000)) <= SAFE


def test_anythingllm_is_what_it_writes_itself() -> None:
    about = {"app_id": "Handbook", "user_id": "u1", "user_name": "ann"}
    said = [message(0, user_id="u1"), message(1, feedback={"rating": "like"}), message(2)]
    said += [message(3, feedback="dislike"), message(4, user_id="bob"), message(5)]
    first, *rest = anythingllm(conversation(said, about), conversation([message(0)]))
    assert first == {
        "id": first["id"],
        "prompt": "text 0",
        "response": "text 1",
        "sent_at": "2024-01-15T10:31:00.000Z",
        "attachments": [],
        "workspace": "Handbook",
        "username": "ann",
        "rating": "GOOD",
    }
    assert [each["rating"] for each in rest] == ["BAD", "--"]
    assert [each["username"] for each in rest] == ["ann", "bob"]
    assert len({each["id"] for each in (first, *rest)}) == 3
    assert 0 < first["id"] <= SAFE


def test_anythingllm_of_little_known() -> None:
    at = datetime(7, 1, 2, 3, 4, 5, 6789, tzinfo=UTC)
    (found,) = anythingllm(conversation([message(0), message(1, timestamp=at)]))
    assert (found["workspace"], found["username"]) == ("unknown workspace", "unknown user")
    assert found["sent_at"] == "0007-01-02T03:04:05.006Z"


@pytest.mark.parametrize(
    ("feedback", "rating"),
    [
        ("like", "GOOD"),
        (True, "GOOD"),
        (1, "GOOD"),
        ({"rating": "dislike", "content": "wrong"}, "BAD"),
        (False, "BAD"),
        (None, "--"),
        ({"rating": None}, "--"),
        ("so so", "--"),
        ([1], "--"),
        ({"stars": 5}, "--"),
    ],
)
def test_anythingllm_rates(feedback: Any, rating: str) -> None:
    (found,) = anythingllm(conversation([message(0), message(1, feedback=feedback)]))
    assert found["rating"] == rating


@given(chat=conversations)
def test_whatever_is_said_it_can_be_read(chat: Conversation) -> None:
    assert all(isinstance(each["prompt"], str) for each in anythingllm(chat, chat))
    said = [(each.role, each.content) for each in chat.messages]
    for row in uiuc(chat, chat):
        assert [(each["role"], each["content"]) for each in row["convo"]["messages"]] == said


@pytest.mark.parametrize(
    ("roles", "turns"),
    [
        ("user assistant", [("0", "1")]),
        ("user user assistant assistant", [("0", ""), ("1", "2"), ("", "3")]),
        ("user tool system assistant user", [("0", "3"), ("1", ""), ("2", ""), ("4", "")]),
        ("system user tool", [("0", ""), ("1", ""), ("2", "")]),
        ("tool assistant", [("0", ""), ("", "1")]),
        (
            "user" + " tool" * 11 + " assistant",
            [(str(number), "") for number in range(12)] + [("", "12")],
        ),
    ],
)
def test_conversation_logs_pair_an_answer_with_its_question(
    roles: str, turns: list[tuple[str, str]]
) -> None:
    said = [message(n, role=role, content=str(n)) for n, role in enumerate(roles.split())]
    document = json.loads(written("conversation_logs", conversation(said)))
    (found,) = document["conversations"]
    assert [(turn["query"], turn["answer"]) for turn in found["messages"]] == turns
    assert (found["dialogue_count"], document["count"]) == (len(turns), 1)
