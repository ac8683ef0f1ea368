"""What the tests share: AWS in memory, with the table as ``template.yaml`` describes it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
import yaml
from hypothesis import settings
from moto import mock_aws

from chatledger.audit import chain
from chatledger.aws.dynamodb import CONFIG, DynamoTable
from tests.fakes.serial_client import SerialClient

TABLE_NAME = "chatledger-test"
_TEMPLATE = Path(__file__).parent.parent / "template.yaml"
_KEYS_ONLY: dict[str, Any] = {
    "AttributeDefinitions": [
        {"AttributeName": "PK", "AttributeType": "S"},
        {"AttributeName": "SK", "AttributeType": "S"},
    ],
    "KeySchema": [
        {"AttributeName": "PK", "KeyType": "HASH"},
        {"AttributeName": "SK", "KeyType": "RANGE"},
    ],
}
_SCHEMA = ("AttributeDefinitions", "KeySchema", "GlobalSecondaryIndexes", "LocalSecondaryIndexes")

settings.register_profile("short", max_examples=80, deadline=None, derandomize=True)
settings.register_profile("long", max_examples=2_000, deadline=None)
settings.load_profile("short")


class _TemplateLoader(yaml.SafeLoader):
    """Reads a template without its tags: ``!Ref Name`` becomes ``"Name"``."""


def _without_tag(loader: yaml.SafeLoader, _: str, node: yaml.Node) -> Any:
    if isinstance(node, yaml.ScalarNode):
        return loader.construct_scalar(node)
    if isinstance(node, yaml.SequenceNode):
        return loader.construct_sequence(node, deep=True)
    assert isinstance(node, yaml.MappingNode)
    return loader.construct_mapping(node, deep=True)


_TemplateLoader.add_multi_constructor("!", _without_tag)


def load_template() -> dict[str, Any]:
    """The template's text as plain values; its functions (``!Sub`` …) stay unresolved."""
    return yaml.load(_TEMPLATE.read_text(), Loader=_TemplateLoader)  # noqa: S506


def table_schema() -> dict[str, Any]:
    """The keys and indexes of the template's own table."""
    if not _TEMPLATE.exists():
        return _KEYS_ONLY
    (table,) = (
        resource["Properties"]
        for resource in load_template()["Resources"].values()
        if resource["Type"] == "AWS::DynamoDB::Table"
    )
    return {name: table[name] for name in _SCHEMA if name in table}


@pytest.fixture(autouse=True)
def no_pause_of_the_audit_trail(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever records waits a little before a repeat; tests do not."""
    monkeypatch.setattr(chain, "sleep", lambda _: None)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """AWS in memory: whatever boto3 makes inside never leaves the process."""
    for name, value in {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_SESSION_TOKEN": "testing",
        "AWS_DEFAULT_REGION": "us-east-1",
    }.items():
        monkeypatch.setenv(name, value)
    for name in ("AWS_PROFILE", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    with mock_aws():
        yield


@pytest.fixture
def dynamo_client(aws: None) -> Any:
    """A client with the product's own settings, and the template's table made."""
    client = boto3.client("dynamodb", config=CONFIG)
    client.create_table(TableName=TABLE_NAME, BillingMode="PAY_PER_REQUEST", **table_schema())
    return client


@pytest.fixture
def dynamo_table(dynamo_client: Any) -> DynamoTable:
    return DynamoTable(TABLE_NAME, SerialClient(dynamo_client))
