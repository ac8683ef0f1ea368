"""Where written bytes go: an object of any size, or nowhere, counted and digested alike."""

import hashlib
from types import TracebackType
from typing import Protocol, Self

from chatledger.aws.bucket import MIN_PART_BYTES, Bucket, Upload

# As much as one sink holds in memory: S3's least size of a part, as a step has up to three sinks.
UPLOAD_BYTES = MIN_PART_BYTES


class Sink(Protocol):
    size: int

    def write(self, data: bytes) -> None: ...


class CountingSink:
    """Keeps nothing: for a dry run."""

    def __init__(self) -> None:
        self.size = 0

    def write(self, data: bytes) -> None:
        self.size += len(data)


class ObjectSink:
    """One object: at once if it is small, else as an upload of parts; aborted if left by an error.

    ``size`` in bytes and ``sha256`` in hex are of all that was written; of nothing there will be
    no object. ``version`` is the object's, where its bucket keeps versions.
    """

    def __init__(self, bucket: Bucket, key: str, media_type: str) -> None:
        self.bucket = bucket
        self.key = key
        self.media_type = media_type
        self.size = 0
        self.version: str | None = None
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._upload: Upload | None = None

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def write(self, data: bytes) -> None:
        self.size += len(data)
        self._digest.update(data)
        self._held += data
        while len(self._held) >= UPLOAD_BYTES:
            self._send(UPLOAD_BYTES)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        if kind is None:
            self._complete()
        elif self._upload:
            self._upload.abort()

    def _send(self, count: int) -> None:
        self._upload = self._upload or self.bucket.upload(self.key, self.media_type)
        with memoryview(self._held) as held:
            data = bytes(held[:count])
        del self._held[:count]
        self._upload.part(data)

    def _complete(self) -> None:
        if self._upload:
            if self._held:
                self._send(len(self._held))
            self.version = self._upload.complete()
        elif self._held:
            self.version = self.bucket.put(self.key, bytes(self._held), self.media_type)
