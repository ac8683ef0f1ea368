"""The files of an export, made of its committed chunks as the layout of its format says."""

from collections.abc import Iterable, Iterator, Sequence

from chatledger.aws.bucket import Bucket
from chatledger.export import places
from chatledger.export.exporter import Exporter
from chatledger.export.job import File, Home, Job
from chatledger.export.join import Joined, Stored
from chatledger.export.sink import CountingSink
from chatledger.export.spec import Spec
from chatledger.export.write_part import Chunk, Piece
from chatledger.formats.compression import compressor_for, gunzipped
from chatledger.formats.writer import Totals
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.entries import compress
from chatledger.timestamps import day_of


def write_files(
    exporter: Exporter, job: Job, spec: Spec, chunks: Sequence[Chunk], checkpoint: Checkpoint
) -> tuple[File, ...]:
    """At least one; they have the same bytes whoever writes them."""
    filled = [piece for chunk in chunks for piece in chunk.asked_for(spec)]
    if spec.layout == "each" and filled:
        return tuple(_as_they_are(job, spec, filled))
    return (_write_one(exporter, job, spec, filled, checkpoint),)


def _as_they_are(job: Job, spec: Spec, filled: Sequence[Piece]) -> Iterator[File]:
    """The chunks, under names for people."""
    for number, piece in enumerate(filled, 1):
        name = spec.file_name(day_of(job.created_at), number)
        yield File(name=name, key=piece.key, bytes=piece.bytes, sha256=piece.sha256)


def _write_one(
    exporter: Exporter, job: Job, spec: Spec, filled: Sequence[Piece], checkpoint: Checkpoint
) -> File:
    name = spec.file_name(day_of(job.created_at))
    key = places.file(job.organization, job.export_id, name)
    home: Home = spec.home if spec.is_archive else "exports"
    with Joined(exporter.exports, key, spec.media_type, checkpoint) as joined:
        if spec.layout == "joined":
            totals = _totals(job, filled)
            _join(exporter.bucket(home), _pieces(spec, filled, totals), joined)
        else:
            _assemble(exporter, spec, filled, joined)
    return File(name=name, key=key, bytes=joined.size, sha256=joined.sha256)


def _join(bucket: Bucket, pieces: Iterable[Piece | bytes], joined: Joined) -> None:
    for piece in pieces:
        if isinstance(piece, Piece):
            joined.add_stored(Stored(bucket, piece.key, piece.version, piece.bytes))
        else:
            joined.add(piece)


def _assemble(exporter: Exporter, spec: Spec, filled: Sequence[Piece], joined: Joined) -> None:
    assembler = spec.assembler(joined.add)
    for piece in filled:
        for data in gunzipped(exporter.exports.read(piece.key, version=piece.version)):
            assembler.add(data)
    assembler.end()


def _totals(job: Job, filled: Sequence[Piece]) -> Totals:
    conversations = sum(piece.conversations for piece in filled)
    records = sum(piece.records for piece in filled)
    return Totals(conversations, records, job.created_at)


def _pieces(spec: Spec, filled: Sequence[Piece], totals: Totals) -> Iterable[Piece | bytes]:
    """Preamble, chunks with what stands between them, postamble; each a member of its own."""
    if not spec.is_archive:
        return _framed(spec, filled, totals)
    return filled or [compress(b"")]  # A file of no bytes is no gzip file.


def _framed(spec: Spec, filled: Sequence[Piece], totals: Totals) -> Iterator[Piece | bytes]:
    writer = spec.writer()
    yield _member(spec, writer.preamble)
    for place, piece in enumerate(filled):
        if place and writer.separator:
            yield _member(spec, writer.separator)
        yield piece
    if postamble := writer.postamble(totals):
        yield _member(spec, postamble)


def framing_bytes(spec: Spec, filled: int, totals: Totals) -> int:
    """The size of all that is not in a chunk, for a file of so many filled chunks."""
    if spec.is_archive:
        return 0 if filled else len(compress(b""))
    if spec.layout == "each":
        return 0 if filled else _bytes_of_none(spec)
    writer = spec.writer()
    between = [writer.separator] * (filled - 1)
    framing = [writer.preamble, *filter(None, [*between, writer.postamble(totals)])]
    return sum(len(_member(spec, data)) for data in framing)


def _bytes_of_none(spec: Spec) -> int:
    """The size of a file without conversations."""
    file = CountingSink()
    spec.assembler(file.write).end()
    return file.size


def _member(spec: Spec, data: bytes) -> bytes:
    """A member of its own; of nothing, an empty one, so that a compressed file is never empty."""
    compressor = compressor_for(spec.compression)
    return compressor.compress(data) + compressor.finish()
