"""What the local deployment promises: one address, signed links, policies enforced, data kept."""

import json
import random
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.installation import Installation
from local.sample import client
from local.settings import Settings
from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, finished, organization
from tests.ports import free_port

CHAT = {
    "conversation_id": "kept",
    "messages": [{"content": "Hello", "timestamp": "2026-10-01T09:00:00Z"}],
}


def as_function(deployment: Deployment, logical_id: str, service: str) -> Any:
    """A client that may do what this function's role allows, and nothing else."""
    function = deployment.aws("lambda").get_function(
        FunctionName=deployment.physical_id(logical_id)
    )
    credentials = deployment.aws("sts").assume_role(
        RoleArn=function["Configuration"]["Role"], RoleSessionName="test"
    )["Credentials"]
    return boto3.client(
        service,
        endpoint_url=deployment.endpoint,
        region_name="us-east-1",
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


def test_health_answers_without_a_key(deployment: Deployment) -> None:
    answer = httpx.get(f"{deployment.url}/health")
    assert answer.status_code == 200
    assert answer.json()["status"]


def test_an_export_link_has_the_clean_address_and_downloads(deployment: Deployment) -> None:
    deployment.http.post("/chats", json=CHAT)
    job = deployment.http.post(
        "/exports", json={"format": "csv", "anonymize": False}, headers={"Prefer": "wait=20"}
    ).json()
    (file,) = job["files"]
    assert file["url"].startswith(deployment.url)
    answer = httpx.get(file["url"])
    assert answer.status_code == 200
    assert len(answer.content) == file["bytes"]
    assert "attachment" in answer.headers["content-disposition"]
    assert httpx.get(file["url"][:-4] + "0000").status_code == 403


def test_an_original_comes_back_byte_for_byte(deployment: Deployment) -> None:
    """Up and down by signed links, under the name it was given; a document has one at a time."""
    pdf = b"%PDF-1.7\n" + random.Random(7).randbytes(1_000_000) + b"\n%%EOF\n"
    document = {"document_id": "a/b #1", "app_id": "biology", "filename": "Größe 1.pdf"}
    where = "/documents/a%2Fb%20%231/original"
    stored = deployment.http.post("/documents", json=document)
    assert stored.status_code == 201, stored.text
    assert deployment.http.get(where).status_code == 404
    url = stored.json()["upload_url"]
    assert url.startswith(deployment.url)
    for content, media_type in ((b"first", "text/plain"), (pdf, "application/octet-stream")):
        put = httpx.put(url, content=content, headers={"Content-Type": media_type})
        assert put.status_code == 200, put.text
    again = deployment.http.post("/documents", json={**document, "text": "changed"})
    assert again.json()["status"] == "stored"
    link = deployment.http.get(where)
    assert link.status_code == 302
    answer = httpx.get(link.headers["Location"])
    assert answer.status_code == 200
    assert answer.content == pdf
    assert answer.headers["content-type"] == "application/pdf"
    disposition = answer.headers["content-disposition"]
    plain = 'attachment; filename="Gr__e 1.pdf"'
    assert disposition == f"{plain}; filename*=UTF-8''Gr%C3%B6%C3%9Fe%201.pdf"
    assert httpx.put(url[:-4] + "0000", content=b"x").status_code == 403
    archive = deployment.aws("s3").list_objects_v2(
        Bucket=deployment.physical_id("ArchiveBucket"), Prefix="documents/default/"
    )
    names = [each["Key"].rpartition("/")[2][:8] for each in archive["Contents"]]
    assert sorted(names) == ["content-", "original"]


def test_documents_come_out_by_the_machine_and_in_the_request(deployment: Deployment) -> None:
    http = organization(deployment, "documents")
    chunks = [{"text": "cells", "embedding": [0.5] * 1536}]
    for number in range(3):
        document = {"document_id": f"d{number}", "app_id": "biology", "chunks": chunks}
        assert http.post("/documents", json=document).status_code == 201
    assert http.post("/documents", json={**document, "text": "changed"}).status_code == 201
    asked = {"dataset": "documents", "anonymize": False}
    made = checked(http.post("/exports", json=asked))
    job = finished(http, made["export_id"])
    assert (job["status"], job["counts"]["documents"]) == ("succeeded", 3), job
    by_machine = httpx.get(job["files"][0]["url"]).content
    link = http.get("/projects/biology/documents/export")
    assert link.status_code == 302, link.text
    answer = httpx.get(link.headers["Location"])
    assert "biology-documents.jsonl" in answer.headers["content-disposition"]
    assert answer.content == by_machine
    rows = [json.loads(line) for line in by_machine.splitlines()]
    assert [row["text"] for row in rows] == ["", "", "changed"]
    assert rows[0]["contexts"] == chunks


def test_a_preview_is_the_beginning_of_its_export_under_either_path(
    deployment: Deployment,
) -> None:
    """Each function with the rights of its own role."""
    http, asked = (
        deployment.http,
        {"end_date": "2026-10-01", "filters": {"conversation_id": "kept"}},
    )
    http.post("/chats", json=CHAT)
    shown = http.post("/crm/ai-conversations/preview", json=asked)
    assert shown.status_code == 200, shown.text
    job = http.post("/crm/ai-conversations/export", json=asked, headers={"Prefer": "wait=20"})
    (file,) = job.json()["files"]
    lines = httpx.get(file["url"]).text.splitlines()
    assert [json.loads(line) for line in lines] == shown.json()["sample"]
    assert shown.json()["estimated"] == job.json()["counts"]
    for path in ("/statistics", "/crm/ai-conversations/statistics"):
        assert http.get(path).json()["is_exact"]
    assert http.get("/audit?action=export.previewed").json()["records"]


def test_conversation_logs_are_summed_up_and_exported(deployment: Deployment) -> None:
    deployment.http.post("/chats", json=CHAT)
    path = "/api/conversation-logs"
    assert deployment.http.get(f"{path}?action=summary").json()["success"]
    found = deployment.http.get(f"{path}?action=export&end_date=2026-10-01").json()
    assert "kept" in {each["conversation_id"] for each in found["conversations"]}
    assert found["count"] == len(found["conversations"])


def test_nothing_is_reached_without_a_signature(deployment: Deployment) -> None:
    bucket = deployment.physical_id("ExportsBucket")
    assert urlsplit(deployment.url).hostname == "127.0.0.1"
    assert httpx.get(f"{deployment.url}/{bucket}?list-type=2").status_code == 403


@pytest.mark.parametrize(
    ("function", "act", "key"),
    [
        ("IngestFunction", "delete_item", "D#default#2026-10-01#00"),
        ("ExportFunction", "delete_item", "D#default#2026-10-01#00"),
        ("ReadFunction", "delete_item", "C#default#00"),
        ("ReadFunction", "get_item", "J#default"),
        ("IngestFunction", "get_item", "J#default"),
        ("IngestFunction", "update_item", "C#default#00"),
        ("ExportFunction", "update_item", "J#default"),
        ("ExportDeleteFunction", "delete_item", "J#default"),
        ("ExportDeleteFunction", "delete_item", "D#default#2026-10-01#00"),
        ("ReadFunction", "update_item", "C#default#00"),
        ("DocumentsFunction", "delete_item", "F#default"),
        ("DocumentsFunction", "get_item", "D#default#2026-10-01#00"),
        ("ReadFunction", "get_item", "F#default"),
        ("KeysFunction", "get_item", "D#default#2026-10-01#00"),
        ("KeysFunction", "update_item", "K#o#default"),
        ("PagesFunction", "get_item", "K#h#x"),
    ],
)
def test_a_function_may_not_touch_what_its_role_does_not_name(
    deployment: Deployment, function: str, act: str, key: str
) -> None:
    dynamodb = as_function(deployment, function, "dynamodb")
    with pytest.raises(ClientError, match="AccessDenied"):
        getattr(dynamodb, act)(
            TableName=deployment.physical_id("Table"), Key={"PK": {"S": key}, "SK": {"S": "x"}}
        )


@pytest.mark.parametrize(
    ("function", "key"),
    [
        ("IngestFunction", "U#default#me"),
        ("IngestFunction", "K#o#default"),
        ("ExportFunction", "D#default#2026-10-01#00"),
        ("ExportDeleteFunction", "I#default"),
        ("ReadFunction", "L#ip:127.0.0.1"),
    ],
)
def test_a_function_may_not_put_what_its_role_does_not_name(
    deployment: Deployment, function: str, key: str
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "dynamodb").put_item(
            TableName=deployment.physical_id("Table"),
            Item={"PK": {"S": key}, "SK": {"S": "forbidden"}},
        )


def test_the_kinds_that_a_role_names_hold_inside_transactions_too(deployment: Deployment) -> None:
    dynamodb = as_function(deployment, "IngestFunction", "dynamodb")
    with pytest.raises(ClientError, match="AccessDenied"):
        dynamodb.transact_write_items(
            TransactItems=[
                {
                    "Put": {
                        "TableName": deployment.physical_id("Table"),
                        "Item": {"PK": {"S": kind}, "SK": {"S": "forbidden"}},
                    }
                }
                for kind in ("D#default#2026-10-01#00", "K#o#default")
            ]
        )


def test_an_export_function_may_not_delete_files(deployment: Deployment) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, "ExportFunction", "s3").delete_object(
            Bucket=deployment.physical_id("ExportsBucket"), Key="exports/x"
        )


def test_data_and_key_survive_a_restart(tmp_path: Path) -> None:
    settings = Settings(port=free_port(), data=tmp_path, key="clk_" + "a" * 24)
    with Installation(settings) as first, client(first.url, first.first_key()) as http:
        assert httpx.get(f"{first.url}/health").status_code == 503  # not announced yet
        assert http.post("/chats", json=CHAT).json()["inserted_count"] == 1
        assert http.post("/exports", json={"format": "archive"}).status_code in {201, 202}
    with Installation(settings) as second, client(second.url, second.first_key()) as http:
        assert http.get("/chats/kept").json()["messages"][0]["content"] == "Hello"
        assert http.post("/chats", json=CHAT).json()["inserted_count"] == 0
        assert [job["format"] for job in http.get("/exports").json()["exports"]] == ["archive"]
