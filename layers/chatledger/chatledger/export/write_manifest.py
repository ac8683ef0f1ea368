"""Writing the manifest: the header over all parts, then the lists that the chunks left."""

import hashlib
from collections.abc import Iterator, Sequence

from chatledger.errors import StorageError
from chatledger.export import manifest as manifests
from chatledger.export import places
from chatledger.export import signature as signatures
from chatledger.export.exporter import Exporter
from chatledger.export.job import Archive, Counts, File, Job, Manifest
from chatledger.export.manifest import Header, ManifestPart
from chatledger.export.plan import Plan, parts_list
from chatledger.export.sink import ObjectSink
from chatledger.export.spec import Spec
from chatledger.export.write_part import Chunk, EntryList
from chatledger.ledger.cells import Checkpoint

# A job names so many parts of its archive; the manifest names all.
FILES_NAMED = 100


def write_manifest(
    exporter: Exporter,
    job: Job,
    spec: Spec,
    plan: Plan,
    chunks: Sequence[Chunk],
    file: File | None,
    checkpoint: Checkpoint,
) -> tuple[Manifest, Archive]:
    """The manifest of the archive that the chunks are, under a name of its own.

    ``file`` is the one that people download, where that is the archive.
    """
    header = _header(exporter, job, plan, tuple(_parts(chunks)), file)
    first, root_hash = manifests.first_line(header)
    home = exporter.bucket(spec.home)
    key = places.manifest(job.organization, job.export_id, spec.home)
    with ObjectSink(home, key, manifests.MEDIA_TYPE) as sink:
        sink.write(first)
        for chunk in chunks:
            if chunk.listed:
                for piece in _checked(exporter, chunk.listed):
                    checkpoint()
                    sink.write(piece)
    written = File(manifests.NAME, key, sink.size, sink.sha256, spec.home, sink.version)
    parts_key = _parts_key(exporter, job, header, spec)
    signature = _signature(exporter, written, root_hash)
    manifest = Manifest(written, root_hash, len(header.parts), parts_key, signature)
    counts = Counts(header.conversations, header.messages, header.bytes)
    return manifest, Archive(counts, len(header.parts), tuple(_files(header, spec)))


def _parts(chunks: Sequence[Chunk]) -> Iterator[ManifestPart]:
    """Each chunk that holds anything, numbered in the order of the archive."""
    number, offset = 0, 0
    for chunk in chunks:
        if not chunk.archive:
            continue
        number += 1
        # A chunk may hold nothing but records of what others had cleared.
        listed = chunk.listed or EntryList("", 0, hashlib.sha256().hexdigest(), 0)
        yield ManifestPart(
            number=number,
            key=chunk.archive.key,
            version_id=chunk.archive.version,
            bytes=chunk.archive.bytes,
            sha256=chunk.archive.sha256,
            conversations=chunk.archive.conversations,
            messages=chunk.archive.messages,
            entries=listed.entries,
            entries_offset=offset,
            entries_bytes=listed.bytes,
            entries_sha256=listed.sha256,
        )
        offset += listed.bytes


def _header(
    exporter: Exporter, job: Job, plan: Plan, parts: tuple[ManifestPart, ...], file: File | None
) -> Header:
    asked = ("start_date", "end_date", "filters")
    return Header(
        version=manifests.VERSION,
        organization=job.organization,
        export_id=job.export_id,
        epoch=exporter.ledger.epoch,
        created_at=job.created_at,
        selection={name: job.request[name] for name in asked},
        frozen=plan.frozen,
        conversations=sum(part.conversations for part in parts),
        messages=sum(part.messages for part in parts),
        bytes=sum(part.bytes for part in parts),
        file={"name": file.name, "bytes": file.bytes, "sha256": file.sha256} if file else None,
        parts=parts,
    )


def _checked(exporter: Exporter, listed: EntryList) -> Iterator[bytes]:
    """The list's bytes; raises ``StorageError`` where they are not those that were committed."""
    digest = hashlib.sha256()
    for piece in exporter.exports.read(listed.key):
        digest.update(piece)
        yield piece
    if digest.hexdigest() != listed.sha256:
        raise StorageError("A list of entries came back as another than was committed.")


def _signature(exporter: Exporter, manifest: File, root_hash: str) -> File:
    """Signs the manifest; beside each attempt's manifest lies its own."""
    data = signatures.sign(exporter.signs_with, root_hash)
    key, home = places.signature(manifest.key), exporter.bucket(manifest.home)
    version = home.put(key, data, signatures.MEDIA_TYPE)
    digest = hashlib.sha256(data).hexdigest()
    return File(signatures.NAME, key, len(data), digest, manifest.home, version)


def _parts_key(exporter: Exporter, job: Job, header: Header, spec: Spec) -> str:
    """The list that the maps of verifying, clearing and undoing go through."""
    if not spec.clear:
        return ""
    key = places.parts_list(job.organization, job.export_id, spec.home)
    exporter.bucket(spec.home).put(key, parts_list(len(header.parts)), "application/json")
    return key


def _files(header: Header, spec: Spec) -> Iterator[File]:
    for part in header.parts[:FILES_NAMED]:
        name = f"archive-{part.number:05}.jsonl.gz"
        yield File(name, part.key, part.bytes, part.sha256, spec.home, part.version_id)
