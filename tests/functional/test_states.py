"""Executions are started once by their name, and asked how they stand."""

import json
from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse

from chatledger.aws.states import CONFIG, StepFunctions
from chatledger.errors import StorageError
from tests.fakes.dynamo_answers import answer

DEFINITION = {"StartAt": "Pass", "States": {"Pass": {"Type": "Pass", "End": True}}}
ROLE = "arn:aws:iam::123456789012:role/any"


@pytest.fixture
def machine(aws: None) -> StepFunctions:
    client: Any = boto3.client("stepfunctions", config=CONFIG)
    made = client.create_state_machine(
        name="export", definition=json.dumps(DEFINITION), roleArn=ROLE
    )
    return StepFunctions(made["stateMachineArn"], client)


def test_a_name_is_started_once(machine: StepFunctions):
    machine.start("E1", {"export_id": "E1"})
    machine.start("E1", {"export_id": "E1"})
    found = machine.client.list_executions(stateMachineArn=machine.arn)["executions"]
    assert [each["name"] for each in found] == ["E1"]


def test_how_it_stands(machine: StepFunctions):
    assert machine.status("E1") is None
    machine.start("E1", {})
    assert machine.status("E1") == "RUNNING"
    name = machine.arn.replace(":stateMachine:", ":execution:") + ":E1"
    machine.client.stop_execution(executionArn=name)
    assert machine.status("E1") == "ABORTED"


@pytest.mark.parametrize("code", ["ThrottlingException", "ExecutionLimitExceeded"])
def test_a_busy_service_is_a_storage_error(machine: StepFunctions, code: str):
    busy = answer(400, code)

    def hook(**about: Any) -> AWSResponse:
        return busy(**about)

    machine.client.meta.events.register_first("before-send.sfn", hook)
    with pytest.raises(StorageError):
        machine.start("E1", {})
