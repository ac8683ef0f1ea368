"""KMS: the key that signs manifests. Its private half never leaves the service."""

from functools import cache
from typing import Any, Protocol

from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients
from chatledger.aws.dynamodb import CONFIG
from chatledger.errors import StorageError

ALGORITHM = "ECDSA_SHA_256"
_INVALID = "KMSInvalidSignatureException"
# It may answer with these for a while; what is asked for can be repeated.
_BUSY = {"ThrottlingException", "KMSInternalException", "DependencyTimeoutException"}


class Signer(Protocol):
    """A key pair on the curve P-256. Each call may raise ``StorageError``.

    ``digest`` is SHA-256, 32 bytes; a signature is ASN.1 DER, as ``ALGORITHM`` says; the public
    key is DER too, a SubjectPublicKeyInfo.
    """

    def sign(self, digest: bytes) -> bytes: ...
    def is_signed(self, digest: bytes, signature: bytes) -> bool: ...
    def public_key(self) -> bytes: ...


class KmsSigner:
    """The real key, by the id or ARN that the template gives."""

    def __init__(self, key_id: str) -> None:
        self._key_id = key_id
        self._client: Any = clients.client("kms", CONFIG)

    def sign(self, digest: bytes) -> bytes:
        answer = self._call("sign", **_of(digest))
        return answer["Signature"]

    def is_signed(self, digest: bytes, signature: bytes) -> bool:
        try:
            answer = self._call("verify", **_of(digest), Signature=signature)
        except ClientError as error:
            if error.response.get("Error", {}).get("Code") == _INVALID:
                return False
            raise
        return bool(answer["SignatureValid"])

    def public_key(self) -> bytes:
        return _public_key(self._key_id)

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        return _call(self._client, operation, KeyId=self._key_id, **request)


@cache
def _public_key(key_id: str) -> bytes:
    """A key never changes its public half, so it is asked for once."""
    answer = _call(clients.client("kms", CONFIG), "get_public_key", KeyId=key_id)
    return answer["PublicKey"]


def _of(digest: bytes) -> dict[str, Any]:
    return {"Message": digest, "MessageType": "DIGEST", "SigningAlgorithm": ALGORITHM}


def _call(client: Any, operation: str, **request: Any) -> dict[str, Any]:
    try:
        return getattr(client, operation)(**request)
    except ClientError as error:
        if error.response.get("Error", {}).get("Code") in _BUSY:
            raise StorageError from error
        raise
    except (HTTPClientError, UnreachableError) as error:
        raise StorageError from error
