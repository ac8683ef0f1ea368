"""An archive as it is kept: its manifest and its parts, each read by the version that was written.

Nothing here holds more than the manifest's header and a piece of what streams through.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

from chatledger.aws.bucket import Bucket, ObjectGone
from chatledger.errors import ChatledgerError
from chatledger.export import manifest as manifests
from chatledger.export.job import File, Manifest
from chatledger.export.manifest import BrokenManifest, Header, ListedEntry, ManifestPart

# A header of a few parts fits; each further look asks for twice as much.
_FIRST_LOOK_BYTES = 64 * 1024


class ArchiveDiffers(ChatledgerError):
    """It is not what its manifest says, or was; the message says where, by numbers only."""


@dataclass(frozen=True, slots=True)
class KeptArchive:
    """``entries_start``: where in the manifest the first entry's line begins."""

    bucket: Bucket
    file: File
    header: Header
    entries_start: int

    def part(self, number: int) -> ManifestPart:
        """The part of this number, from 1."""
        if not 1 <= number <= len(self.header.parts):
            raise ArchiveDiffers(f"The manifest has no part {number}.")
        return self.header.parts[number - 1]

    def entries(self, part: ManifestPart) -> Iterator[ListedEntry]:
        """The part's lines of the manifest; raises ``ArchiveDiffers``, at the end at the latest.

        What acts on an entry goes through all of them once before (``check_list``).
        """
        try:
            yield from manifests.read_entries(self._list(part))
        except BrokenManifest as error:
            raise ArchiveDiffers(f"Part {part.number}: {error.message}") from None

    def check_list(self, part: ManifestPart) -> None:
        """Raises ``ArchiveDiffers`` unless the part's lines are those that the header digests."""
        for _ in self._list(part):
            pass

    def check_manifest(self) -> None:
        """Raises ``ArchiveDiffers`` unless the manifest is byte for byte what was written.

        What its header digests may be whole and something behind it not: nobody who reads it later
        could tell why it is there.
        """
        digest = hashlib.sha256()
        for piece in _read(self.bucket, self.file, 0, None):
            digest.update(piece)
        if digest.hexdigest() != self.file.sha256:
            raise ArchiveDiffers("The manifest has other bytes than those that were written.")

    def data(self, part: ManifestPart) -> Iterator[bytes]:
        """The bytes of the part's object; raises ``ArchiveDiffers`` where there is none."""
        try:
            yield from self.bucket.read(part.key, version=part.version_id)
        except ObjectGone:
            raise ArchiveDiffers(f"The object of part {part.number} is gone.") from None

    def _list(self, part: ManifestPart) -> Iterator[bytes]:
        digest, size = hashlib.sha256(), 0
        start = self.entries_start + part.entries_offset
        for piece in _read(self.bucket, self.file, start, part.entries_bytes):
            digest.update(piece)
            size += len(piece)
            yield piece
        if (size, digest.hexdigest()) != (part.entries_bytes, part.entries_sha256):
            raise ArchiveDiffers(f"The manifest's lines of part {part.number} are not its own.")


def open_archive(bucket: Bucket, manifest: Manifest) -> KeptArchive:
    """Raises ``ArchiveDiffers`` unless the header has the root hash that the job recorded."""
    line = _first_line(bucket, manifest.file)
    try:
        header, root_hash = manifests.read_first_line(line)
    except BrokenManifest as error:
        raise ArchiveDiffers(error.message) from None
    if root_hash != manifest.root_hash:
        raise ArchiveDiffers("The manifest is not the one that the export wrote.")
    return KeptArchive(bucket, manifest.file, header, len(line))


def read_signature(bucket: Bucket, signature: File) -> bytes:
    """The signature's object, a small one; raises ``ArchiveDiffers`` where it was changed."""
    try:
        data = b"".join(bucket.read(signature.key, version=signature.version))
    except ObjectGone:
        raise ArchiveDiffers("The manifest's signature is gone.") from None
    if hashlib.sha256(data).hexdigest() != signature.sha256:
        raise ArchiveDiffers("The manifest's signature is not the one that was written.")
    return data


def _first_line(bucket: Bucket, file: File) -> bytes:
    line, look = b"", _FIRST_LOOK_BYTES
    while not line.endswith(b"\n"):
        more = b"".join(_read(bucket, file, len(line), look)) if len(line) < file.bytes else b""
        if not more:
            raise ArchiveDiffers("The manifest was cut: its first line does not end.")
        end = more.find(b"\n") + 1
        line, look = line + (more[:end] if end else more), 2 * look
    return line


def _read(bucket: Bucket, file: File, start: int, length: int | None) -> Iterator[bytes]:
    try:
        yield from bucket.read(file.key, version=file.version, start=start, length=length)
    except ObjectGone:
        raise ArchiveDiffers("The manifest is gone.") from None
