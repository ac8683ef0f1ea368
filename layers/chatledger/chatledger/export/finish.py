"""Finish: the committed parts become one file."""

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain

from chatledger.aws.s3 import Bucket
from chatledger.export import places
from chatledger.export.job import File
from chatledger.export.plan import Plan
from chatledger.export.sink import ObjectSink
from chatledger.export.spec import Spec
from chatledger.export.write_part import Written
from chatledger.formats.compression import compressor_for
from chatledger.ledger.entries import compress


def finish(
    bucket: Bucket, export_id: str, spec: Spec, plan: Plan, parts: Sequence[Written], date: str
) -> File:
    """Joins the parts under the file's name; the same bytes each time it is repeated."""
    name = spec.file_name(date)
    key = places.file(plan.organization, export_id, name)
    with ObjectSink(bucket, key, spec.media_type) as sink:
        for data in _joined(bucket, spec, parts):
            sink.write(data)
    return File(name=name, key=key, bytes=sink.size, sha256=sink.sha256)


def _joined(bucket: Bucket, spec: Spec, parts: Iterable[Written]) -> Iterator[bytes]:
    """Preamble, parts with what stands between them, postamble; each a member of its own."""
    filled = [part for part in parts if part.conversations]
    if not spec.is_archive:
        return _framed(bucket, spec, filled)
    if not filled:
        return iter([compress(b"")])  # A file of no bytes is no gzip file.
    return chain.from_iterable(bucket.read(part.key) for part in filled)


def _framed(bucket: Bucket, spec: Spec, filled: Sequence[Written]) -> Iterator[bytes]:
    writer = spec.writer()
    yield _member(spec, writer.preamble)
    for place, part in enumerate(filled):
        if place and writer.separator:
            yield _member(spec, writer.separator)
        yield from bucket.read(part.key)
    if writer.postamble:
        yield _member(spec, writer.postamble)


def framing_bytes(spec: Spec, filled: int) -> int:
    """The size of all that is not in a part, for a file of so many filled parts."""
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
