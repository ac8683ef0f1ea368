"""Secrets Manager: secrets that a function reads once and keeps."""

from functools import cache

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients
from chatledger.aws.dynamodb import CONFIG
from chatledger.errors import StorageError


@cache
def secret(name: str) -> bytes:
    """The secret's text as bytes; raises ``StorageError`` where it does not answer."""
    try:
        return (
            clients.client("secretsmanager", CONFIG)
            .get_secret_value(SecretId=name)["SecretString"]
            .encode()
        )
    except (ClientError, HTTPClientError, UnreachableError) as error:
        raise StorageError from error
