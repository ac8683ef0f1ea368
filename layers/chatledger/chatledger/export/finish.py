"""Finish: the committed chunks become the files, and an archive gets its manifest.

Each attempt writes a manifest of its own; the first to say that it has finished decides which one
counts. A file has the same bytes whoever joins it, so one name does.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial, reduce
from itertools import chain

import msgspec

from chatledger.aws.bucket import AlreadyThere, Bucket
from chatledger.errors import StorageError
from chatledger.export import places
from chatledger.export.chunk import NOTHING, Written
from chatledger.export.exporter import Exporter
from chatledger.export.file import write_files
from chatledger.export.job import Archive, Counts, File, Job, Manifest, Progress
from chatledger.export.plan import Plan
from chatledger.export.spec import Spec
from chatledger.export.write_manifest import write_manifest
from chatledger.export.write_part import Chunk, committed, is_complete
from chatledger.ledger.cells import Checkpoint

_AT_ONCE = 8


class Finished(msgspec.Struct, frozen=True):
    """What came out. ``archive`` is there where it is kept, ``manifest`` where there is one.

    ``slots``, under ``epoch``: the last slot of each shard that was seen; ``cleared``: export →
    messages that it had cleared before this one came to them; ``redactions`` in the file, by kind.
    """

    files: tuple[File, ...]
    counts: Counts
    progress: Progress
    manifest: Manifest | None
    archive: Archive | None
    epoch: str = ""
    slots: dict[str, int] = {}
    cleared: dict[str, int] = {}
    redactions: dict[str, int] = {}


def finish(
    exporter: Exporter, job: Job, spec: Spec, plan: Plan, checkpoint: Checkpoint
) -> Finished:
    """What an earlier attempt finished, or this one; raises ``StorageError`` before it can be."""
    commit = places.finished(job.organization, job.export_id)
    if there := exporter.exports.get(commit):
        return msgspec.json.decode(there, type=Finished)
    chunks = _chunks(exporter.exports, plan, job.export_id)
    files = write_files(exporter, job, spec, chunks, checkpoint)
    finished = _finished(exporter, job, spec, plan, chunks, files, checkpoint)
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
    files: tuple[File, ...],
    checkpoint: Checkpoint,
) -> Finished:
    conversations, messages, counted = reduce(
        Written.plus, (chunk.written(spec) for chunk in chunks), NOTHING
    )
    documents = counted if spec.is_of_documents else msgspec.UNSET
    manifest = archive = None
    if spec.writes_archive:
        archive_file = files[0] if spec.is_archive else None
        manifest, archive = write_manifest(
            exporter, job, spec, plan, chunks, archive_file, checkpoint
        )
    return Finished(
        files=files,
        counts=Counts(conversations, messages, sum(file.bytes for file in files), documents),
        progress=Progress(conversations, messages, len(plan.parts), len(plan.parts), documents),
        manifest=manifest,
        archive=archive if spec.clear else None,
        epoch=plan.epoch,
        slots=plan.frozen,
        cleared=_summed(chunk.cleared for chunk in chunks),
        redactions=_summed(chunk.redactions for chunk in chunks),
    )


def _summed(of_chunks: Iterable[dict[str, int]]) -> dict[str, int]:
    found: Counter[str] = Counter()
    for counts in of_chunks:
        found.update(counts)
    return dict(sorted(found.items()))
