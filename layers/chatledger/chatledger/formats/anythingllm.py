"""AnythingLLM's JSON: an array of prompts and their responses.

The fields, their order and the words for what is not known are those that AnythingLLM writes itself
(``server/utils/helpers/chat/convertTo.js``, the type ``json``). Its table has a row per answered
prompt, so pairs are what it has; ``id`` was a serial number there and is made of the answer's
conversation, id and time here.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from chatledger.feedback import rating
from chatledger.formats.pairs import Pair, pairs
from chatledger.formats.writer import (
    Conversation,
    Options,
    Totals,
    Unframed,
    Writer,
    gathered,
    stable_integer,
)
from chatledger.ledger.heads import Head
from chatledger.timestamps import format_time

_ENCODER = msgspec.json.Encoder(order="deterministic")
_RATINGS = {"like": "GOOD", "dislike": "BAD"}


class _Chat(msgspec.Struct, frozen=True):
    id: int
    prompt: str
    response: str
    sent_at: str
    attachments: tuple[()]
    workspace: str
    username: str
    rating: str


@dataclass(slots=True)
class AnythingLlm(Unframed):
    """A chat a line; AnythingLLM indents, which its readers do not ask for."""

    records: int = 0
    preamble: bytes = b"["
    separator: bytes = b","

    def conversation(self, conversation: Conversation) -> Iterator[bytes]:
        return gathered(self._parts(conversation))

    def postamble(self, totals: Totals) -> bytes:  # noqa: ARG002 - a list says no totals
        return b"\n]\n"

    def _parts(self, conversation: Conversation) -> Iterator[bytes]:
        between = b"\n"
        for pair in pairs(conversation.messages):
            self.records += 1
            yield between + _ENCODER.encode(_chat(conversation.head, pair))
            between = b",\n"


def writer(options: Options) -> Writer:  # noqa: ARG001 - it holds nothing that could be left out
    return AnythingLlm()


def _chat(head: Head, pair: Pair) -> _Chat:
    answer = pair.first
    return _Chat(
        id=stable_integer(head.conversation_id, answer.id, format_time(answer.timestamp)),
        prompt=pair.input,
        response=pair.output,
        sent_at=_javascript_time(answer.timestamp),
        attachments=(),
        workspace=head.about.get("app_id") or "unknown workspace",
        username=_username(head, pair),
        rating=_rating(pair),
    )


def _username(head: Head, pair: Pair) -> str:
    """The conversation's user by their name, anybody else by their id."""
    about, asked_by = head.about, pair.asked[-1].user_id
    if asked_by in (None, about.get("user_id")):
        asked_by = about.get("user_name") or about.get("user_id")
    return asked_by or "unknown user"


def _rating(pair: Pair) -> str:
    """GOOD, BAD, or ``--`` where nobody said either: of the last answer that was rated."""
    for answer in reversed(pair.answers):
        if said := rating(answer.feedback):
            return _RATINGS[said]
    return "--"


def _javascript_time(moment: datetime) -> str:
    """As ``JSON.stringify`` writes a date: always milliseconds."""
    text = moment.astimezone(UTC).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")
