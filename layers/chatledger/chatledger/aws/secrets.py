"""Secrets Manager: secrets that a function reads once and keeps."""

from functools import cache
from typing import Any

from botocore.exceptions import ConnectionError as UnreachableError
from botocore.exceptions import HTTPClientError

from chatledger.aws import clients
from chatledger.aws.dynamodb import CONFIG
from chatledger.errors import StorageError


@cache
def secret(name: str) -> bytes:
    """The secret's text as bytes; raises ``StorageError`` where nobody answers."""
    client = clients.client("secretsmanager", CONFIG)
    try:
        answer: dict[str, Any] = client.get_secret_value(SecretId=name)
    except (HTTPClientError, UnreachableError) as error:
        raise StorageError from error
    return answer["SecretString"].encode()
