"""Page tokens: opaque to callers, signed, and good for one purpose in one organization."""

import binascii
import hmac
from base64 import urlsafe_b64decode, urlsafe_b64encode
from typing import Any

import msgspec

from chatledger.aws.secrets import secret
from chatledger.errors import InvalidCursor, StorageError
from chatledger.settings import settings

_MAC_BYTES = 32
_BAD = "The cursor is not one that was given out for this. Start without a cursor."


def seal(purpose: str, organization: str, payload: dict[str, Any]) -> str:
    """A token that ``unseal`` takes back for the same purpose and organization."""
    body = msgspec.json.encode(payload)
    return _text(_mac(purpose, organization, body) + body)


def unseal(purpose: str, organization: str, token: str) -> dict[str, Any]:
    """Raises ``InvalidCursor`` for anything but an unchanged token of this purpose."""
    try:
        data = urlsafe_b64decode(token.encode("ascii") + b"=" * (-len(token) % 4))
    except (binascii.Error, ValueError):
        raise InvalidCursor(_BAD) from None
    mac, body = data[:_MAC_BYTES], data[_MAC_BYTES:]
    # Base64 has spellings that decode to the same bytes; only ours is taken.
    same = hmac.compare_digest(mac, _mac(purpose, organization, body)) and _text(data) == token
    if not same:
        raise InvalidCursor(_BAD)
    return msgspec.json.decode(body, type=dict[str, Any])


def _text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _mac(purpose: str, organization: str, body: bytes) -> bytes:
    key = secret(settings().signing_secret)
    if not key:
        raise StorageError("The signing secret is empty.")
    bound = msgspec.json.encode([purpose, organization])
    return hmac.digest(key, bound + b"\n" + body, "sha256")
