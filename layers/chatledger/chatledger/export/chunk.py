"""A chunk: some conversations of a part, in one file of each kind that the export writes.

It ends by its size, at a conversation's end, so whoever writes it writes the same bytes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple

import msgspec

from chatledger.export.content import Member, archived, chosen_messages, cleared_in
from chatledger.export.manifest import ListedEntry, entry_line
from chatledger.export.plan import Part, Plan
from chatledger.export.sink import Sink
from chatledger.export.spec import Spec
from chatledger.formats.writer import Assembler, Conversation, Writer
from chatledger.ledger import keys
from chatledger.ledger.cells import Checkpoint, HeldConversation, read_named, read_shard
from chatledger.ledger.entries import Entry
from chatledger.ledger.ledger import Ledger
from chatledger.privacy.anonymizer import Anonymizer

# Of the file, or of the archive that is written with it: whichever gets there first.
CHUNK_BYTES = 64 * 1024 * 1024
# What may wait in memory for the chunk's end, where its format needs that: as much again is held
# while the file is made, and a function has 150 MB.
HELD_BYTES = 24 * 1024 * 1024


class Position(msgspec.Struct, frozen=True):
    """Where a part goes on: in this shard, after the conversation of this escaped id.

    Or after the document of this sort key: those have no shards.
    """

    shard: int
    after: str


class Written(NamedTuple):
    conversations: int = 0
    messages: int = 0
    documents: int = 0

    def plus(self, other: "Written") -> "Written":
        return Written(*(mine + its for mine, its in zip(self, other, strict=True)))


NOTHING = Written()

# A conversation, a document's line, or None where the filters leave it out; the position after it.
Found = tuple[Position, HeldConversation | bytes | None]


def conversations_of(
    ledger: Ledger,
    spec: Spec,
    plan: Plan,
    part: Part,
    start: Position | None,
    checkpoint: Checkpoint,
) -> Iterator[tuple[Position, HeldConversation | None]]:
    """The part's conversations from the position on; None for those whose heads do not match."""
    filters, organization = spec.selection.filters, plan.organization
    named = filters.named(ledger, organization)
    first = part.shards.index(start.shard) if start else 0
    for shard in part.shards[first:]:
        after = start.after if start and start.shard == shard else None
        if named is None:
            days = plan.days_of(shard)
            found = read_shard(ledger, plan.snapshot, shard, days, checkpoint, after)
        else:
            found = read_named(ledger, plan.snapshot, shard, named, checkpoint, after)
        for conversation in found:
            checkpoint()
            matches = filters.match_head(ledger, organization, conversation.head)
            position = Position(shard, keys.escape(conversation.head.conversation_id))
            yield position, conversation if matches else None


@dataclass
class FileWriter:
    """A derived format, in one sink; in another one each time that ``HELD_BYTES`` wait.

    ``open`` opens a sink, and ``begin`` what makes the chunk that is written into it.
    """

    format: Writer
    open: Callable[[], Sink]
    begin: Callable[[Callable[[bytes], object]], Assembler]
    written: Written = NOTHING
    sinks: list[Sink] = field(default_factory=list[Sink])
    _into: Assembler | None = None

    @property
    def records(self) -> int:
        return self.format.records

    @property
    def is_full(self) -> bool:
        """Asked between conversations: one that is larger than a sink goes on in another."""
        held = self._into.held if self._into else 0
        return held >= HELD_BYTES or any(sink.size >= CHUNK_BYTES for sink in self.sinks)

    def add(self, conversation: Conversation, messages: int) -> None:
        """Writes and counts it, unless it has no place in the format."""
        self._add(self.format.conversation(conversation), Written(1, messages))

    def add_document(self, line: bytes) -> None:
        self._add(iter((line,)), Written(documents=1))

    def _add(self, pieces: Iterator[bytes], counted: Written) -> None:
        first = next(pieces, None)
        if first is None:
            return
        if any(self.written):
            self._write(self.format.separator)
        self._write(first)
        for piece in pieces:
            self._write(piece)
        self.written = self.written.plus(counted)

    def end(self) -> None:
        if self._into:  # A chunk of nothing has no bytes at all.
            self._into.end()
            self._into = None

    def _write(self, data: bytes) -> None:
        if self._into and self._into.held >= HELD_BYTES:
            self.end()
        if not self._into:
            self.sinks.append(self.open())
            self._into = self.begin(self.sinks[-1].write)
        self._into.add(data)


@dataclass
class ArchiveWriter:
    """Concatenates what is compressed already, and lists each entry for the manifest."""

    sink: Sink
    listed: Sink
    entries: int = 0
    written: Written = NOTHING

    def add(self, members: Iterator[Member]) -> None:
        messages = 0
        for member in members:
            if member.entry:
                self.listed.write(entry_line(_listed(member, member.entry, self.sink.size)))
                self.entries += 1
                messages += member.messages
            self.sink.write(member.data)
        if messages:
            self.written = self.written.plus(Written(1, messages))


def _listed(member: Member, entry: Entry, offset: int) -> ListedEntry:
    return ListedEntry(
        day=entry.day,
        shard=int(entry.key.pk.rpartition("#")[2]),
        key=entry.key.sk,
        slot=entry.place.slot,
        w=entry.token.hex(),
        n=member.messages,
        digest=member.digest.hex(),
        offset=offset,
        bytes=len(member.data),
    )


@dataclass(frozen=True, slots=True)
class Sinks:
    """``file`` opens one of a derived format; ``archive`` and ``listed`` are there together."""

    file: Callable[[], Sink] | None = None
    archive: Sink | None = None
    listed: Sink | None = None


@dataclass
class ChunkWriter:
    """Writes conversations into the chunk's sinks; what one file holds, the other does too.

    ``cleared``: messages that were cleared before an export that goes on came to them, by export.
    """

    spec: Spec
    sinks: Sinks
    compression: str | None = None  # of the file's chunk, where it is not the export's
    anonymizer: Anonymizer | None = None  # of the file; an archive is as it is
    file: FileWriter | None = field(init=False, default=None)
    archive: ArchiveWriter | None = field(init=False, default=None)
    cleared: dict[str, int] = field(init=False, default_factory=dict[str, int])

    def __post_init__(self) -> None:
        sinks = self.sinks
        if sinks.file:
            compression = self.compression or self.spec.chunk_compression
            begin = partial(self.spec.chunk, compression)
            self.file = FileWriter(self.spec.writer(), sinks.file, begin)
        if sinks.archive and sinks.listed:
            self.archive = ArchiveWriter(sinks.archive, sinks.listed)

    @property
    def written(self) -> Written:
        """Of the file that was asked for."""
        writer = self.file or self.archive
        return writer.written if writer else NOTHING

    @property
    def redactions(self) -> dict[str, int]:
        """What was redacted in the file, by kind."""
        return dict(self.anonymizer.counts) if self.anonymizer else {}

    @property
    def is_full(self) -> bool:
        archive = self.sinks.archive
        is_full = archive is not None and archive.size >= CHUNK_BYTES
        return is_full or (self.file is not None and self.file.is_full)

    def add(self, found: HeldConversation | bytes) -> None:
        if not isinstance(found, bytes):
            self._add_conversation(found)
        elif self.file:
            self.file.add_document(found)

    def _add_conversation(self, conversation: HeldConversation) -> None:
        """Asked once for both files, so that the archive holds all that the other does."""
        selection = self.spec.selection
        if conversation.snapshot.after is not None:
            for export_id, messages in cleared_in(conversation):
                self.cleared[export_id] = self.cleared.get(export_id, 0) + messages
        asks_messages = selection.filters.asks_messages
        chosen = None
        if self.file or asks_messages:
            chosen = chosen_messages(conversation, selection)
        if asks_messages and not chosen:
            return
        if self.file and chosen:
            messages, count = chosen
            written = Conversation(conversation.head, messages)
            if self.anonymizer:
                written = self.anonymizer.conversation(written)
            self.file.add(written, count)
        if self.archive:
            self.archive.add(archived(conversation, selection.within))

    def end(self) -> None:
        if self.file:
            self.file.end()


def fill(
    writer: ChunkWriter, found: Iterator[Found], looks_up: Callable[[], bool]
) -> Position | None:
    """Writes what was found until the chunk is full or ``looks_up``, asked after each, says so.

    Answers where to go on, or None where there is no more.
    """
    for position, each in found:
        if each:
            writer.add(each)
        if looks_up() or writer.is_full:
            return position
    return None
