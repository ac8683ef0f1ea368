"""What the steps of long jobs may not do, with the template's policies enforced."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.e2e.conftest import Deployment
from tests.e2e.test_local_deployment import as_function

ENTRY = "D#default#2026-10-01#00"


def key(kind: str) -> dict[str, Any]:
    return {"PK": {"S": kind}, "SK": {"S": "x"}}


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        *(("VerifyFunction", kind) for kind in ("J#default", ENTRY, "P#default")),
        *(("ClearFunction", kind) for kind in (ENTRY, "C#default#00", "H#default", "X#default")),
        *(("ReconcileFunction", kind) for kind in (ENTRY, "H#default", "X#default")),
        *(("FinishFunction", kind) for kind in (ENTRY, "X#default")),
        *(("WritePartFunction", kind) for kind in (ENTRY, "J#default", "S#default#00")),
        *(("UndoPartFunction", kind) for kind in ("S#default#00", "J#default", "H#default")),
        *(("ImportFileFunction", kind) for kind in ("J#default", "X#default", "K#h#x")),
        *(("EndedFunction", kind) for kind in (ENTRY, "X#default")),
        *(("SweepFunction", kind) for kind in (ENTRY, "H#default")),
        *(("AcknowledgeFunction", kind) for kind in (ENTRY, "R#default")),
        *(("UndoFunction", kind) for kind in (ENTRY, "C#default#00")),
        *(("HoldsFunction", kind) for kind in (ENTRY, "J#default")),
        *(("ImportsFunction", kind) for kind in (ENTRY, "J#default")),
        *(("ImportUploadedFunction", kind) for kind in (ENTRY, "J#default")),
    ],
)
def test_a_function_may_not_put(deployment: Deployment, function: str, kind: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "dynamodb").put_item(
            TableName=deployment.physical_id("Table"), Item=key(kind)
        )


@pytest.mark.parametrize(
    ("function", "kind"),
    [
        ("VerifyFunction", ENTRY),
        ("VerifyFunction", "J#default"),
        ("ReconcileFunction", ENTRY),
        ("EndedFunction", ENTRY),
        ("SweepFunction", ENTRY),
        ("ClearFunction", "C#default#00"),
        ("WritePartFunction", ENTRY),
        ("UndoPartFunction", "C#default#00"),
    ],
)
def test_a_function_may_not_update(deployment: Deployment, function: str, kind: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "dynamodb").update_item(
            TableName=deployment.physical_id("Table"),
            Key=key(kind),
            UpdateExpression="SET w = :w",
            ExpressionAttributeValues={":w": {"B": b"forbidden"}},
        )


@pytest.mark.parametrize(
    "function",
    [
        *("PlanFunction", "WritePartFunction", "FinishFunction", "VerifyFunction"),
        *("ClearFunction", "ReconcileFunction", "UndoPartFunction", "ImportFileFunction"),
        *("RestoreFinishFunction", "EndedFunction"),
    ],
)
def test_no_step_deletes(deployment: Deployment, function: str) -> None:
    for kind in (ENTRY, "C#default#00", "J#default"):
        with pytest.raises(ClientError, match="AccessDenied"):
            as_function(deployment, function, "dynamodb").delete_item(
                TableName=deployment.physical_id("Table"), Key=key(kind)
            )
    s3 = as_function(deployment, function, "s3")
    for bucket, name in (("ExportsBucket", "exports/x"), ("ArchiveBucket", "archives/x")):
        with pytest.raises(ClientError, match="AccessDenied"):
            s3.delete_object(Bucket=deployment.physical_id(bucket), Key=name)


@pytest.mark.parametrize(
    ("function", "bucket", "name"),
    [
        ("VerifyFunction", "ArchiveBucket", "archives/x"),
        ("VerifyFunction", "ExportsBucket", "exports/x"),
        ("ClearFunction", "ArchiveBucket", "archives/x"),
        ("ClearFunction", "ExportsBucket", "exports/x"),
        ("ReconcileFunction", "ArchiveBucket", "archives/x"),
        ("EndedFunction", "ArchiveBucket", "archives/x"),
        ("SweepFunction", "ArchiveBucket", "archives/x"),
        ("UndoPartFunction", "ArchiveBucket", "archives/x"),
        ("PlanFunction", "ArchiveBucket", "archives/x"),
        ("WritePartFunction", "ArchiveBucket", "exports/x"),
        ("ImportFileFunction", "ExportsBucket", "imports/x"),
        ("ImportsFunction", "ExportsBucket", "exports/x"),
        ("DocumentsFunction", "ArchiveBucket", "archives/x"),
        ("ExportFunction", "ArchiveBucket", "archives/x"),
    ],
)
def test_a_function_may_not_write_an_object(
    deployment: Deployment, function: str, bucket: str, name: str
) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "s3").put_object(
            Bucket=deployment.physical_id(bucket), Key=name, Body=b"forbidden"
        )


RECORD = "A#default"
RECORDING = ("KeysFunction", "HoldsFunction", "ReconcileFunction", "SweepFunction")


@pytest.mark.parametrize("function", [*RECORDING, "AuditFunction", "AnchorFunction"])
def test_nobody_changes_or_deletes_a_record(deployment: Deployment, function: str) -> None:
    client, table = as_function(deployment, function, "dynamodb"), deployment.physical_id("Table")
    place = {"PK": {"S": RECORD}, "SK": {"S": "000000000001"}}
    with pytest.raises(ClientError, match="AccessDenied"):
        client.delete_item(TableName=table, Key=place)
    with pytest.raises(ClientError, match="AccessDenied"):
        client.update_item(
            TableName=table,
            Key=place,
            UpdateExpression="SET #hash = :hash",
            ExpressionAttributeNames={"#hash": "hash"},
            ExpressionAttributeValues={":hash": {"S": "forbidden"}},
        )


@pytest.mark.parametrize(
    "function", ["AuditFunction", "AnchorFunction", "IngestFunction", "WritePartFunction"]
)
def test_who_records_nothing_puts_no_record(deployment: Deployment, function: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "dynamodb").put_item(
            TableName=deployment.physical_id("Table"), Item=key(RECORD)
        )


@pytest.mark.parametrize("function", [*RECORDING, "FinishFunction", "ExportDeleteFunction"])
def test_nobody_but_the_anchor_touches_anchors(deployment: Deployment, function: str) -> None:
    s3 = as_function(deployment, function, "s3")
    place = {"Bucket": deployment.physical_id("ArchiveBucket"), "Key": "anchors/default/x.json"}
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.put_object(**place, Body=b"forbidden")
    with pytest.raises(ClientError, match="AccessDenied"):
        s3.delete_object(**place)
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, "AnchorFunction", "s3").delete_object(**place)


@pytest.mark.parametrize(
    ("function", "machine"),
    [
        ("ExportFunction", "RestoreStateMachine"),
        ("UndoFunction", "ExportStateMachine"),
        ("EndedFunction", "ExportStateMachine"),
        ("ClearFunction", "ExportStateMachine"),
        ("ReadFunction", "ExportStateMachine"),
    ],
)
def test_a_function_may_not_start(deployment: Deployment, function: str, machine: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_function(deployment, function, "stepfunctions").start_execution(
            stateMachineArn=deployment.physical_id(machine), name="forbidden", input="{}"
        )
