"""Buckets, state machines and a signing key whose calls are hit by faults, as a table's are."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from chatledger.aws.bucket import Bucket, Source, Upload
from chatledger.aws.kms import Signer
from chatledger.aws.states import StateMachine, Status
from tests.fakes.faults import Faults


@dataclass
class FaultyBucket:
    """A bucket whose calls are hit as planned; signing a link calls nobody.

    Its uploads' calls are hit too: ``upload``, ``part``, ``copy``, ``complete`` and ``abort``.
    """

    bucket: Bucket
    faults: Faults

    @property
    def name(self) -> str:
        return self.bucket.name

    def put(self, key: str, data: bytes, media_type: str, *, once: bool = False) -> str | None:
        return self._call("put", key, data, media_type, once=once)

    def get(self, key: str) -> bytes | None:
        return self._call("get", key)

    def size(self, key: str) -> int | None:
        return self._call("size", key)

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        if length != 0:
            # One request, however many pieces its answer comes in.
            pieces = partial(self.bucket.read, key, version=version, start=start, length=length)
            yield from self.faults.call(self.name, "read", lambda: list(pieces()))

    def delete(self, key: str, version: str | None) -> None:
        self._call("delete", key, version)

    def objects_under(self, prefix: str) -> Iterator[tuple[str, int]]:
        pieces = partial(self.bucket.objects_under, prefix)
        yield from self.faults.call(self.name, "objects_under", lambda: list(pieces()))

    def delete_under(self, prefix: str) -> int:
        return self._call("delete_under", prefix)

    def delete_versions_under(self, prefix: str) -> int:
        return self._call("delete_versions_under", prefix)

    def link(
        self,
        key: str,
        file_name: str,
        version: str | None = None,
        media_type: str | None = None,
    ) -> str:
        return self.bucket.link(key, file_name, version, media_type)

    def upload_link(self, key: str, media_type: str | None = None) -> str:
        return self.bucket.upload_link(key, media_type)

    def upload(self, key: str, media_type: str) -> "FaultyUpload":
        return FaultyUpload(self, self._call("upload", key, media_type))

    def _call(self, operation: str, *args: Any, **kwargs: Any) -> Any:
        return self.faults.call(
            self.name, operation, partial(getattr(self.bucket, operation), *args, **kwargs)
        )


@dataclass
class FaultyUpload:
    bucket: FaultyBucket
    upload: Upload

    def part(self, data: bytes) -> None:
        # Sent again, a part replaces itself: the numbers are the client's.
        self._call("part", partial(self.upload.part, data))

    def copy(self, source: Source) -> None:
        self._call("copy", partial(self.upload.copy, source))

    def complete(self) -> str | None:
        return self._call("complete", self.upload.complete)

    def abort(self) -> None:
        self._call("abort", self.upload.abort)

    def _call(self, operation: str, apply: Callable[[], Any]) -> Any:
        once = _Once(apply) if operation in {"part", "copy"} else apply
        return self.bucket.faults.call(self.bucket.name, operation, once)


@dataclass
class _Once:
    """Applied again, it changes nothing."""

    apply: Callable[[], Any]
    done: bool = False

    def __call__(self) -> Any:
        if not self.done:
            self.done = True
            return self.apply()
        return None


@dataclass
class FaultyStates:
    """A state machine whose calls are hit as planned."""

    states: StateMachine
    faults: Faults
    port: str = "states"

    def start(self, name: str, content: dict[str, Any]) -> None:
        self.faults.call(self.port, "start", partial(self.states.start, name, content))

    def status(self, name: str) -> Status | None:
        return self.faults.call(self.port, "status", partial(self.states.status, name))


@dataclass
class FaultySigner:
    """A signing key whose calls are hit as planned; a wrong signature is no fault."""

    signer: Signer
    faults: Faults

    def sign(self, digest: bytes) -> bytes:
        return self.faults.call("signer", "sign", partial(self.signer.sign, digest))

    def is_signed(self, digest: bytes, signature: bytes) -> bool:
        check = partial(self.signer.is_signed, digest, signature)
        return self.faults.call("signer", "is_signed", check)

    def public_key(self) -> bytes:
        return self.faults.call("signer", "public_key", self.signer.public_key)
