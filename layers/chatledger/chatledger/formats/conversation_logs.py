"""Conversation logs: a document of Dify's conversations, a question and its answer a message.

Fields and order are those of the "Log File Format" in the "Conversation Logs Management Guide" for
Dify, in the answer that its "Export Logs" gives. No message is left out: what nobody answered has
an empty ``answer``, what nobody asked for an empty ``query``. What the guide has no field for
stands behind its fields, where it is known.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from chatledger.formats.pairs import MAX_REMEMBERED
from chatledger.formats.writer import Conversation, Options, Totals, Unframed, Writer, gathered
from chatledger.ledger.heads import Head
from chatledger.messages import Message

_ENCODER = msgspec.json.Encoder(order="deterministic")
_METADATA = ("message_tokens", "answer_tokens", "provider_response_latency")


class _Turn(msgspec.Struct, frozen=True, kw_only=True):
    """A message of Dify's."""

    id: str
    conversation_id: str
    query: str
    answer: str
    created_at: datetime
    message_tokens: int | None = None
    answer_tokens: int | None = None
    provider_response_latency: float | int | None = None
    from_source: str | None
    from_end_user_id: str | None


class _Rest(msgspec.Struct, frozen=True, omit_defaults=True):
    """What else is known of it; ``role`` where it is neither a question nor an answer."""

    role: str | None = None
    reply_to: str | None = None
    answer_id: str | None = None
    feedback: Any = None
    contexts: list[Any] | None = None
    ai_service: str | None = None
    model: str | dict[str, Any] | None = None
    metadata: dict[str, Any] | None = None
    ip_address: str | None = None


class _Opening(msgspec.Struct, frozen=True):
    conversation_id: str
    app_id: str | None
    name: str | None
    status: str | None
    from_source: str | None


class _Closing(msgspec.Struct, frozen=True):
    """``dialogue_count``: how many messages of Dify's there are."""

    created_at: datetime | None
    updated_at: datetime | None
    dialogue_count: int
    logged_at: datetime | None


@dataclass(frozen=True, slots=True)
class ConversationLogs(Unframed):
    options: Options
    preamble: bytes = b'{"success":true,"conversations":['
    separator: bytes = b","

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def postamble(self, totals: Totals) -> bytes:
        return b'\n],"count":%d}\n' % totals.conversations

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        head, span = conversation.head, _Span()
        yield b"\n" + _ENCODER.encode(_opening(head))[:-1] + b',"messages":['
        between = b""
        for asked, answer in dialogue(span.through(conversation.messages)):
            yield between + self._turn(head, asked, answer)
            between = b","
            span.turns += 1
        logged_at = self.options.asked_at
        closing = _Closing(
            span.first, span.last, span.turns, logged_at and logged_at.replace(microsecond=0)
        )
        yield b"]," + _ENCODER.encode(closing)[1:]

    def _turn(self, head: Head, asked: Message | None, answer: Message | None) -> bytes:
        first = asked or answer
        if first is None:
            raise ValueError("a turn is a question, an answer, or both")
        about = head.about
        turn = _Turn(
            id=first.id,
            conversation_id=head.conversation_id,
            query=asked.content if asked else "",
            answer=answer.content if answer else "",
            created_at=first.timestamp,
            from_source=about.get("from_source"),
            from_end_user_id=(asked and asked.user_id) or about.get("user_id"),
            **(_told((asked, answer), _METADATA) if self.options.include_metadata else {}),
        )
        rest = _ENCODER.encode(self._rest(asked, answer))
        written = _ENCODER.encode(turn)
        return written if rest == b"{}" else written[:-1] + b"," + rest[1:]

    def _rest(self, asked: Message | None, answer: Message | None) -> _Rest:
        known = ("feedback", "contexts")
        if self.options.include_metadata:
            known += ("ai_service", "model", "metadata")
        if self.options.include_ip_addresses:
            known += ("ip_address",)
        return _Rest(
            role=asked.role if asked and asked.role != "user" else None,
            reply_to=_reply_to(asked, answer),
            answer_id=answer.id if asked and answer and answer.id != asked.id else None,
            **_told((asked, answer), known),
        )


def writer(options: Options) -> Writer:
    return ConversationLogs(options)


def dialogue(messages: Iterable[Message]) -> Iterator[tuple[Message | None, Message | None]]:
    """Each message once, as a question, an answer, or both together.

    What a system or a tool says in between, a few messages, does not part an answer from its
    question: it comes after them.
    """
    asked: Message | None = None
    between: list[Message] = []
    for message in messages:
        if message.role == "assistant":
            yield asked, message
        elif asked and message.role != "user" and len(between) < MAX_REMEMBERED:
            between.append(message)
            continue
        elif asked:
            yield asked, None
        yield from ((each, None) for each in between)
        between.clear()
        asked = message if message.role == "user" else None
        if message.role not in {"user", "assistant"}:
            yield message, None
    if asked:
        yield asked, None
    yield from ((each, None) for each in between)


@dataclass(slots=True)
class _Span:
    """What is only known once the last message was seen."""

    first: datetime | None = None
    last: datetime | None = None
    turns: int = 0

    def through(self, messages: Iterable[Message]) -> Iterator[Message]:
        for message in messages:
            self.first = self.first or message.timestamp
            self.last = message.timestamp
            yield message


def _opening(head: Head) -> _Opening:
    about = head.about
    return _Opening(
        head.conversation_id,
        about.get("app_id"),
        about.get("title"),
        about.get("status"),
        about.get("from_source"),
    )


def _reply_to(asked: Message | None, answer: Message | None) -> str | None:
    """What it replies to, unless that is said by standing together."""
    if answer and answer.reply_to and not (asked and asked.id == answer.reply_to):
        return answer.reply_to
    return asked.reply_to if asked else None


def _told(both: tuple[Message | None, Message | None], names: tuple[str, ...]) -> dict[str, Any]:
    """What either of them says; where both do, the answer."""
    return {
        name: getattr(each, name)
        for each in both
        if each
        for name in names
        if getattr(each, name) is not None
    }
