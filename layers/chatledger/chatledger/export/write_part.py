"""Write part: the conversations, or documents, of one part, in chunks that are each committed once.

Every attempt at a chunk writes objects of its own; the first to commit says which of them are the
chunk, and where the next one goes on. Any later attempt goes on from there.
"""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import count

import msgspec

from chatledger.aws.bucket import AlreadyThere, Bucket
from chatledger.errors import StorageError
from chatledger.export import places
from chatledger.export.chunk import (
    NOTHING,
    ChunkWriter,
    FileWriter,
    Found,
    Position,
    Sinks,
    Written,
    conversations_of,
    fill,
)
from chatledger.export.documents import lines_of
from chatledger.export.exporter import Exporter
from chatledger.export.manifest import MEDIA_TYPE as LIST_TYPE
from chatledger.export.part_progress import PartProgress
from chatledger.export.plan import Part, Plan
from chatledger.export.sink import ObjectSink
from chatledger.export.spec import Spec
from chatledger.export.watch import Watch

_JSON = "application/json"
_BYTES = "application/octet-stream"
_GZIP = "application/gzip"


class Piece(msgspec.Struct, frozen=True):
    """An object that a chunk wrote; ``version`` where its bucket keeps versions.

    ``records``: those that its format counts, for the end of the file.
    """

    key: str
    version: str | None
    bytes: int
    sha256: str
    conversations: int
    messages: int
    records: int = 0
    documents: int = 0


class EntryList(msgspec.Struct, frozen=True):
    """The object with the lines that the manifest has of a chunk of the archive."""

    key: str
    bytes: int
    sha256: str
    entries: int


class Chunk(msgspec.Struct, frozen=True):
    """What a chunk holds; each is None where there is nothing of it. ``next`` None: the last.

    ``more``: further files of the layout ``each``, of a conversation too large for one; all that is
    counted is counted in the first. ``cleared``: export → messages that it had cleared before this
    one came to them; ``redactions`` in its file, by kind.
    """

    file: Piece | None
    archive: Piece | None
    listed: EntryList | None
    next: Position | None
    cleared: dict[str, int] = {}
    redactions: dict[str, int] = {}
    more: tuple[Piece, ...] = ()

    def asked_for(self, spec: Spec) -> tuple[Piece, ...]:
        """Its pieces of what was asked for: one at most, unless each is a file."""
        piece = self.archive if spec.is_archive else self.file
        return (piece, *self.more) if piece else ()

    def written(self, spec: Spec) -> Written:
        pieces = self.asked_for(spec)
        if not pieces:
            return NOTHING
        return Written(pieces[0].conversations, pieces[0].messages, pieces[0].documents)


@dataclass(frozen=True, slots=True)
class PartWriter:
    """What it takes to write one part of one export."""

    exporter: Exporter
    export_id: str
    spec: Spec
    plan: Plan
    part: Part
    watch: Watch

    def write(self) -> bool:
        """Goes on after what is committed; False where time was up before the part's end."""
        chunks = committed(self.exporter.exports, self.plan, self.export_id, self.part)
        progress = self._progress(chunks)
        if is_complete(chunks):
            progress.tell(done=True)  # Whoever committed the last chunk may not have come to it.
        found: Iterator[Found] | None = None
        while not is_complete(chunks):
            if found is None:
                found = self._found(chunks[-1].next if chunks else None)
            chunk = self._write_chunk(len(chunks) + 1, found, progress)
            chunks.append(self._commit(len(chunks) + 1, chunk))
            if chunks[-1] != chunk:
                found = None  # Somebody else's chunk: it may end elsewhere.
            progress.count(chunks[-1].written(self.spec))
            progress.tell(done=is_complete(chunks))
            if self.watch.is_time_up():
                break
        return is_complete(chunks)

    def _found(self, start: Position | None) -> Iterator[Found]:
        ledger, checkpoint = self.exporter.ledger, self.watch.checkpoint
        if self.spec.is_of_documents:
            return self._documents(start)
        return conversations_of(ledger, self.spec, self.plan, self.part, start, checkpoint)

    def _documents(self, start: Position | None) -> Iterator[Found]:
        library, after = self.exporter.library, start.after if start else None
        place = (self.plan.organization, self.spec, self.part, after)
        for key, line in lines_of(library, *place, self.watch.checkpoint):
            yield Position(0, key), line

    def _progress(self, chunks: Sequence[Chunk]) -> PartProgress:
        place = (self.plan.organization, self.export_id, self.part.number)
        progress = PartProgress(self.exporter.ledger, *place)
        for chunk in chunks:
            progress.count(chunk.written(self.spec))
        return progress

    def _write_chunk(self, number: int, found: Iterator[Found], progress: PartProgress) -> Chunk:
        files = list[ObjectSink]()
        with ExitStack() as stack:
            archive, listed = self._archive_sinks(number, stack)
            open_file = None if self.spec.is_archive else self._file_sinks(number, stack, files)
            anonymizer = self.exporter.anonymizer(self.spec)
            sinks = Sinks(open_file, archive, listed)
            writer = ChunkWriter(self.spec, sinks, anonymizer=anonymizer)
            after = fill(writer, found, self._looks_up(writer, progress))
            writer.end()
        file, *more = _pieces(files, writer.file) or [None]
        return Chunk(
            file=file,
            more=tuple(filter(None, more)),
            archive=_piece(archive, writer.archive.written) if writer.archive else None,
            listed=_list(listed, writer.archive.entries) if writer.archive else None,
            next=after,
            cleared=writer.cleared,
            redactions=writer.redactions,
        )

    def _looks_up(self, writer: ChunkWriter, progress: PartProgress) -> Callable[[], bool]:
        def looks_up() -> bool:
            progress.look(writer.written)
            return self.watch.is_time_up()

        return looks_up

    def _place(self, number: int) -> tuple[str, str, int, int]:
        return (self.plan.organization, self.export_id, self.part.number, number)

    def _file_sinks(
        self, number: int, stack: ExitStack, opened: list[ObjectSink]
    ) -> Callable[[], ObjectSink]:
        """What opens a sink of the derived file, and notes it."""
        media_type = self.spec.media_type if self.spec.layout == "each" else _BYTES

        def open_file() -> ObjectSink:
            key = places.file_chunk(*self._place(number))
            sink = ObjectSink(self.exporter.exports, key, media_type)
            opened.append(stack.enter_context(sink))
            return sink

        return open_file

    def _archive_sinks(
        self, number: int, stack: ExitStack
    ) -> tuple[ObjectSink | None, ObjectSink | None]:
        """Of the archive, and of its entries."""
        if not self.spec.writes_archive:
            return None, None
        place, home = self._place(number), self.spec.home
        key = places.archive_chunk(*place, home)
        archive = ObjectSink(self.exporter.bucket(home), key, _GZIP)
        listed = ObjectSink(self.exporter.exports, places.entries_chunk(*place), LIST_TYPE)
        return stack.enter_context(archive), stack.enter_context(listed)

    def _commit(self, number: int, chunk: Chunk) -> Chunk:
        """The chunk, or the one that somebody else committed under this number."""
        bucket = self.exporter.exports
        key = places.commit(self.plan.organization, self.export_id, self.part.number, number)
        try:
            bucket.put(key, msgspec.json.encode(chunk), _JSON, once=True)
        except AlreadyThere:
            if there := _read(bucket, key):
                return there
            raise StorageError("Another attempt's chunk does not show yet. Repeat.") from None
        return chunk


def committed(bucket: Bucket, plan: Plan, export_id: str, part: Part) -> list[Chunk]:
    """The chunks of the part so far, in their order."""
    chunks: list[Chunk] = []
    for number in count(1):
        place = places.commit(plan.organization, export_id, part.number, number)
        if not (chunk := _read(bucket, place)):
            break
        chunks.append(chunk)
        if chunk.next is None:
            break
    return chunks


def is_complete(chunks: Sequence[Chunk]) -> bool:
    return bool(chunks) and chunks[-1].next is None


def _read(bucket: Bucket, key: str) -> Chunk | None:
    found = bucket.get(key)
    return msgspec.json.decode(found, type=Chunk) if found else None


def _pieces(sinks: Sequence[ObjectSink], writer: FileWriter | None) -> list[Piece | None]:
    """All that is counted is counted in the first."""
    if not writer:
        return []
    first = [_piece(sink, writer.written, writer.records) for sink in sinks[:1]]
    return first + [_piece(sink, NOTHING) for sink in sinks[1:]]


def _piece(sink: ObjectSink | None, written: Written, records: int = 0) -> Piece | None:
    if not sink or not sink.size:
        return None
    return Piece(
        key=sink.key,
        version=sink.version,
        bytes=sink.size,
        sha256=sink.sha256,
        records=records,
        **written._asdict(),
    )


def _list(sink: ObjectSink | None, entries: int) -> EntryList | None:
    if not sink or not sink.size:
        return None
    return EntryList(sink.key, sink.size, sink.sha256, entries)
