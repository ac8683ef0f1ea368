"""Pairs: who answered what, whatever the order in which it was said."""

from typing import Any

import pytest

from chatledger.formats.pairs import MAX_REMEMBERED, pairs
from chatledger.messages import Message
from tests.unit.formats.samples import message

ROLES = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}


def said(talk: str) -> list[Message]:
    """``u1 u2 a1>u1``: a message each, named as its text; what stands behind > it replies to."""
    messages: list[Message] = []
    for number, each in enumerate(talk.split()):
        name, _, reply_to = each.partition(">")
        more: dict[str, Any] = {"reply_to": reply_to} if reply_to else {}
        text = "" if name.endswith("0") else name
        messages.append(message(number, id=name, role=ROLES[name[0]], content=text, **more))
    return messages


def paired(talk: str) -> list[tuple[str, str]]:
    return [(pair.input, pair.output) for pair in pairs(said(talk))]


@pytest.mark.parametrize(
    ("talk", "expected"),
    [
        ("u1 a1 u2 a2", [("u1", "a1"), ("u2", "a2")]),
        ("u1 u2 a1", [("u1\n\nu2", "a1")]),
        ("u1 a1 a2 u2 a3", [("u1", "a1\n\na2"), ("u2", "a3")]),
        ("u1 a1 t1 a2", [("u1", "a1\n\na2")]),
        ("s1 u1 s2 a1", [("u1", "a1")]),
        # What nobody asked for, what nobody answered, what has no text.
        ("a1 u1 a2", [("u1", "a2")]),
        ("u1 a1 u2", [("u1", "a1")]),
        ("u1 u2", []),
        ("a1 a2", []),
        ("", []),
        ("u1 a0 u2 a2", [("u1\n\nu2", "a2")]),
        ("u0 a1", []),
        # Replies.
        ("u1 u2 a1>u1 a2>u2", [("u1", "a1"), ("u2", "a2")]),
        ("u1 u2 a2>u2 a1>u1", [("u1\n\nu2", "a2"), ("u1", "a1")]),
        ("u1 u2 a1>u2", [("u1\n\nu2", "a1")]),
        ("u1 u2 a1>u1 a2", [("u1", "a1"), ("u2", "a2")]),
        ("u1 a1>u1 u2 a2>u2 a3>u1", [("u1", "a1"), ("u2", "a2"), ("u1", "a3")]),
        ("u1 a1>u1 a2>u1", [("u1", "a1\n\na2")]),
        ("u1 a1>u1 a2>a1", [("u1", "a1\n\na2")]),
        ("u1 a1>nobody", [("u1", "a1")]),
    ],
)
def test_who_answered_what(talk: str, expected: list[tuple[str, str]]) -> None:
    assert paired(talk) == expected


def test_a_pair_knows_what_came_before_it() -> None:
    first, second = pairs(said("s1 u1 a1 t1 a2 u2 a3"))
    assert [each.id for each in first.before] == ["s1", "u1"]
    assert first.first.id == "a1"
    assert [each.id for each in second.before] == ["s1", "u1", "a1", "t1", "a2", "u2"]


def test_the_newest_are_remembered() -> None:
    talk = [message(number, role="user") for number in range(100)]
    talk += [message(number, role="assistant") for number in range(100, 200)]
    talk += [message(200, role="user"), message(201, role="assistant", reply_to="m3")]
    first, second = pairs(talk)
    assert [each.id for each in first.asked] == [f"m{number}" for number in range(90, 100)]
    assert [each.id for each in first.answers] == [f"m{number}" for number in range(100, 110)]
    assert len(second.before) == MAX_REMEMBERED
    assert second.input == "text 200"  # m3 is forgotten, so it is what waits.


def test_messages_of_one_id_are_told_apart() -> None:
    again = [message(0, id="u"), message(1, id="a"), message(2, id="u"), message(3, id="a")]
    assert [pair.input for pair in pairs(again)] == ["text 0", "text 2"]
