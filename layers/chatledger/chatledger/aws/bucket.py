"""The bucket that files lie in: what is asked of it, as a protocol.

``s3.S3Bucket`` is the real one, and the tests have one in memory.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from chatledger.errors import StorageError

LINK_SECONDS = 15 * 60
# The least size of a part of an upload, but for the last.
MIN_PART_BYTES = 5 * 1024 * 1024


class AlreadyThere(Exception):
    """An object that is written once is there already."""


class ObjectGone(StorageError):
    """An object that must be there is not: repeating will not bring it back."""


@dataclass(frozen=True, slots=True)
class Source:
    """Bytes of an object to copy from, ``length`` of them; ``version`` None: the current one."""

    bucket: str
    key: str
    version: str | None
    start: int
    length: int


class Upload(Protocol):
    """An object made of parts; all but the last must be at least ``MIN_PART_BYTES``."""

    def part(self, data: bytes) -> None: ...
    def copy(self, source: Source) -> None: ...
    def complete(self) -> str | None: ...
    def abort(self) -> None: ...


class Bucket(Protocol):
    """What exports need of a bucket. Each call may raise ``StorageError``.

    ``put`` and ``Upload.complete`` answer the version's id where the bucket keeps versions.
    """

    name: str

    def put(
        self,
        key: str,
        data: bytes,
        media_type: str,
        *,
        once: bool = False,
        locked_until: datetime | None = None,
    ) -> str | None: ...
    def get(self, key: str) -> bytes | None: ...
    def size(self, key: str) -> int | None: ...
    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]: ...
    def first_versions_under(
        self, prefix: str, after: str = ""
    ) -> Iterator[tuple[str, str | None]]: ...
    def delete(self, key: str, version: str | None) -> None: ...
    def objects_under(self, prefix: str) -> Iterator[tuple[str, int]]: ...
    def delete_under(self, prefix: str) -> int: ...
    def delete_versions_under(self, prefix: str) -> int: ...
    def link(
        self,
        key: str,
        file_name: str,
        version: str | None = None,
        media_type: str | None = None,
    ) -> str: ...
    def upload_link(self, key: str, media_type: str | None = None) -> str: ...
    def upload(self, key: str, media_type: str) -> Upload: ...
