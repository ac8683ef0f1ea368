"""ml, openai, sharegpt, alpaca: what their readers are told, field by field."""

import json
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given

from chatledger.formats import Options
from chatledger.formats.writer import Conversation
from tests.documented import HELLO, HELP, ML_DOCUMENT
from tests.unit.formats.samples import conversation, conversations, message, written

BARE = Options(include_metadata=False)


def documented() -> Conversation:
    model: dict[str, Any] = {"ai_service": "mistral", "model": "mistral-large-latest"}
    said = [message(0, content=HELLO), message(1, content=HELP, reply_to="m0", **model)]
    return conversation(said, {"status": "active", "prompt": "Be kind"}, conversation_id="123")


def lines(data: bytes) -> list[Any]:
    return [json.loads(line) for line in data.split(b"\n")[:-1]]


def talk(roles: str, **about: Any) -> Conversation:
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    said = [
        message(number, role=names[role], content=f"{role}{number}")
        for number, role in enumerate(roles)
    ]
    return conversation(said, about)


def test_ml_is_the_documented_document() -> None:
    found = json.loads(written("ml", documented()))
    assert found == ML_DOCUMENT
    (pair,), (expected,) = found["training_data"], ML_DOCUMENT["training_data"]
    assert [list(pair), list(pair["metadata"])] == [list(expected), list(expected["metadata"])]


def test_ml_counts_what_it_holds() -> None:
    found = json.loads(written("ml", talk("uauaa"), talk("uuu"), talk("u"), documented()))
    assert found["metadata"]["total_conversations"] == 2
    assert found["metadata"]["total_training_pairs"] == len(found["training_data"]) == 3
    nothing = json.loads(written("ml", talk("u"), talk("a")))
    assert nothing["training_data"] == []
    assert nothing["metadata"]["total_conversations"] == 0


def test_ml_tells_of_the_ai_service_unless_it_is_told_not_to() -> None:
    (pair,) = json.loads(written("ml", documented(), options=BARE))["training_data"]
    assert (pair["metadata"]["ai_service"], pair["metadata"]["ai_model"]) == (None, None)
    named = [message(0), message(1, model={"id": "gpt-4-0613", "name": "GPT-4"})]
    (pair,) = json.loads(written("ml", conversation(named)))["training_data"]
    assert pair["metadata"]["ai_model"] == "gpt-4-0613"
    assert pair["metadata"]["conversation_status"] is None


def test_ml_repeats_the_ten_messages_before() -> None:
    *_, last = json.loads(written("ml", talk("sutaua" + "ua" * 10)))["training_data"]
    assert [each["role"] for each in last["context"]] == ["assistant", "user"] * 5
    assert last["context"][-1]["content"] == last["input"]
    first, *_ = json.loads(written("ml", talk("suta")))["training_data"]
    assert [each["role"] for each in first["context"]] == ["system", "user", "tool"]


def test_openai_is_message_for_message() -> None:
    found = lines(written("openai", documented(), talk("u"), talk("auuta")))
    assert found == [
        {
            "messages": [
                {"role": "system", "content": "Be kind"},
                {"role": "user", "content": HELLO},
                {"role": "assistant", "content": HELP},
            ]
        },
        {
            "messages": [
                {"role": "assistant", "content": "a0"},
                {"role": "user", "content": "u1"},
                {"role": "user", "content": "u2"},
                {"role": "tool", "content": "t3"},
                {"role": "assistant", "content": "a4"},
            ]
        },
    ]


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("uaua", ["human u0", "gpt a1", "human u2", "gpt a3"]),
        ("uuaau", ["human u0\n\nu1", "gpt a2\n\na3"]),
        ("suta", ["system s0", "human u1", "tool t2", "gpt a3"]),
        ("saua", ["system s0", "human u2", "gpt a3"]),
        ("aaua", ["human u2", "gpt a3"]),
        ("ua", ["human u0", "gpt a1"]),
    ],
)
def test_sharegpt_takes_turns(roles: str, expected: list[str]) -> None:
    (found,) = lines(written("sharegpt", talk(roles)))
    turns = found["conversations"]
    assert [f"{turn['from']} {turn['value']}" for turn in turns] == expected
    assert list(found) == ["id", "conversations"]
    assert found["id"] == "conv-1"


def test_sharegpt_leaves_out_what_nobody_asked_or_answered() -> None:
    assert written("sharegpt", talk("u"), talk("aa"), talk("sa"), talk("")) == b""
    (found,) = lines(written("sharegpt", talk("aua", prompt="Be kind")))
    assert [turn["from"] for turn in found["conversations"]] == ["system", "human", "gpt"]


def test_alpaca_has_what_the_model_answered_from() -> None:
    contexts = [{"text": "Page one", "page": 1}, "Page two", {"page": 3}, 4, {"text": None}]
    said = [message(0), message(1, contexts=contexts), message(2), message(3)]
    assert lines(written("alpaca", conversation(said), talk("u"))) == [
        {
            "instruction": "text 0",
            "input": 'Page one\n\nPage two\n\n{"page":3}\n\n4\n\nnull',
            "output": "text 1",
        },
        {"instruction": "text 2", "input": "", "output": "text 3"},
    ]


@given(chat=conversations)
def test_whatever_is_said_it_can_be_read(chat: Conversation) -> None:
    pairs = json.loads(written("ml", chat, chat))["training_data"]
    assert len(lines(written("alpaca", chat, chat))) == len(pairs)
    for found in lines(written("openai", chat, chat)):
        assert found["messages"][-1]["role"] == "assistant"
        assert all(each["content"] for each in found["messages"])
    for found in lines(written("sharegpt", chat, chat)):
        speakers = [each["from"] for each in found["conversations"]]
        assert speakers[speakers[0] == "system"] == "human"
        assert speakers[-1] == "gpt"
        assert all(one != other for one, other in pairwise(speakers))
