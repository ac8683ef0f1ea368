"""Alpaca: a training pair a line, as Stanford Alpaca and LLaMA-Factory read them.

``instruction`` is what was asked: Stanford's README calls it the task, and LLaMA-Factory's
``data/README.md`` requires it. ``input`` is "optional context or input for the task": what the
model was given to answer from (``contexts``), empty where there was nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, cast

import msgspec

from chatledger.formats.pairs import BETWEEN, Pair, pairs
from chatledger.formats.writer import Conversation, Options, Unframed, Writer, gathered

_ENCODER = msgspec.json.Encoder(order="deterministic")


class _Instruction(msgspec.Struct, frozen=True):
    instruction: str
    input: str
    output: str


@dataclass(slots=True)
class Alpaca(Unframed):
    """The same three fields in each line: readers of tables ask for that."""

    records: int = 0

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._lines(conversation))

    def _lines(self, conversation: Conversation) -> Iterator[bytes]:
        for pair in pairs(conversation.messages):
            self.records += 1
            yield _ENCODER.encode(_Instruction(pair.input, _contexts(pair), pair.output)) + b"\n"


def writer(options: Options) -> Writer:  # noqa: ARG001 - it holds nothing that could be left out
    return Alpaca()


def _contexts(pair: Pair) -> str:
    return BETWEEN.join(_text(each) for answer in pair.answers for each in answer.contexts or ())


def _text(context: Any) -> str:
    """Its text, where it has one; all else as JSON."""
    if isinstance(context, dict):
        context = cast("dict[str, Any]", context).get("text", context)
    return context if isinstance(context, str) else _ENCODER.encode(context).decode()
