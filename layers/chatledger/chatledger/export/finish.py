"""Finish: the committed chunks become one file, and an archive gets its manifest.

Each attempt writes a manifest of its own; the first to say that it has finished decides which one
counts. The file has the same bytes whoever joins it, so one name does.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from itertools import chain

import msgspec

from chatledger.aws.s3 import AlreadyThere, Bucket
from chatledger.errors import StorageError
from chatledger.export import places
from chatledger.export.exporter import Exporter
from chatledger.export.job import Archive, Counts, File, Home, Job, Manifest, Progress
from chatledger.export.join import Joined, Stored
from chatledger.export.plan import Plan
from chatledger.export.spec import Spec
from chatledger.export.write_manifest import write_manifest
from chatledger.export.write_part import Chunk, Piece, committed, is_complete
from chatledger.formats.compression import compressor_for
from chatledger.ledger.cells import Checkpoint
from chatledger.ledger.entries import compress
from chatledger.timestamps import day_of

_AT_ONCE = 8


class Finished(msgspec.Struct, frozen=True):
    """What came out. ``archive`` is there where it is kept, ``manifest`` where there is one.

    ``slots``, under ``epoch``: the last slot of each shard that was seen; ``cleared``: export →
    messages that it had cleared before this one came to them.
    """

    file: File
    counts: Counts
    progress: Progress
    manifest: Manifest | None
    archive: Archive | None
    epoch: str = ""
    slots: dict[str, int] = {}
    cleared: dict[str, int] = {}


def finish(
    exporter: Exporter, job: Job, spec: Spec, plan: Plan, checkpoint: Checkpoint
) -> Finished:
    """What an earlier attempt finished, or this one; raises ``StorageError`` before it can be."""
    commit = places.finished(job.organization, job.export_id)
    if there := exporter.exports.get(commit):
        return msgspec.json.decode(there, type=Finished)
    chunks = _chunks(exporter.exports, plan, job.export_id)
    file = _joined(exporter, job, spec, chunks, checkpoint)
    finished = _finished(exporter, job, spec, plan, chunks, file, checkpoint)
    try:
        body = msgspec.json.encode(finished)
        exporter.exports.put(commit, body, "application/json", once=True)
    except AlreadyThere:
        return finish(exporter, job, spec, plan, checkpoint)
    return finished


def _chunks(bucket: Bucket, plan: Plan, export_id: str) -> list[Chunk]:
    """All chunks of all parts, in the order of the file."""
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        parts = list(pool.map(partial(committed, bucket, plan, export_id), plan.parts))
    if not all(map(is_complete, parts)):
        raise StorageError("A part of the export is not written yet. Repeat.")
    return list(chain.from_iterable(parts))


def _finished(
    exporter: Exporter,
    job: Job,
    spec: Spec,
    plan: Plan,
    chunks: Sequence[Chunk],
    file: File,
    checkpoint: Checkpoint,
) -> Finished:
    written = [chunk.written(spec) for chunk in chunks]
    conversations = sum(each.conversations for each in written)
    messages = sum(each.messages for each in written)
    manifest = archive = None
    if spec.writes_archive:
        archive_file = file if spec.is_archive else None
        manifest, archive = write_manifest(
            exporter, job, spec, plan, chunks, archive_file, checkpoint
        )
    return Finished(
        file=file,
        counts=Counts(conversations, messages, file.bytes),
        progress=Progress(conversations, messages, len(plan.parts), len(plan.parts)),
        manifest=manifest,
        archive=archive if spec.clear else None,
        epoch=plan.epoch,
        slots=plan.frozen,
        cleared=_cleared(chunks),
    )


def _cleared(chunks: Sequence[Chunk]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for chunk in chunks:
        found.update(chunk.cleared)
    return dict(sorted(found.items()))


def _joined(
    exporter: Exporter, job: Job, spec: Spec, chunks: Sequence[Chunk], checkpoint: Checkpoint
) -> File:
    name = spec.file_name(day_of(job.created_at))
    key = places.file(job.organization, job.export_id, name)
    home: Home = spec.home if spec.is_archive else "exports"
    filled = [piece for chunk in chunks if (piece := chunk.asked_for(spec))]
    with Joined(exporter.exports, key, spec.media_type, checkpoint) as joined:
        for piece in _pieces(spec, filled):
            if isinstance(piece, Piece):
                bucket = exporter.bucket(home)
                joined.add_stored(Stored(bucket, piece.key, piece.version, piece.bytes))
            else:
                joined.add(piece)
    return File(name=name, key=key, bytes=joined.size, sha256=joined.sha256)


def _pieces(spec: Spec, filled: Sequence[Piece]) -> Iterable[Piece | bytes]:
    """Preamble, chunks with what stands between them, postamble; each a member of its own."""
    if not spec.is_archive:
        return _framed(spec, filled)
    return filled or [compress(b"")]  # A file of no bytes is no gzip file.


def _framed(spec: Spec, filled: Sequence[Piece]) -> Iterator[Piece | bytes]:
    writer = spec.writer()
    yield _member(spec, writer.preamble)
    for place, piece in enumerate(filled):
        if place and writer.separator:
            yield _member(spec, writer.separator)
        yield piece
    if writer.postamble:
        yield _member(spec, writer.postamble)


def framing_bytes(spec: Spec, filled: int) -> int:
    """The size of all that is not in a chunk, for a file of so many filled chunks."""
    if spec.is_archive:
        return 0 if filled else len(compress(b""))
    writer = spec.writer()
    between = [writer.separator] * (filled - 1)
    framing = [writer.preamble, *filter(None, [*between, writer.postamble])]
    return sum(len(_member(spec, data)) for data in framing)


def _member(spec: Spec, data: bytes) -> bytes:
    """A member of its own; of nothing, an empty one, so that a compressed file is never empty."""
    compressor = compressor_for(spec.compression)
    return compressor.compress(data) + compressor.finish()
