"""The bucket in memory and the real one on moto pass the same tests."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs, urlsplit

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError

from chatledger.aws.bucket import MIN_PART_BYTES, AlreadyThere, Bucket, ObjectGone, Source
from chatledger.aws.s3 import CONFIG, S3Bucket
from chatledger.errors import StorageError
from chatledger.export.sink import UPLOAD_BYTES, ObjectSink
from tests.fakes.memory_bucket import MemoryBucket

TEXT = "text/plain"


@pytest.fixture
def s3_bucket(aws: None) -> S3Bucket:
    client = boto3.client("s3", config=CONFIG)
    client.create_bucket(Bucket="exports-test")
    return S3Bucket("exports-test", client)


@pytest.fixture(params=["memory", "moto"])
def bucket(request: pytest.FixtureRequest) -> Bucket:
    return MemoryBucket() if request.param == "memory" else request.getfixturevalue("s3_bucket")


def test_what_was_put_is_got_and_read(bucket: Bucket):
    bucket.put("a/b", b"hello", TEXT)
    assert bucket.get("a/b") == b"hello"
    assert b"".join(bucket.read("a/b")) == b"hello"
    bucket.put("a/b", b"again", TEXT)
    assert bucket.get("a/b") == b"again"


def test_what_is_not_there_is_none_and_cannot_be_read(bucket: Bucket):
    assert bucket.get("nothing") is None
    with pytest.raises(StorageError):
        b"".join(bucket.read("nothing"))


def test_what_is_put_once_stays_the_first(bucket: Bucket):
    bucket.put("commit", b"first", TEXT, once=True)
    with pytest.raises(AlreadyThere):
        bucket.put("commit", b"second", TEXT, once=True)
    assert bucket.get("commit") == b"first"


def test_names_come_in_their_order_from_any_on(bucket: Bucket):
    for name in ("a/3", "a/1", "a/2", "b/1", "a"):
        bucket.put(name, b"", TEXT)
    assert [name for name, _ in bucket.first_versions_under("a/")] == ["a/1", "a/2", "a/3"]
    assert [name for name, _ in bucket.first_versions_under("a/", "a/1")] == ["a/2", "a/3"]
    assert list(bucket.first_versions_under("c/")) == []


def test_more_names_than_one_answer_holds(aws: None):
    class Short(S3Bucket):
        def _call(self, operation: str, **request: Any) -> dict[str, Any]:
            return super()._call(operation, **request, MaxKeys=2)

    client = boto3.client("s3", config=CONFIG)
    client.create_bucket(Bucket="short")
    status = {"Status": "Enabled"}
    client.put_bucket_versioning(Bucket="short", VersioningConfiguration=status)
    for number in range(5):
        for data in (b"first", b"second", b"third"):
            client.put_object(Bucket="short", Key=f"a/{number}", Body=data)
    client.delete_object(Bucket="short", Key="a/2")
    bucket = Short("short", client)
    found = list(bucket.first_versions_under("a/"))
    assert [name for name, _ in found] == [f"a/{each}" for each in range(5)]
    for name, version in found:
        assert b"".join(S3Bucket("short", client).read(name, version=version)) == b"first"


def test_a_locked_object_is_locked(aws: None):
    client = boto3.client("s3", config=CONFIG)
    client.create_bucket(Bucket="locked", ObjectLockEnabledForBucket=True)
    until = datetime(2027, 1, 1, tzinfo=UTC)
    bucket = S3Bucket("locked", client)
    bucket.put("free", b"", TEXT)
    version = bucket.put("anchor", b"{}", TEXT, once=True, locked_until=until)
    kept = client.head_object(Bucket="locked", Key="anchor")
    assert (kept["ObjectLockMode"], kept["ObjectLockRetainUntilDate"]) == ("GOVERNANCE", until)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_object(Bucket="locked", Key="anchor", VersionId=version)


def test_one_object_is_deleted_and_its_neighbours_stay(bucket: Bucket):
    for key in ("a", "a/b"):
        bucket.put(key, b"x", TEXT)
    for _ in range(2):  # Again is harmless.
        bucket.delete("a", None)
    assert (bucket.get("a"), bucket.get("a/b")) == (None, b"x")


def test_only_what_is_under_the_prefix_is_deleted(bucket: Bucket):
    for key in ("x/1/a", "x/1/b", "x/10/a", "y"):
        bucket.put(key, b"", TEXT)
    assert bucket.delete_under("x/1/") == 2
    assert bucket.delete_under("x/1/") == 0
    assert bucket.get("x/1/a") is None
    assert bucket.get("x/10/a") == bucket.get("y") == b""


@pytest.fixture(params=["memory", "moto"])
def archive(request: pytest.FixtureRequest) -> Bucket:
    """A bucket that keeps versions."""
    if request.param == "memory":
        return MemoryBucket("archive", versioned=True)
    bucket: S3Bucket = request.getfixturevalue("s3_bucket")
    bucket.client.put_bucket_versioning(
        Bucket=bucket.name, VersioningConfiguration={"Status": "Enabled"}
    )
    return bucket


def joined(bucket: Bucket, key: str, **which: object) -> bytes:
    return b"".join(bucket.read(key, **which))  # type: ignore[arg-type]


def test_a_part_of_an_object_is_read(bucket: Bucket):
    data = bytes(range(256)) * 10_000
    bucket.put("a", data, TEXT)
    assert joined(bucket, "a", start=5) == data[5:]
    assert joined(bucket, "a", start=5, length=1) == data[5:6]
    assert joined(bucket, "a", start=1_500_000, length=900_000) == data[1_500_000:2_400_000]
    assert joined(bucket, "a", start=5, length=0) == b""
    assert bucket.size("a") == len(data)
    assert bucket.size("b") is None


def test_an_older_version_is_read_after_a_change_and_a_deletion(archive: Bucket):
    first = archive.put("a", b"first", TEXT)
    second = archive.put("a", b"second", TEXT)
    archive.delete_under("a")
    assert archive.get("a") is None
    assert joined(archive, "a", version=first) == b"first"
    assert joined(archive, "a", version=second, start=1, length=3) == b"eco"
    with pytest.raises(ObjectGone):
        joined(archive, "a")


def test_a_version_is_deleted_for_good_and_the_others_stay(archive: Bucket):
    first = archive.put("a", b"first", TEXT)
    second = archive.put("a", b"second", TEXT)
    archive.delete("a", first)
    assert archive.get("a") == b"second"
    with pytest.raises(ObjectGone):
        joined(archive, "a", version=first)
    for _ in range(2):
        archive.delete("a", second)
    assert archive.get("a") is None


def test_all_versions_go_when_they_are_meant(archive: Bucket):
    kept = archive.put("x/10/a", b"kept", TEXT)
    version = archive.put("x/1/a", b"first", TEXT)
    archive.put("x/1/a", b"second", TEXT)
    assert archive.delete_versions_under("x/1/") == 2
    with pytest.raises(ObjectGone):
        joined(archive, "x/1/a", version=version)
    assert joined(archive, "x/10/a", version=kept) == b"kept"


def test_an_upload_copies_from_another_object_and_answers_its_version(archive: Bucket):
    data = bytes(range(256)) * (MIN_PART_BYTES // 128)
    source = archive.put("source", data, TEXT)
    archive.put("source", b"", TEXT)
    upload = archive.upload("joined", TEXT)
    upload.copy(Source(archive.name, "source", source, 7, MIN_PART_BYTES))
    upload.part(data[:MIN_PART_BYTES])
    upload.copy(Source(archive.name, "source", source, 0, 3))
    version = upload.complete()
    assert version
    expected = data[7 : 7 + MIN_PART_BYTES] + data[:MIN_PART_BYTES] + data[:3]
    assert joined(archive, "joined", version=version) == expected
    with pytest.raises(ObjectGone):
        archive.upload("other", TEXT).copy(Source(archive.name, "nothing", None, 0, 3))


@pytest.mark.parametrize("size", [0, 10, UPLOAD_BYTES, UPLOAD_BYTES + 1, 2 * UPLOAD_BYTES + 5])
def test_a_sink_writes_any_size(bucket: Bucket, size: int):
    data = bytes(range(256)) * (size // 256 + 1)
    with ObjectSink(bucket, "file", TEXT) as sink:
        for start in range(0, size, 3_000_000):
            sink.write(data[start : min(start + 3_000_000, size)])
    assert bucket.get("file") == (data[:size] or None)
    assert (sink.size, sink.sha256) == (size, hashlib.sha256(data[:size]).hexdigest())


def test_a_sink_left_by_an_error_leaves_nothing(bucket: Bucket):
    def fail(sink: ObjectSink) -> None:
        sink.write(b"x" * (UPLOAD_BYTES + 1))
        raise KeyError

    with pytest.raises(KeyError), ObjectSink(bucket, "file", TEXT) as sink:
        fail(sink)
    assert bucket.get("file") is None


@pytest.mark.parametrize("region", ["us-east-1", "eu-central-1", "il-central-1"])
def test_a_link_names_its_region_its_age_and_the_files_name(region: str, aws: None):
    bucket = S3Bucket("my-bucket", boto3.client("s3", region_name=region, config=CONFIG))
    link = urlsplit(bucket.link("exports/acme/1/files/é.csv", "é.csv"))
    asked = parse_qs(link.query)
    host = "my-bucket.s3.amazonaws.com" if region == "us-east-1" else f"my-bucket.s3.{region}"
    assert link.netloc.startswith(host)
    assert asked["X-Amz-Expires"] == ["900"]
    assert asked["response-content-disposition"] == [
        "attachment; filename=\"_.csv\"; filename*=UTF-8''%C3%A9.csv"
    ]


def test_an_upload_is_bound_to_a_type_only_where_one_is_named(s3_bucket: S3Bucket):
    def signed(link: str) -> list[str]:
        return parse_qs(urlsplit(link).query)["X-Amz-SignedHeaders"]

    assert signed(s3_bucket.upload_link("a", TEXT)) == ["content-type;host"]
    assert signed(s3_bucket.upload_link("a")) == ["host"]


@pytest.mark.parametrize(
    ("status", "code"), [(503, "SlowDown"), (500, "InternalError"), (503, "ServiceUnavailable")]
)
def test_a_busy_service_is_a_storage_error(s3_bucket: S3Bucket, status: int, code: str):
    body = f"<Error><Code>{code}</Code><Message>no</Message></Error>".encode()

    class Raw:
        def stream(self, **_: object) -> Iterator[bytes]:
            yield body

    def answer(**_: object) -> AWSResponse:
        return AWSResponse("https://s3", status, {}, Raw())  # pyright: ignore

    s3_bucket.client.meta.events.register_first("before-send.s3", answer)
    with pytest.raises(StorageError):
        s3_bucket.put("a", b"", TEXT)
