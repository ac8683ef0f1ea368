"""OpenAI: a conversation a line, ``{"messages": [{"role", "content"}]}``, ready for fine-tuning.

Message for message, in the format of the guide "Supervised fine-tuning" of OpenAI's platform,
which axolotl, TRL and LLaMA-Factory read too. ``turns`` says what is left out.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import msgspec

from chatledger.formats.turns import Turn, turns
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered

_ENCODER = msgspec.json.Encoder()


class _Message(msgspec.Struct, frozen=True):
    role: str
    content: str


@dataclass(frozen=True, slots=True)
class OpenAi(Unframed):
    options: Options

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        told = turns(conversation, self.options)
        if first := next(told, None):
            yield b'{"messages":[' + _encoded(first)
            yield from (b"," + _encoded(turn) for turn in told)
            yield b"]}\n"


def writer(options: Options) -> Writer:
    return OpenAi(options)


def _encoded(turn: Turn) -> bytes:
    role, content = turn
    return _ENCODER.encode(_Message(role, content))
