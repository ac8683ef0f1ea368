"""A bucket in memory, as strict as S3 where exports rely on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from threading import RLock

from chatledger.aws.s3 import AlreadyThere
from chatledger.errors import StorageError

MIN_PART_BYTES = 5 * 1024 * 1024


@dataclass
class MemoryBucket:
    """``before`` is told the name of each call and may raise, to fail it before it happens."""

    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    media_types: dict[str, str] = field(default_factory=dict[str, str])
    journal: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    before: Callable[[str], None] = lambda _: None
    _lock: RLock = field(default_factory=RLock)

    def put(self, key: str, data: bytes, media_type: str, *, once: bool = False) -> None:
        self._note("put", key)
        with self._lock:
            if once and key in self.objects:
                raise AlreadyThere
            self.objects[key] = data
            self.media_types[key] = media_type

    def get(self, key: str) -> bytes | None:
        self._note("get", key)
        return self.objects.get(key)

    def read(self, key: str) -> Iterator[bytes]:
        self._note("read", key)
        if key not in self.objects:
            raise StorageError(f"The object {key} is gone.")
        yield self.objects[key]

    def delete_under(self, prefix: str) -> int:
        self._note("delete_under", prefix)
        doomed = [key for key in self.objects if key.startswith(prefix)]
        for key in doomed:
            del self.objects[key]
        return len(doomed)

    def link(self, key: str, file_name: str) -> str:
        return f"memory:{key}?as={file_name}"

    def upload(self, key: str, media_type: str) -> "MemoryUpload":
        self._note("upload", key)
        return MemoryUpload(self, key, media_type)

    def _note(self, call: str, key: str) -> None:
        self.before(call)
        self.journal.append((call, key))


@dataclass
class MemoryUpload:
    bucket: MemoryBucket
    key: str
    media_type: str
    parts: list[bytes] = field(default_factory=list[bytes])

    def part(self, data: bytes) -> None:
        self.bucket.before("part")
        self.parts.append(data)

    def complete(self) -> None:
        if any(len(part) < MIN_PART_BYTES for part in self.parts[:-1]):
            raise AssertionError("S3 would answer EntityTooSmall")
        self.bucket.put(self.key, b"".join(self.parts), self.media_type)

    def abort(self) -> None:
        self.parts.clear()
