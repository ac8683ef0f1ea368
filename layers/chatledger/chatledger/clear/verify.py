"""Verify: whether the archive really holds what its manifest lists, read back and decoded.

It reads and never writes; only what passes here may be cleared. Complaints name parts and the
numbers of entries, never ids or content.
"""

import hashlib
import io
import zlib
from collections.abc import Iterator

import msgspec
from isal import isal_zlib

from chatledger.aws.bucket import Bucket
from chatledger.aws.kms import Signer
from chatledger.aws.table import Table
from chatledger.export import jobs
from chatledger.export.job import Job, Manifest
from chatledger.export.kept import ArchiveDiffers, KeptArchive, open_archive, read_signature
from chatledger.export.manifest import Header, ListedEntry, ManifestPart
from chatledger.export.signature import is_signature_of
from chatledger.formats.archive import MAX_LINE_BYTES, BrokenArchive, HeadRecord, read_archive
from chatledger.jobs.ended import Ended
from chatledger.ledger import keys
from chatledger.ledger.entries import quarter_hour
from chatledger.messages import Message, decode_line

# What may stand between two entries: heads, and records of what others had cleared.
_MAX_BETWEEN_BYTES = 64 * 1024 * 1024
_GZIP = 31  # a gzip header and trailer, and the largest window


def verify_part(
    table: Table, archive: Bucket, signer: Signer, organization: str, export_id: str, part: int
) -> None:
    """Raises ``ArchiveDiffers`` unless every entry of the part is in the archive as listed.

    A part is about 64 MB, so it is always gone through as a whole. With the first one, what the
    header says of all of them is added up, the manifest is read to its last byte, and its
    signature is checked, by the key itself: whoever could write to the bucket could have written
    another key there too.
    """
    job = jobs.load(table, organization, export_id)
    if not job or job.ended or not job.manifest:
        raise Ended
    kept = open_archive(archive, job.manifest)
    if part == 1:
        _check_header(kept.header, job, job.manifest)
        kept.check_manifest()
        _check_signature(archive, signer, job.manifest)
    _check_part(kept, kept.part(part))


def _check_header(header: Header, job: Job, manifest: Manifest) -> None:
    parts = header.parts
    said = (header.organization, header.export_id, len(parts))
    _require(said == (job.organization, job.export_id, manifest.parts), "The manifest is another's")
    numbers = [part.number for part in parts]
    _require(numbers == list(range(1, len(parts) + 1)), "Parts of the manifest are missing")
    for name in ("conversations", "messages", "bytes"):
        total = sum(getattr(part, name) for part in parts)
        _require(total == getattr(header, name), f"The parts' {name} do not add up")
    end = 0
    for part in parts:
        _require(part.entries_offset == end, f"The lines of part {part.number} stand elsewhere")
        end += part.entries_bytes


def _check_signature(archive: Bucket, signer: Signer, manifest: Manifest) -> None:
    if not manifest.signature:
        return  # Of before manifests were signed.
    data = read_signature(archive, manifest.signature)
    signed = is_signature_of(signer, data, manifest.root_hash)
    _require(signed, "The manifest's signature is not its own")


def _check_part(kept: KeptArchive, part: ManifestPart) -> None:
    """Goes through list and object side by side."""
    found = _Found(part.number, _Stream(part.number, kept.data(part)))
    for number, entry in enumerate(kept.entries(part), 1):
        found.check_entry(number, entry)
    found.check_heads(found.stream.rest())
    counted = (found.entries, found.messages, found.conversations)
    listed = (part.entries, part.messages, part.conversations)
    _require(counted == listed, f"Part {part.number} holds {counted}, not {listed}")
    size, digest = found.stream.size, found.stream.sha256
    _require((size, digest) == (part.bytes, part.sha256), f"Part {part.number} has other bytes")


class _Stream:
    """Bytes in the lengths that are asked for; ``size`` and ``sha256`` are of all that came."""

    def __init__(self, number: int, pieces: Iterator[bytes]) -> None:
        self.number = number
        self.size = 0
        self.position = 0
        self._pieces = pieces
        self._held = bytearray()
        self._digest = hashlib.sha256()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def take(self, count: int) -> bytes:
        while len(self._held) < count and (piece := next(self._pieces, None)) is not None:
            self._take_in(piece)
        _require(len(self._held) >= count, f"Part {self.number} was cut")
        self.position += count
        taken = bytes(self._held[:count])
        del self._held[:count]
        return taken

    def rest(self) -> bytes:
        """What comes after the last entry: nothing, where all is well."""
        for piece in self._pieces:
            self._take_in(piece)
            _require(len(self._held) <= _MAX_BETWEEN_BYTES, f"Part {self.number} goes on unlisted")
        return bytes(self._held)

    def _take_in(self, piece: bytes) -> None:
        self.size += len(piece)
        self._digest.update(piece)
        self._held += piece


class _Found:
    """What was found of a part so far; ``head`` is the conversation that the last head names."""

    def __init__(self, number: int, stream: _Stream) -> None:
        self.number = number
        self.stream = stream
        self.head: str | None = None
        self.entries = self.messages = self.conversations = 0

    def check_entry(self, number: int, entry: ListedEntry) -> None:
        """The entry's member: the listed lines, each a message of where its key says it lies."""
        where = f"Part {self.number}, entry {number}"
        between = entry.offset - self.stream.position
        _require(0 <= between <= _MAX_BETWEEN_BYTES, f"{where} lies elsewhere")
        _require(entry.bytes <= MAX_LINE_BYTES, f"{where} is too large")
        self.check_heads(self.stream.take(between))
        lines = _lines(where, self.stream.take(entry.bytes))
        _require(hashlib.sha256(lines).hexdigest() == entry.digest, f"{where} has other lines")
        self._check_lines(where, entry, lines)
        self.entries += 1
        self.messages += entry.n

    def check_heads(self, data: bytes) -> None:
        """What stands between entries is heads, each of the conversation that follows.

        And, where it goes on after an earlier export, what was cleared in between.
        """
        try:
            for record in read_archive(io.BytesIO(data)) if data else ():
                unlisted = f"Part {self.number} holds a message that is not listed"
                _require(not isinstance(record, Message), unlisted)
                if isinstance(record, HeadRecord):
                    self.head = record.conversation_id
                    self.conversations += 1
        except BrokenArchive:
            raise ArchiveDiffers(f"Part {self.number} holds what is no record.") from None

    def _check_lines(self, where: str, entry: ListedEntry, lines: bytes) -> None:
        place = keys.entry_place(entry.key)
        _require(place.conversation_id == self.head, f"{where} stands under another head")
        quarter, count = (entry.day, place.quarter), 0
        try:
            for message in map(decode_line, lines.splitlines()):
                belongs = message.conversation_id == place.conversation_id
                _require(belongs and quarter_hour(message) == quarter, f"{where} is another's")
                count += 1
        except msgspec.MsgspecError:
            raise ArchiveDiffers(f"{where} holds what is no message.") from None
        _require(count == entry.n > 0, f"{where} holds {count} messages, not {entry.n}")


def _lines(where: str, member: bytes) -> bytes:
    """The lines of exactly one whole gzip member."""
    inflate = isal_zlib.decompressobj(wbits=_GZIP)
    try:
        lines = inflate.decompress(member, max_length=MAX_LINE_BYTES)
    except (isal_zlib.error, zlib.error):
        raise ArchiveDiffers(f"{where} cannot be decompressed.") from None
    _require(inflate.eof and not inflate.unused_data, f"{where} is not one gzip member")
    return lines


def _require(holds: bool, otherwise: str) -> None:
    if not holds:
        raise ArchiveDiffers(f"{otherwise}.")
