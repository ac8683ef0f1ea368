"""Turns: a conversation up to its last answer, in bounded memory and at most two passes."""

import tracemalloc
from collections.abc import Iterator

import pytest

from chatledger.formats import Options
from chatledger.formats import turns as module
from chatledger.formats.turns import Turn, turns
from chatledger.formats.writer import Conversation
from chatledger.ledger.heads import Head
from chatledger.messages import Message
from tests.unit.formats.samples import conversation, message

BARE = Options(include_metadata=False)


def told(roles: str, options: Options | None = None, **about: str) -> list[Turn]:
    """A message per letter; a capital one has no text."""
    names = {"u": "user", "a": "assistant", "s": "system", "t": "tool"}
    messages = [
        message(number, role=names[letter.lower()], content="" if letter.isupper() else letter)
        for number, letter in enumerate(roles)
    ]
    return list(turns(conversation(messages, dict(about)), options or Options()))


@pytest.mark.parametrize(
    ("roles", "expected"),
    [
        ("uaua", "uaua"),
        ("uau", "ua"),
        ("uatuus", "ua"),
        ("uuu", ""),
        ("", ""),
        ("auta", "auta"),
        ("uA", ""),
        ("uAUa", "ua"),
        ("suta", "suta"),
    ],
)
@pytest.mark.parametrize("waiting", [1_000, 1, 0])
def test_up_to_the_last_answer(
    roles: str, expected: str, waiting: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_WAITING", waiting)
    assert "".join(text for _, text in told(roles)) == expected


def test_the_prompt_comes_first_unless_there_is_one() -> None:
    prompt = ("system", "Be kind")
    assert told("ua", prompt="Be kind") == [prompt, ("user", "u"), ("assistant", "a")]
    assert told("sua", prompt="Be kind")[0] == ("system", "s")
    assert told("ua", BARE, prompt="Be kind")[0] == ("user", "u")
    assert told("u", prompt="Be kind") == []


class Unanswered:
    """Megabytes of questions; an answer stands behind as many of them as ``answered`` says."""

    def __init__(self, answered: int) -> None:
        self.answered, self.passes = answered, 0

    def __iter__(self) -> Iterator[Message]:
        self.passes += 1
        for number in range(20_000):
            role = "assistant" if number == self.answered else "user"
            yield message(number, role=role, content=f"{number:1000}")


@pytest.mark.parametrize("answered", [-1, 0, 500, 15_000])
def test_what_waits_for_an_answer_is_not_all_in_memory(answered: int) -> None:
    messages = Unanswered(answered)
    chat = Conversation(Head("c", "2024-01-15", "2024-01-15", {}), messages)
    tracemalloc.start()
    try:
        count = sum(1 for _ in turns(chat, Options()))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == answered + 1
    assert messages.passes == 2
    assert peak < 4 * 2**20
