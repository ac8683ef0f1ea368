"""The deployed product in this process: moto below, the template's routes above."""

from collections.abc import Iterator
from typing import Any

import boto3
import pytest

from chatledger.api import app
from chatledger.aws.secrets import secret
from chatledger.settings import settings
from tests.conftest import TABLE_NAME
from tests.fakes.gateway import Gateway

OPERATOR_KEY = "clk_operator_of_the_tests_0001"
_BUCKETS = {"EXPORTS_BUCKET": "chatledger-exports", "ARCHIVE_BUCKET": "chatledger-archive"}


def forget() -> None:
    """What a cold start would not know."""
    for kept in (app.ledger, settings, secret):
        kept.cache_clear()


@pytest.fixture
def deployed(dynamo_client: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Table, buckets, secret, and the environment that the template gives."""
    for bucket in _BUCKETS.values():
        boto3.client("s3").create_bucket(Bucket=bucket)
    boto3.client("secretsmanager").create_secret(Name="signing", SecretString="0123456789" * 6)
    for name, value in {
        **_BUCKETS,
        "TABLE_NAME": TABLE_NAME,
        "LEDGER_SHARDS": "16",
        "SIGNING_SECRET": "signing",
        "ALLOW_ANONYMOUS": "false",
        "WEBSOCKET_URL": "",
        "POWERTOOLS_SERVICE_NAME": "tests",
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    yield
    forget()


@pytest.fixture
def gateway(deployed: None) -> Gateway:
    """The API, with the first operator's key, which is of the organization ``default``."""
    from functions.bootstrap.app import lambda_handler

    lambda_handler({"key": OPERATOR_KEY}, None)
    return Gateway(OPERATOR_KEY)
