"""The real bucket: S3 through boto3."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any
from urllib.parse import quote

from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients
from chatledger.aws.bucket import LINK_SECONDS, AlreadyThere, ObjectGone, Source
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
_READ_BYTES = 1024 * 1024
_DELETE_AT_ONCE = 1000
_EXISTS = {"PreconditionFailed", "ConditionalRequestConflict"}
_MISSING = {"NoSuchKey", "NoSuchVersion", "404"}


class S3Bucket:
    """The real bucket."""

    def __init__(self, name: str, client: Any = None) -> None:
        self.name = name
        self.client: Any = client or clients.client("s3", CONFIG)

    def put(
        self,
        key: str,
        data: bytes,
        media_type: str,
        *,
        once: bool = False,
        locked_until: datetime | None = None,
    ) -> str | None:
        """With ``once`` the first writer wins; raises ``AlreadyThere`` for the others.

        ``locked_until``: before that only who may bypass governance can delete this version.
        """
        condition = {"IfNoneMatch": "*"} if once else {}
        request = {"Key": key, "Body": data, "ContentType": media_type, **condition}
        if locked_until:
            request |= {"ObjectLockMode": "GOVERNANCE", "ObjectLockRetainUntilDate": locked_until}
            request |= {"ChecksumAlgorithm": "SHA256"}  # S3 takes no lock without a checksum.
        answer = self._call("put_object", **request)
        return answer.get("VersionId")

    def get(self, key: str) -> bytes | None:
        try:
            answer = self._call("get_object", Key=key)
            return answer["Body"].read() if answer else None
        except (HTTPClientError, UnreachableError) as error:
            raise StorageError from error

    def size(self, key: str) -> int | None:
        """In bytes; None where there is no such object."""
        answer = self._call("head_object", Key=key)
        return answer["ContentLength"] if answer else None

    def read(
        self, key: str, *, version: str | None = None, start: int = 0, length: int | None = None
    ) -> Iterator[bytes]:
        """The object's bytes, a megabyte at a time; raises ``ObjectGone``."""
        if length == 0:
            return
        end = "" if length is None else start + length - 1
        wanted = {"Range": f"bytes={start}-{end}"} if start or length is not None else {}
        answer = self._call("get_object", Key=key, **_of_version(version), **wanted)
        if not answer:
            raise ObjectGone(f"The object {key} is gone.")
        try:
            yield from answer["Body"].iter_chunks(_READ_BYTES)
        except (HTTPClientError, UnreachableError) as error:
            raise StorageError from error

    def first_versions_under(
        self, prefix: str, after: str = ""
    ) -> Iterator[tuple[str, str | None]]:
        """Each key under the prefix that sorts above ``after``, in order, with its first version.

        Whatever was written over it since, or hides it.
        """
        place, first = {"KeyMarker": after} if after else {}, ("", "")
        while True:
            answer = self._call("list_object_versions", Prefix=prefix, **place)
            for each in answer.get("Versions", []):  # The newest of a key comes first.
                if first[0] not in {"", each["Key"]}:
                    yield first
                first = (each["Key"], each["VersionId"])
            if not answer.get("IsTruncated"):
                break
            place = {
                "KeyMarker": answer["NextKeyMarker"],
                "VersionIdMarker": answer["NextVersionIdMarker"],
            }
        if first[0]:
            yield first

    def delete(self, key: str, version: str | None) -> None:
        """Deletes the object, or its version where the bucket keeps some; harmless to repeat."""
        self._call("delete_object", Key=key, **_of_version(version))

    def objects_under(self, prefix: str) -> Iterator[tuple[str, int]]:
        """Each key under the prefix, in order, with its size in bytes."""
        place: dict[str, str] = {}
        while True:
            answer = self._call("list_objects_v2", Prefix=prefix, **place)
            for each in answer.get("Contents", []):
                yield each["Key"], each["Size"]
            if not answer.get("IsTruncated"):
                return
            place = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete_under(self, prefix: str) -> int:
        """Deletes every object under the prefix; answers how many."""

        def some() -> list[dict[str, str]]:
            answer = self._call("list_objects_v2", Prefix=prefix, MaxKeys=_DELETE_AT_ONCE)
            return [{"Key": each["Key"]} for each in answer.get("Contents", [])]

        count = 0
        while objects := some():
            count += self._delete(prefix, objects)
        return count

    def delete_versions_under(self, prefix: str) -> int:
        """The same in a bucket that keeps versions: every version of every object goes."""

        def some() -> list[dict[str, str]]:
            answer = self._call("list_object_versions", Prefix=prefix, MaxKeys=_DELETE_AT_ONCE)
            found = [*answer.get("Versions", []), *answer.get("DeleteMarkers", [])]
            return [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]

        count = 0
        while objects := some():
            count += self._delete(prefix, objects)
        return count

    def _delete(self, prefix: str, objects: list[dict[str, str]]) -> int:
        answer = self._call("delete_objects", Delete={"Objects": objects, "Quiet": True})
        if answer.get("Errors"):
            raise StorageError(f"Some objects under {prefix} could not be deleted. Repeat.")
        return len(objects)

    def link(
        self,
        key: str,
        file_name: str,
        version: str | None = None,
        media_type: str | None = None,
    ) -> str:
        """A signed link that downloads the object under this name for 15 minutes at most.

        ``media_type``: what it is said to be, whatever it was stored as.
        """
        parameters = {
            "Bucket": self.name,
            "Key": key,
            "ResponseContentDisposition": _attachment(file_name),
            **({"ResponseContentType": media_type} if media_type else {}),
            **_of_version(version),
        }
        return self.client.generate_presigned_url(
            "get_object", Params=parameters, ExpiresIn=LINK_SECONDS
        )

    def upload_link(self, key: str, media_type: str | None = None) -> str:
        """A signed link that takes a PUT of the object for 15 minutes at most.

        The PUT must then say this ``Content-Type``; without one it may say any.
        """
        said = {"ContentType": media_type} if media_type else {}
        parameters = {"Bucket": self.name, "Key": key, **said}
        return self.client.generate_presigned_url(
            "put_object", Params=parameters, ExpiresIn=LINK_SECONDS
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

    def copy(self, source: Source) -> None:
        """A part that S3 copies by itself; raises ``ObjectGone``."""
        answer = self._call(
            "upload_part_copy",
            PartNumber=len(self._tags) + 1,
            CopySource={
                "Bucket": source.bucket,
                "Key": source.key,
                **_of_version(source.version),
            },
            CopySourceRange=f"bytes={source.start}-{source.start + source.length - 1}",
        )
        if not answer:
            raise ObjectGone(f"The object {source.key} is gone.")
        self._tags.append(answer["CopyPartResult"]["ETag"])

    def complete(self) -> str | None:
        parts = [{"ETag": tag, "PartNumber": place} for place, tag in enumerate(self._tags, 1)]
        answer = self._call("complete_multipart_upload", MultipartUpload={"Parts": parts})
        return answer.get("VersionId")

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
        if code in _MISSING:
            return {}
        if code in _EXISTS:
            raise AlreadyThere from error
        if status >= 500 or code == "SlowDown":
            raise StorageError from error
        raise
    except (HTTPClientError, UnreachableError) as error:
        raise StorageError from error


def _attachment(file_name: str) -> str:
    """RFC 6266: the name as it is, and for those that do not know that form one of ASCII."""
    plain = "".join(
        each if " " <= each <= "~" and each not in '"\\%' else "_" for each in file_name
    )
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(file_name)}"


def _of_version(version: str | None) -> dict[str, str]:
    return {"VersionId": version} if version else {}
