"""What of a conversation goes into a file: its chosen messages, or its entries as they are."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from chatledger.formats.archive import cleared_line, head_line
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
class Member:
    """A gzip member of an archive: an entry's lines or, without ``entry``, a conversation's head.

    ``messages`` counts the lines and ``digest`` is their SHA-256.
    """

    data: bytes
    entry: Entry | None = None
    messages: int = 0
    digest: bytes = b""


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


def archived(conversation: HeldConversation, within: Range) -> Iterator[Member]:
    """All revisions in the range, lossless: entries byte for byte unless the range cuts them.

    The head comes before the first entry; of a conversation without entries there is nothing. What
    goes on after an earlier export also tells of entries that were cleared in between.
    """
    head: Member | None = Member(compress(head_line(conversation.head)))
    tells_of_cleared = conversation.snapshot.after is not None
    for entries in conversation.quarters():
        for entry in entries:
            if entry.is_tombstone and tells_of_cleared:
                yield Member(compress(cleared_line(entry)))
            if member := None if entry.is_tombstone else _member(entry, within):
                if head:
                    yield head
                    head = None
                yield member


def cleared_in(conversation: HeldConversation) -> Iterator[tuple[str, int]]:
    """The export that cleared each tombstone of the snapshot, and how many messages it had."""
    for entries in conversation.quarters():
        for entry in entries:
            if entry.cleared_by:
                yield entry.cleared_by, entry.messages_count


def _member(entry: Entry, within: Range) -> Member | None:
    """The entry, or what of it lies in the range."""
    first, last = map(from_microseconds, entry.span)
    if first in within and last in within:
        return Member(entry.payload, entry, entry.messages_count, entry.digest)
    lines = [line for line in entry.lines() if decode_line(line).timestamp in within]
    if not lines:
        return None
    cut = b"".join(lines)
    return Member(compress(cut), entry, len(lines), hashlib.sha256(cut).digest())
