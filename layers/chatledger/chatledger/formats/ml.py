"""ML training: one JSON document of pairs, each with what came before it, and totals at its end.

The fields are those of "ML Training Format" in the documentation of TekRem's AI conversation
export. As there, a pair's context ends with its input; it has ten messages at most
(``pairs.MAX_REMEMBERED``).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

import msgspec

from chatledger.formats.pairs import pairs
from chatledger.formats.writer import (
    Conversation,
    Options,
    Totals,
    Unframed,
    Writer,
    gathered,
    model_id,
)
from chatledger.ledger.heads import Head
from chatledger.messages import Message

FORMAT_VERSION = "1.0"

_ENCODER = msgspec.json.Encoder(order="deterministic")


class _Said(msgspec.Struct, frozen=True):
    role: str
    content: str
    timestamp: datetime


class _About(msgspec.Struct, frozen=True):
    conversation_id: str
    ai_service: str | None
    ai_model: str | None
    timestamp: datetime
    conversation_status: str | None


class _TrainingPair(msgspec.Struct, frozen=True):
    input: str
    output: str
    context: list[_Said]
    metadata: _About


class _Metadata(msgspec.Struct, frozen=True):
    export_timestamp: datetime
    total_conversations: int
    total_training_pairs: int
    format_version: str = FORMAT_VERSION


@dataclass(slots=True)
class MlTraining(Unframed):
    """A pair a line, so that it can be written in parts, compared by ``diff``, read by ``grep``."""

    options: Options
    records: int = 0
    preamble: bytes = b'{"training_data":['
    separator: bytes = b","

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def postamble(self, totals: Totals) -> bytes:
        metadata = _Metadata(totals.at.replace(microsecond=0), totals.conversations, totals.records)
        return b'\n],"metadata":' + _ENCODER.encode(metadata) + b"}\n"

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        between = b"\n"
        for pair in pairs(conversation.messages):
            self.records += 1
            about = self._about(conversation.head, pair.first)
            context = [_Said(each.role, each.content, each.timestamp) for each in pair.before]
            yield between
            yield _ENCODER.encode(_TrainingPair(pair.input, pair.output, context, about))
            between = b",\n"

    def _about(self, head: Head, answer: Message) -> _About:
        service, model = answer.ai_service, model_id(answer.model)
        if not self.options.include_metadata:
            service = model = None
        status = head.about.get("status")
        return _About(head.conversation_id, service, model, answer.timestamp, status)


def writer(options: Options) -> Writer:
    return MlTraining(options)
