"""Joining: one object of many, which S3 copies by itself where they are large enough.

Everything is read once, for the SHA-256 of the whole; the copies go on beside the reading.
"""

import hashlib
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from chatledger.aws.bucket import MIN_PART_BYTES, Bucket, Source, Upload
from chatledger.errors import StorageError
from chatledger.ledger.cells import Checkpoint

# S3 copies at most 5 GB at once.
_COPY_BYTES = 4 * 1024**3
# Parts on their way beside the one that is read; those that are sent, not copied, are in memory.
_UNDER_WAY = 2


@dataclass(frozen=True, slots=True)
class Stored:
    """An object to be joined; ``version`` None: the current one."""

    bucket: Bucket
    key: str
    version: str | None
    bytes: int


class Joined:
    """The object that comes of it, there when this is left without an error.

    ``size`` in bytes, ``sha256`` in hex; ``checkpoint`` is asked for every megabyte.
    """

    def __init__(self, bucket: Bucket, key: str, media_type: str, checkpoint: Checkpoint) -> None:
        self.bucket = bucket
        self.key = key
        self.media_type = media_type
        self.checkpoint = checkpoint
        self.size = 0
        self._digest = hashlib.sha256()
        self._held = bytearray()
        self._upload: Upload | None = None
        # One worker: the order in which parts are asked for is their order in the object.
        self._pool = ThreadPoolExecutor(1)
        self._waiting = deque[Future[None]]()

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()

    def add(self, data: bytes) -> None:
        self._see(data)
        self._held += data
        self._send_if_large()

    def add_stored(self, stored: Stored) -> None:
        """Copies the object, but for what its predecessors need to reach the least size."""
        missing = MIN_PART_BYTES - len(self._held) if self._held else 0
        borrowed = missing if stored.bytes - missing >= MIN_PART_BYTES else stored.bytes
        seen = 0
        for piece in stored.bucket.read(stored.key, version=stored.version):
            self._see(piece)
            self._held += piece[: max(0, borrowed - seen)]
            self._send_if_large()
            seen += len(piece)
        if seen != stored.bytes:
            raise StorageError("An object that was committed came back with another size.")
        self._copy(stored, borrowed)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _: BaseException | None, __: TracebackType | None
    ) -> None:
        try:
            if kind is None:
                self._complete()
        except BaseException:
            self._abort()
            raise
        finally:
            if kind is not None:
                self._abort()
            self._pool.shutdown()

    def _see(self, data: bytes) -> None:
        self.checkpoint()
        self.size += len(data)
        self._digest.update(data)

    def _send_if_large(self) -> None:
        if len(self._held) >= MIN_PART_BYTES:
            self._send()

    def _send(self) -> None:
        data = bytes(self._held)
        self._held.clear()
        self._ask(lambda upload: upload.part(data))

    def _copy(self, stored: Stored, start: int) -> None:
        while left := stored.bytes - start:
            length = left if left <= _COPY_BYTES else min(_COPY_BYTES, left - MIN_PART_BYTES)
            source = Source(stored.bucket.name, stored.key, stored.version, start, length)
            self._ask(lambda upload, source=source: upload.copy(source))
            start += length

    def _ask(self, work: Callable[[Upload], None]) -> None:
        upload = self._upload = self._upload or self.bucket.upload(self.key, self.media_type)
        while len(self._waiting) >= _UNDER_WAY:
            self._waiting.popleft().result()
        self._waiting.append(self._pool.submit(work, upload))

    def _complete(self) -> None:
        if not self._upload:
            self.bucket.put(self.key, bytes(self._held), self.media_type)
            return
        if self._held:
            self._send()
        while self._waiting:
            self._waiting.popleft().result()
        self._upload.complete()

    def _abort(self) -> None:
        """Not before what is under way has ended: a part that comes later would stay."""
        self._pool.shutdown(cancel_futures=True)
        if self._upload:
            self._upload.abort()
