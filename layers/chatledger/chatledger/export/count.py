"""What an export would hold, counted by writing it to nowhere."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from chatledger.errors import PayloadTooLarge
from chatledger.export.chunk import ChunkWriter, Found, Position, Sinks, conversations_of, fill
from chatledger.export.documents import count_documents
from chatledger.export.file import framing_bytes
from chatledger.export.job import Counts
from chatledger.export.plan import Part, Plan, make_plan
from chatledger.export.sink import CountingSink, Sink
from chatledger.export.spec import Spec
from chatledger.export.watch import OutOfTime, in_time_until
from chatledger.formats.writer import Assembler, Totals
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.ledger import Ledger
from chatledger.privacy.anonymizer import Anonymizer
from chatledger.privacy.pseudonyms import Pseudonyms

# The gateway cuts a request off at 30 seconds.
COUNT_WITHIN = timedelta(seconds=20)


class Counted(NamedTuple):
    """``counts`` of the file; ``to_clear``: messages, all revisions of them, if it clears."""

    counts: Counts
    to_clear: int | None


def count(
    ledger: Ledger, organization: str, spec: Spec, since: Mapping[str, int] | None = None
) -> Counted:
    """``since``: where an earlier export ended.

    Raises ``PayloadTooLarge`` where it is too much to count within a request, and ``Gone``.
    """
    checkpoint = in_time_until(ledger, ledger.now() + COUNT_WITHIN)
    try:
        if spec.is_of_documents:
            return Counted(count_documents(ledger, organization, spec, checkpoint), None)
        plan = make_plan(ledger, organization, spec.selection, since)
        counting = Counting(ledger, spec, plan, checkpoint)
        counting.run()
    except OutOfTime:
        raise PayloadTooLarge(
            f"More than can be counted in {COUNT_WITHIN.seconds} seconds. Ask for fewer days, name "
            "conversations or users, or export without dry_run."
        ) from None
    return counting.counted()


class _Assembled:
    """A file that is made of its chunks, counted as it will be."""

    def __init__(self, spec: Spec) -> None:
        self.file = CountingSink()
        self.assembler = spec.assembler(self.file.write)

    def chunk(self) -> Sink:
        return _Passing(self.assembler)

    def end(self) -> int:
        self.assembler.end()
        return self.file.size


class _Passing(CountingSink):
    """Counts what it hands on to the assembler."""

    def __init__(self, assembler: Assembler) -> None:
        super().__init__()
        self.assembler = assembler

    def write(self, data: bytes) -> None:
        super().write(data)
        self.assembler.add(data)


class _Sums(NamedTuple):
    conversations: int = 0
    messages: int = 0
    bytes: int = 0
    filled: int = 0
    to_clear: int = 0
    records: int = 0


class Counting:
    """A count under way; ``reached``: after which conversation it has come."""

    def __init__(self, ledger: Ledger, spec: Spec, plan: Plan, checkpoint: Checkpoint) -> None:
        self.reached: Position | None = None
        self._ledger, self._spec, self._plan, self._checkpoint = ledger, spec, plan, checkpoint
        self._sums = _Sums()
        self._assembled = _Assembled(spec) if spec.layout == "assembled" else None

    def run(self) -> None:
        """Raises what the checkpoint raises; what was written until then is counted."""
        for part in self._plan.parts:
            self._count_part(part)

    def counted(self) -> Counted:
        """Of a file of what was written; asked once."""
        sums, spec = self._sums, self._spec
        if self._assembled:
            size = self._assembled.end()
        else:
            totals = Totals(sums.conversations, sums.records, self._ledger.now())
            size = sums.bytes + framing_bytes(spec, sums.filled, totals)
        counts = Counts(sums.conversations, sums.messages, size)
        return Counted(counts, sums.to_clear if spec.clear else None)

    def _count_part(self, part: Part) -> None:
        """In the chunks that the export will have, for each is compressed by itself."""
        found = self._found(part)
        after = True
        while after:
            writer = self._writer()
            try:
                after = fill(writer, found, lambda: False)
            finally:
                writer.end()
                self._add(writer)

    def _found(self, part: Part) -> Iterator[Found]:
        ledger, spec, plan = self._ledger, self._spec, self._plan
        for found in conversations_of(ledger, spec, plan, part, None, self._checkpoint):
            yield found
            self.reached = found[0]  # Who asks for the next one has written this one.

    def _writer(self) -> ChunkWriter:
        spec, assembled = self._spec, self._assembled
        open_file = assembled.chunk if assembled else CountingSink
        archive = CountingSink() if spec.writes_archive else None
        listed = CountingSink() if archive else None
        sinks = Sinks(None if spec.is_archive else open_file, archive, listed)
        return ChunkWriter(spec, sinks, "none" if assembled else None, _anonymizer(spec))

    def _add(self, writer: ChunkWriter) -> None:
        written, archive, sums = writer.written, writer.sinks.archive, self._sums
        archives = [archive] if archive else []
        asked_for: Sequence[Sink] = writer.file.sinks if writer.file else archives
        self._sums = _Sums(
            sums.conversations + written.conversations,
            sums.messages + written.messages,
            sums.bytes + sum(sink.size for sink in asked_for),
            sums.filled + (written.conversations > 0),
            sums.to_clear + (writer.archive.written.messages if writer.archive else 0),
            sums.records + (writer.file.records if writer.file else 0),
        )


def _anonymizer(spec: Spec) -> Anonymizer | None:
    """Under any key pseudonyms are of the same length."""
    return Anonymizer(Pseudonyms(bytes(32))) if spec.options.anonymize else None
