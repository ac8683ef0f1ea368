"""What the local engine was taught, because the application relies on AWS behaving so."""

import io
import json
import zipfile

import httpx
import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Deployment

FAILS = """
import os
class Ended(Exception):
    pass
def lambda_handler(event, context):
    if event["how"] == "dies":
        os._exit(1)
    raise {"named": Ended, "builtin": ValueError}[event["how"]](event["message"])
"""


@pytest.fixture(scope="module")
def failing(deployment: Deployment) -> str:
    """A function that fails as it is told to."""
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("app.py", FAILS)
    known = deployment.aws("lambda").get_function(
        FunctionName=deployment.physical_id("PagesFunction")
    )["Configuration"]
    made = deployment.aws("lambda").create_function(
        FunctionName="failing",
        Runtime="python3.13",
        Handler="app.lambda_handler",
        Role=known["Role"],
        Code={"ZipFile": archive.getvalue()},
    )
    return made["FunctionName"]


@pytest.mark.parametrize(
    ("how", "message", "name"),
    [
        ("named", "over", "Ended"),
        ("named", "", "Ended"),
        ("named", "two\nlines: of it", "Ended"),
        ("builtin", "wrong", "ValueError"),
        ("dies", "", "Runtime.ExitError"),
    ],
)
def test_a_failure_bears_its_exceptions_name(
    deployment: Deployment, failing: str, how: str, message: str, name: str
) -> None:
    answer = deployment.aws("lambda").invoke(
        FunctionName=failing, Payload=json.dumps({"how": how, "message": message})
    )
    assert answer["FunctionError"]
    assert json.loads(answer["Payload"].read())["errorType"] == name


def test_a_piece_of_a_version_is_read(deployment: Deployment) -> None:
    s3, bucket = deployment.aws("s3"), deployment.physical_id("ArchiveBucket")
    first = s3.put_object(Bucket=bucket, Key="archives/test", Body=b"0123456789")["VersionId"]
    s3.put_object(Bucket=bucket, Key="archives/test", Body=b"other")
    of_first = {"Bucket": bucket, "Key": "archives/test", "VersionId": first}
    answer = s3.get_object(**of_first, Range="bytes=3-5")
    assert answer["Body"].read() == b"345"
    assert answer["ContentRange"] == "bytes 3-5/10"
    assert s3.get_object(**of_first)["Body"].read() == b"0123456789"
    with pytest.raises(ClientError, match="InvalidRange"):
        s3.get_object(**of_first, Range="bytes=10-")


def test_a_link_to_a_version_names_its_file(deployment: Deployment) -> None:
    s3, bucket = deployment.aws("s3"), deployment.physical_id("ArchiveBucket")
    version = s3.put_object(Bucket=bucket, Key="archives/link", Body=b"x" * 100)["VersionId"]
    link = s3.generate_presigned_url(
        "get_object",
        Params={
            "Bucket": bucket,
            "Key": "archives/link",
            "VersionId": version,
            "ResponseContentDisposition": 'attachment; filename="a"',
        },
        ExpiresIn=600,
    )
    with httpx.Client(headers={"X-Forwarded-Proto": "https"}) as http:
        assert "attachment" in http.get(link).headers["content-disposition"]
        piece = http.get(link, headers={"Range": "bytes=90-"})
    assert (piece.status_code, len(piece.content)) == (206, 10)
    assert "attachment" in piece.headers["content-disposition"]
