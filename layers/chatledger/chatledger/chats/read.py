"""Read one conversation: page by page, or on from a position."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from chatledger.chats.answers import MAX_ANSWER_BYTES, head_answer, message_answer
from chatledger.errors import NotFound
from chatledger.ledger import conversations
from chatledger.ledger.heads import Head
from chatledger.ledger.ledger import Ledger
from chatledger.messages import Message, encode_line
from chatledger.timestamps import Range, from_microseconds, microseconds


@dataclass(frozen=True, slots=True)
class Position:
    """After this message: its time in microseconds since 1970, and its id."""

    time: int
    id: str


@dataclass(slots=True)
class _Pages:
    """Cuts messages into pages of at most ``limit`` messages and ``MAX_ANSWER_BYTES``."""

    limit: int
    wanted: int
    number: int = 1
    count: int = 0
    size: int = 0
    total: int = 0
    page: list[Message] = field(default_factory=list[Message])

    def add(self, message: Message) -> None:
        size = len(encode_line(message))
        if self.count == self.limit or (self.count and self.size + size > MAX_ANSWER_BYTES):
            self.number, self.count, self.size = self.number + 1, 0, 0
        self.count, self.size, self.total = self.count + 1, self.size + size, self.total + 1
        if self.number == self.wanted:
            self.page.append(message)


def find_visible(ledger: Ledger, organization: str, conversation_id: str) -> Head:
    """The head of a conversation that has something to show; raises ``NotFound``."""
    head = conversations.find(ledger, organization, conversation_id)
    if not head or not conversations.latest(ledger, organization, head):
        raise _not_found(conversation_id)
    return head


def read_page(
    ledger: Ledger, organization: str, conversation_id: str, page: int, limit: int
) -> tuple[dict[str, Any], Position | None]:
    """Page ``page`` (from 1) with the totals, and the position after it if there is more."""
    head = _find(ledger, organization, conversation_id)
    pages = _Pages(limit, page)
    for message in conversations.messages(ledger, organization, head):
        pages.add(message)
    if not pages.total:
        raise _not_found(conversation_id)
    answer = _answer(head, pages.page) | {
        "page": page,
        "limit": limit,
        "total_pages": pages.number,
        "total_messages": pages.total,
    }
    return answer, _position(pages.page) if page < pages.number else None


def read_on(
    ledger: Ledger, organization: str, conversation_id: str, after: Position, limit: int
) -> tuple[dict[str, Any], Position | None]:
    """The next messages after a position, without totals: nothing before it is read."""
    head = _find(ledger, organization, conversation_id)
    within = Range(start=from_microseconds(after.time))
    rest = _after(conversations.messages(ledger, organization, head, within), after)
    pages = _Pages(limit, 1)
    for message in rest:
        pages.add(message)
        if pages.number > 1:
            break
    answer = _answer(head, pages.page) | {"limit": limit}
    return answer, _position(pages.page) if pages.number > 1 else None


def _after(messages: Iterable[Message], position: Position) -> Iterator[Message]:
    """What follows the position's message; all of its time where it no longer shows."""
    at = from_microseconds(position.time)
    same: list[Message] = []
    for message in messages:
        if message.timestamp == at:
            same.append(message)
            if message.id == position.id:
                same.clear()
            continue
        yield from same
        same.clear()
        yield message
    yield from same


def _find(ledger: Ledger, organization: str, conversation_id: str) -> Head:
    head = conversations.find(ledger, organization, conversation_id)
    if not head:
        raise _not_found(conversation_id)
    return head


def _answer(head: Head, messages: Iterable[Message]) -> dict[str, Any]:
    return head_answer(head) | {"messages": [message_answer(message) for message in messages]}


def _position(page: list[Message]) -> Position:
    return Position(microseconds(page[-1].timestamp), page[-1].id)


def _not_found(conversation_id: str) -> NotFound:
    return NotFound(
        f"There is no conversation {conversation_id[:64]!r} here: check the id. If it was cleared, "
        "the undo of that export puts it back."
    )
