"""What of a conversation goes into a file: its chosen messages, or its entries as they are."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatledger.formats.archive import head_line
from chatledger.ledger.cells import HeldConversation
from chatledger.ledger.entries import Entry, compress
from chatledger.ledger.standing import standing
from chatledger.messages import Message, decode_line
from chatledger.selection import Selection
from chatledger.timestamps import EVERYTHING, Range, from_microseconds


@dataclass(frozen=True, slots=True)
class ChosenMessages:
    """A conversation's standing messages in the range, in time order; read anew each time."""

    conversation: HeldConversation
    within: Range

    def __iter__(self) -> Iterator[Message]:
        for entries in self.conversation.quarters():
            yield from standing(entries, self.within)


@dataclass(frozen=True, slots=True)
class Archived:
    """Gzip members of a conversation's entries, and how many messages they hold."""

    members: Iterable[bytes]
    messages: int


def chosen_messages(
    conversation: HeldConversation, selection: Selection
) -> tuple[Iterable[Message], int] | None:
    """The messages that dates choose and their count; None where the filters leave it out."""
    lazily = ChosenMessages(conversation, selection.within)
    # One that is held is decoded once; one too large to hold is read again for each pass.
    messages = lazily if conversation.held is None else list(lazily)
    count = sum(1 for _ in messages)
    if count < max(1, selection.filters.min_messages):
        return None
    return (messages, count) if _content_matches(conversation, selection, messages) else None


def _content_matches(
    conversation: HeldConversation, selection: Selection, chosen: Iterable[Message]
) -> bool:
    """Asks the chosen messages first, and the rest of the conversation only if need be."""
    filters = selection.filters
    if not filters.asks_content or filters.match_content(chosen):
        return True
    return selection.within != EVERYTHING and filters.match_content(
        message
        for entries in conversation.quarters_within(EVERYTHING)
        for message in standing(entries)
    )


def archived(conversation: HeldConversation, selection: Selection) -> Archived | None:
    """All revisions in the range, lossless: entries byte for byte unless the range cuts them."""
    filters = selection.filters
    if (filters.asks_content or filters.min_messages > 1) and not chosen_messages(
        conversation, selection
    ):
        return None
    count = sum(_count(entry, selection.within) for entry in _live(conversation))
    return Archived(_members(conversation, selection.within), count) if count else None


def _members(conversation: HeldConversation, within: Range) -> Iterator[bytes]:
    yield compress(head_line(conversation.head))
    for entry in _live(conversation):
        if _is_whole(entry, within):
            yield entry.payload
        elif cut := b"".join(_cut(entry, within)):
            yield compress(cut)


def _live(conversation: HeldConversation) -> Iterator[Entry]:
    for entries in conversation.quarters():
        yield from (entry for entry in entries if not entry.is_tombstone)


def _is_whole(entry: Entry, within: Range) -> bool:
    first, last = map(from_microseconds, entry.span)
    return first in within and last in within


def _count(entry: Entry, within: Range) -> int:
    if _is_whole(entry, within):
        return entry.messages_count
    return sum(1 for _ in _cut(entry, within))


def _cut(entry: Entry, within: Range) -> Iterator[bytes]:
    return (line for line in entry.lines() if decode_line(line).timestamp in within)
