"""What an export would hold, counted by writing it to nowhere."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

from chatledger.errors import PayloadTooLarge
from chatledger.export.chunk import ChunkWriter, Sinks, conversations_of, fill
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
        sums = _count(ledger, spec, plan, checkpoint)
    except OutOfTime:
        raise PayloadTooLarge(
            f"More than can be counted in {COUNT_WITHIN.seconds} seconds. Ask for fewer days, name "
            "conversations or users, or export without dry_run."
        ) from None
    counts = Counts(sums.conversations, sums.messages, sums.bytes)
    return Counted(counts, sums.to_clear if spec.clear else None)


def _count(ledger: Ledger, spec: Spec, plan: Plan, checkpoint: Checkpoint) -> _Sums:
    sums = _Sums()
    assembled = _Assembled(spec) if spec.layout == "assembled" else None
    for part in plan.parts:
        sums = _count_part(ledger, spec, plan, part, checkpoint, sums, assembled)
    if assembled:
        return sums._replace(bytes=assembled.end())
    totals = Totals(sums.conversations, sums.records, ledger.now())
    return sums._replace(bytes=sums.bytes + framing_bytes(spec, sums.filled, totals))


def _count_part(
    ledger: Ledger,
    spec: Spec,
    plan: Plan,
    part: Part,
    checkpoint: Checkpoint,
    sums: _Sums,
    assembled: _Assembled | None,
) -> _Sums:
    """In the chunks that the export will have, for each is compressed by itself."""
    found = conversations_of(ledger, spec, plan, part, None, checkpoint)
    after = True
    while after:
        open_file = assembled.chunk if assembled else CountingSink
        archive = CountingSink() if spec.writes_archive else None
        listed = CountingSink() if archive else None
        sinks = Sinks(None if spec.is_archive else open_file, archive, listed)
        writer = ChunkWriter(spec, sinks, "none" if assembled else None, _anonymizer(spec))
        after = fill(writer, found, lambda: False)
        writer.end()
        written, archives = writer.written, [archive] if archive else []
        asked_for: Sequence[Sink] = writer.file.sinks if writer.file else archives
        sums = _Sums(
            sums.conversations + written.conversations,
            sums.messages + written.messages,
            sums.bytes + sum(sink.size for sink in asked_for),
            sums.filled + (written.conversations > 0),
            sums.to_clear + (writer.archive.written.messages if writer.archive else 0),
            sums.records + (writer.file.records if writer.file else 0),
        )
    return sums


def _anonymizer(spec: Spec) -> Anonymizer | None:
    """Under any key pseudonyms are of the same length."""
    return Anonymizer(Pseudonyms(bytes(32))) if spec.options.anonymize else None
