"""Turns: role and text of each message, for formats that train on whole conversations.

A trainer learns from what the assistant says, so a conversation ends with its last answer, and one
without any has no turns: OpenAI's fine-tuning refuses both (its cookbook's "Data preparation and
analysis for chat model fine-tuning" checks for the second), and refuses messages without text.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, islice

from chatledger.formats.writer import Conversation, Options
from chatledger.messages import Message

Turn = tuple[str, str]

# Text that may wait for an answer. What waits for longer is asked for by reading on, once more.
MAX_WAITING = 1024 * 1024  # characters


def turns(conversation: Conversation, options: Options) -> Iterator[Turn]:
    """The conversation's prompt first, unless it begins with a system message of its own."""
    told = _up_to_the_last_answer(conversation.messages)
    first = next(told, None)
    if first is None:
        return
    prompt: str | None = conversation.head.about.get("prompt")
    if prompt and options.include_metadata and first[0] != "system":
        yield "system", prompt
    yield first
    yield from told


def _up_to_the_last_answer(messages: Iterable[Message]) -> Iterator[Turn]:
    """In one pass, or in two where more waits than fits."""
    told, waiting, size = _told(messages), list[Turn](), 0
    for number, turn in enumerate(told, 1):
        waiting.append(turn)
        size += len(turn[1])
        if turn[0] == "assistant":
            yield from waiting
            waiting.clear()
            size = 0
        elif size > MAX_WAITING:
            left = _last_answer(messages) - (number - len(waiting))
            yield from islice(chain(waiting, told), max(0, left))
            return


def _last_answer(messages: Iterable[Message]) -> int:
    """The number of the last turn that is an answer; 0 where there is none."""
    answers = (number for number, turn in enumerate(_told(messages), 1) if turn[0] == "assistant")
    return max(answers, default=0)


def _told(messages: Iterable[Message]) -> Iterator[Turn]:
    return ((message.role, message.content) for message in messages if message.content)
