"""ShareGPT: a conversation a line, ``{"id", "conversations": [{"from", "value"}]}``.

``id`` and the names of the speakers are those of FastChat's ShareGPT data. LLaMA-Factory
(``data/README.md``) skips a conversation in which human and gpt do not take turns, the human
first. So messages of one speaker that follow each other are one turn, joined by a blank line, and
what stands before the first human turn is left out, but for the system prompt.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, dropwhile, groupby
from operator import itemgetter

import msgspec

from chatledger.formats.pairs import BETWEEN
from chatledger.formats.turns import Turn, turns
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered

_SPEAKERS = {"user": "human", "assistant": "gpt"}
_ENCODER = msgspec.json.Encoder()


@dataclass(frozen=True, slots=True)
class ShareGpt(Unframed):
    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        told = _with_a_human(turns(conversation, self.options))
        spoken = (_spoken(role, said) for role, said in groupby(told, itemgetter(0)))
        if first := next(spoken, None):
            name = _ENCODER.encode(conversation.head.conversation_id)
            yield b'{"id":' + name + b',"conversations":['
            yield from first
            for turn in spoken:
                yield b","
                yield from turn
            yield b"]}\n"


def writer(options: Options) -> Writer:
    return ShareGpt(options)


def _with_a_human(told: Iterator[Turn]) -> Iterator[Turn]:
    """The system prompt, if there is one, and all from the first human turn on; or nothing."""
    first = next(told, None)
    prompts = [first] if first and first[0] == "system" else []
    rest = dropwhile(_is_not_human, chain([first] if first and not prompts else [], told))
    if human := next(rest, None):
        yield from chain(prompts, [human], rest)


def _is_not_human(turn: Turn) -> bool:
    return turn[0] != "user"


def _spoken(role: str, said: Iterable[Turn]) -> Iterator[bytes]:
    """One turn, of all that was said by one speaker; it may be any number of messages."""
    yield b'{"from":' + _ENCODER.encode(_SPEAKERS.get(role, role)) + b',"value":"'
    between = b""
    for _, text in said:
        yield between + _inside(text)
        between = _inside(BETWEEN)
    yield b'"}'


def _inside(text: str) -> bytes:
    """As the inside of a JSON string."""
    return _ENCODER.encode(text)[1:-1]
