"""The deployed product in this process: storage below, the template's routes above."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import boto3
import pytest

from chatledger.api import app, tokens
from chatledger.aws import clients, kms, secrets
from chatledger.settings import settings
from functions.bootstrap import app as bootstrap
from tests.conftest import TABLE_NAME, table_schema
from tests.fakes.gateway import Gateway
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_signer import MemorySigner
from tests.fakes.memory_states import MemoryStates
from tests.fakes.memory_table import MemoryTable

OPERATOR_KEY = "clk_operator_of_the_tests_0001"
_BUCKETS = {"EXPORTS_BUCKET": "chatledger-exports", "ARCHIVE_BUCKET": "chatledger-archive"}
_MACHINES = {"EXPORT_STATE_MACHINE": "machine of exports", "RESTORE_STATE_MACHINE": "of restores"}
_clients: dict[str, Any] = {}
_schema = cache(table_schema)


def forget() -> None:
    """What a cold start would not know."""
    places = (app.ledger, app.exports_bucket, app.archive_bucket)
    machines = (app.export_machine, app.restore_machine)
    keys = (app.signer, kms._public_key)
    for kept in (*places, *machines, *keys, settings, secrets.secret):
        kept.cache_clear()


def _client(service: str, config: Any = None) -> Any:
    """A client costs more than all that a test sends through it; one lasts for all tests.

    Not so the table's: the ledger's way of reading pages is hooked into it.
    """
    make: Any = boto3.client
    if service == "dynamodb":
        return make(service, config=config)
    return _clients.get(service) or _clients.setdefault(service, make(service, config=config))


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """What the template gives to a function."""
    for name, value in {
        **_BUCKETS,
        **_MACHINES,
        "TABLE_NAME": TABLE_NAME,
        "LEDGER_SHARDS": "16",
        "SIGNING_SECRET": "signing",
        "SIGNING_KEY": "alias/signing",
        "PSEUDONYM_SECRET": "pseudonyms",
        "ALLOW_ANONYMOUS": "false",
        "WEBSOCKET_URL": "",
        "POWERTOOLS_SERVICE_NAME": "tests",
    }.items():
        monkeypatch.setenv(name, value)
    forget()
    yield
    forget()


@pytest.fixture
def deployed(aws: None, environment: None, monkeypatch: pytest.MonkeyPatch) -> None:
    """Table, buckets and secret on moto; the product is as it is, but clients last."""
    monkeypatch.setattr(clients, "client", _client)
    _client("dynamodb").create_table(
        TableName=TABLE_NAME, BillingMode="PAY_PER_REQUEST", **_schema()
    )
    for bucket in _BUCKETS.values():
        _client("s3").create_bucket(Bucket=bucket)
    _client("s3").put_bucket_versioning(
        Bucket=_BUCKETS["ARCHIVE_BUCKET"], VersioningConfiguration={"Status": "Enabled"}
    )
    for name in ("signing", "pseudonyms"):
        _client("secretsmanager").create_secret(Name=name, SecretString="0123456789" * 6)
    made = _client("kms").create_key(KeySpec="ECC_NIST_P256", KeyUsage="SIGN_VERIFY")
    _client("kms").create_alias(AliasName="alias/signing", TargetKeyId=made["KeyMetadata"]["KeyId"])


@pytest.fixture
def aws_gateway(deployed: None) -> Gateway:
    """The API on moto, with the first operator's key, of the organization ``default``."""
    return _with_first_key()


@dataclass(frozen=True)
class Below:
    """What the gateway's functions stand on."""

    table: MemoryTable
    exports: MemoryBucket
    archive: MemoryBucket
    export_machine: MemoryStates
    restore_machine: MemoryStates


@pytest.fixture
def below() -> Below:
    """Nothing runs what the state machines are told to start; a test runs the steps itself."""
    exports = MemoryBucket(_BUCKETS["EXPORTS_BUCKET"])
    archive = MemoryBucket(_BUCKETS["ARCHIVE_BUCKET"], versioned=True)
    return Below(MemoryTable(), exports, archive, MemoryStates(), MemoryStates())


@pytest.fixture
def gateway(environment: None, below: Below, monkeypatch: pytest.MonkeyPatch) -> Gateway:
    """The same on a table, buckets and state machines in memory, which answer at once."""
    buckets = {bucket.name: bucket for bucket in (below.exports, below.archive)}
    machines = dict(
        zip(_MACHINES.values(), (below.export_machine, below.restore_machine), strict=True)
    )
    monkeypatch.setattr(app, "DynamoTable", lambda _: below.table)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(app, "S3Bucket", buckets.__getitem__)
    monkeypatch.setattr(app, "StepFunctions", machines.__getitem__)
    monkeypatch.setattr(app, "KmsSigner", lambda _: MemorySigner())  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(app, "secret", lambda _: b"pseudonyms" * 6)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    monkeypatch.setattr(tokens, "secret", lambda _: b"0123456789" * 6)  # pyright: ignore[reportUnknownArgumentType, reportUnknownLambdaType]
    return _with_first_key()


def _with_first_key() -> Gateway:
    bootstrap.lambda_handler({"key": OPERATOR_KEY}, None)
    return Gateway(OPERATOR_KEY)
