"""A bucket in memory, as strict as S3 where exports rely on it."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from threading import RLock

from chatledger.aws.bucket import MIN_PART_BYTES, AlreadyThere, ObjectGone, Source

# What ``read`` hands out at once.
PIECE_BYTES = 1024 * 1024
# Buckets by name, so that one can copy from another as S3 does.
_buckets: dict[str, "MemoryBucket"] = {}


@dataclass
class MemoryBucket:
    """``before`` is told the name of each call and may raise, to fail it before it happens.

    With ``versioned`` every write leaves a version of its own, and a deletion only hides.
    """

    name: str = "exports"
    versioned: bool = False
    objects: dict[str, bytes] = field(default_factory=dict[str, bytes])
    versions: dict[tuple[str, str], bytes] = field(default_factory=dict[tuple[str, str], bytes])
    media_types: dict[str, str] = field(default_factory=dict[str, str])
    locked_until: dict[str, datetime] = field(default_factory=dict[str, datetime])
    journal: list[tuple[str, str]] = field(default_factory=list[tuple[str, str]])
    before: Callable[[str], None] = lambda _: None
    _lock: RLock = field(default_factory=RLock)

    def __post_init__(self) -> None:
        _buckets[self.name] = self

    def put(
        self,
        key: str,
        data: bytes,
        media_type: str,
        *,
        once: bool = False,
        locked_until: datetime | None = None,
    ) -> str | None:
        self._note("put", key)
        with self._lock:
            if once and key in self.objects:
                raise AlreadyThere
            self.objects[key] = data
            self.media_types[key] = media_type
            if locked_until:
                self.locked_until[key] = locked_until
            if not self.versioned:
                return None
            version = f"v{len(self.versions) + 1}"
            self.versions[key, version] = data
            return version

    def get(self, key: str) -> bytes | None:
        self._note("get", key)
        return self.objects.get(key)

    def size(self, key: str) -> int | None:
        self._note("size", key)
        return len(self.objects[key]) if key in self.objects else None

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        if length == 0:
            return
        self._note("read", key)
        data = self._bytes(key, version)[start : None if length is None else start + length]
        for place in range(0, len(data), PIECE_BYTES):
            yield data[place : place + PIECE_BYTES]

    def first_versions_under(
        self, prefix: str, after: str = ""
    ) -> Iterator[tuple[str, str | None]]:
        self._note("first_versions_under", prefix)
        latest: dict[str, str | None] = dict.fromkeys(self.objects)
        # Written in this order, the first of a key is the last to be set.
        found = dict(reversed(self.versions)) if self.versioned else latest
        yield from sorted(
            each for each in found.items() if each[0].startswith(prefix) and each[0] > after
        )

    def delete(self, key: str, version: str | None) -> None:
        self._note("delete", key)
        if version:
            self.versions.pop((key, version), None)
        left = [data for (name, _), data in self.versions.items() if version and name == key]
        if left:
            self.objects[key] = left[-1]
        else:
            self.objects.pop(key, None)

    def objects_under(self, prefix: str) -> Iterator[tuple[str, int]]:
        self._note("objects_under", prefix)
        found = sorted(key for key in self.objects if key.startswith(prefix))
        yield from ((key, len(self.objects[key])) for key in found)

    def delete_under(self, prefix: str) -> int:
        self._note("delete_under", prefix)
        doomed = [key for key in self.objects if key.startswith(prefix)]
        for key in doomed:
            del self.objects[key]
        return len(doomed)

    def delete_versions_under(self, prefix: str) -> int:
        self._note("delete_versions_under", prefix)
        doomed = [place for place in self.versions if place[0].startswith(prefix)]
        for place in doomed:
            del self.versions[place]
            self.objects.pop(place[0], None)
        return len(doomed)

    def link(
        self,
        key: str,
        file_name: str,
        version: str | None = None,
        media_type: str | None = None,
    ) -> str:
        more = {"version": version, "type": media_type}
        told = "".join(f"&{name}={value}" for name, value in more.items() if value)
        return f"memory:{key}?as={file_name}{told}"

    def upload_link(self, key: str, media_type: str | None = None) -> str:
        return f"memory:{key}?put={media_type or ''}"

    def upload(self, key: str, media_type: str) -> "MemoryUpload":
        self._note("upload", key)
        return MemoryUpload(self, key, media_type)

    def _bytes(self, key: str, version: str | None) -> bytes:
        found = self.versions.get((key, version)) if version else self.objects.get(key)
        if found is None:
            raise ObjectGone(f"The object {key} is gone.")
        return found

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

    def copy(self, source: Source) -> None:
        self.bucket.before("copy")
        data = _buckets[source.bucket]._bytes(source.key, source.version)
        self.parts.append(data[source.start : source.start + source.length])
        assert len(self.parts[-1]) == source.length, "S3 would answer InvalidRange"

    def complete(self) -> str | None:
        if any(len(part) < MIN_PART_BYTES for part in self.parts[:-1]):
            raise AssertionError("S3 would answer EntityTooSmall")
        return self.bucket.put(self.key, b"".join(self.parts), self.media_type)

    def abort(self) -> None:
        self.parts.clear()
