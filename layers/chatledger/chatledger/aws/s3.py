"""A bucket: a narrow, typed face of S3."""

from collections.abc import Iterator
from typing import Any, Protocol
from urllib.parse import quote

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients
from chatledger.errors import StorageError

# Links carry version 4 signatures, which a bucket policy can bound in age, and the region's own
# host: the global one does not answer for newer regions.
CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 4},
    connect_timeout=2,
    read_timeout=20,
    signature_version="s3v4",
    s3={"addressing_style": "virtual"},
    request_checksum_calculation="when_required",
)
LINK_SECONDS = 15 * 60
_READ_BYTES = 1024 * 1024
_DELETE_AT_ONCE = 1000
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}


class AlreadyThere(Exception):
    """An object that is written once is there already."""


class Upload(Protocol):
    """An object made of parts; all but the last must be at least 5 MiB."""

    def part(self, data: bytes) -> None: ...
    def complete(self) -> None: ...
    def abort(self) -> None: ...


class Bucket(Protocol):
    """What exports need of a bucket. Each call may raise ``StorageError``."""

    def put(self, key: str, data: bytes, media_type: str, *, once: bool = False) -> None: ...
    def get(self, key: str) -> bytes | None: ...
    def read(self, key: str) -> Iterator[bytes]: ...
    def delete_under(self, prefix: str) -> int: ...
    def link(self, key: str, file_name: str) -> str: ...
    def upload(self, key: str, media_type: str) -> Upload: ...


class S3Bucket:
    """The real bucket."""

    def __init__(self, name: str, client: Any = None) -> None:
        self.name = name
        self.client: Any = client or clients.client("s3", CONFIG)

    def put(self, key: str, data: bytes, media_type: str, *, once: bool = False) -> None:
        """With ``once`` the first writer wins; raises ``AlreadyThere`` for the others."""
        condition = {"IfNoneMatch": "*"} if once else {}
        self._call("put_object", Key=key, Body=data, ContentType=media_type, **condition)

    def get(self, key: str) -> bytes | None:
        answer = self._call("get_object", Key=key)
        return answer["Body"].read() if answer else None

    def read(self, key: str) -> Iterator[bytes]:
        """The object's bytes, a megabyte at a time."""
        answer = self._call("get_object", Key=key)
        if not answer:
            raise StorageError(f"The object {key} is gone.")
        yield from answer["Body"].iter_chunks(_READ_BYTES)

    def delete_under(self, prefix: str) -> int:
        """Deletes every object under the prefix; answers how many."""
        count = 0
        while keys := self._some_under(prefix):
            objects = [{"Key": key} for key in keys]
            answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
            if answer.get("Errors"):
                raise StorageError(f"Some objects under {prefix} could not be deleted. Repeat.")
            count += len(keys)
        return count

    def _some_under(self, prefix: str) -> list[str]:
        answer = self._call("list_objects_v2", Prefix=prefix, MaxKeys=_DELETE_AT_ONCE)
        return [each["Key"] for each in answer.get("Contents", [])]

    def link(self, key: str, file_name: str) -> str:
        """A signed link that downloads the object under this name for 15 minutes at most."""
        parameters = {
            "Bucket": self.name,
            "Key": key,
            "ResponseContentDisposition": f"attachment; filename*=UTF-8''{quote(file_name)}",
        }
        return self.client.generate_presigned_url(
            "get_object", Params=parameters, ExpiresIn=LINK_SECONDS
        )

    def upload(self, key: str, media_type: str) -> "S3Upload":
        started = self._call("create_multipart_upload", Key=key, ContentType=media_type)
        return S3Upload(self, key, started["UploadId"])

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return call(self.client, operation, Bucket=self.name, **request)


class S3Upload:
    def __init__(self, bucket: S3Bucket, key: str, upload_id: str) -> None:
        self._bucket = bucket
        self._place = {"Bucket": bucket.name, "Key": key, "UploadId": upload_id}
        self._tags: list[str] = []

    def part(self, data: bytes) -> None:
        answer = self._call("upload_part", PartNumber=len(self._tags) + 1, Body=data)
        self._tags.append(answer["ETag"])

    def complete(self) -> None:
        parts = [{"ETag": tag, "PartNumber": place} for place, tag in enumerate(self._tags, 1)]
        self._call("complete_multipart_upload", MultipartUpload={"Parts": parts})

    def abort(self) -> None:
        self._call("abort_multipart_upload")

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return call(self._bucket.client, operation, **self._place, **request)


def call(client: Any, operation: str, **request: Any) -> dict[str, Any]:
    """One request; an object that is not there is an empty answer."""
    try:
        return getattr(client, operation)(**request)
    except ClientError as error:
        code = error.response.get("Error", {}).get("Code", "")
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        if code == "NoSuchKey":
            return {}
        if code in _EXISTS:
            raise AlreadyThere from error
        if status >= 500 or code == "SlowDown":
            raise StorageError from error
        raise
    except (HTTPClientError, UnreachableError) as error:
        raise StorageError from error
