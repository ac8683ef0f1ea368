"""Idempotency: what the first request under a key decided, its repeats get again."""

import msgspec

from chatledger.aws import wire
from chatledger.aws.table import AbsentOrPast, ConditionFailed
from chatledger.aws.wire import Item
from chatledger.errors import IdempotencyMismatch, InvalidRequest, StorageError
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger

KEPT_SECONDS = 24 * 3600
_MAX_KEY = 255
_ROUNDS = 3


def check_key(key: str) -> str:
    """1 to 255 visible ASCII characters; raises ``InvalidRequest``."""
    if 1 <= len(key) <= _MAX_KEY and all("!" <= character <= "~" for character in key):
        return key
    raise InvalidRequest(
        f"Idempotency-Key must be 1 to {_MAX_KEY} visible ASCII characters; a UUID is good."
    )


def claim(
    ledger: Ledger,
    organization: str,
    route: str,
    idempotency_key: str,
    body_digest: str,
    values: dict[str, str],
) -> dict[str, str]:
    """Keeps these values for 24 hours under the key, or answers those kept by an earlier claim.

    Raises ``IdempotencyMismatch`` where the earlier claim was made with another body.
    """
    place = keys.claim(organization, route, idempotency_key)
    for _ in range(_ROUNDS):
        now = int(ledger.now().timestamp())
        item: Item = {
            "PK": place.pk,
            "SK": place.sk,
            "body": body_digest,
            "values": msgspec.json.encode(values),
            "expires": now + KEPT_SECONDS,
            "ttl": now + KEPT_SECONDS,
        }
        try:
            ledger.table.put(item, AbsentOrPast("expires", now))
        except ConditionFailed:
            # Its time may run out between the two requests; then it is there to be claimed.
            if there := ledger.table.get(place):
                return _values(there, body_digest)
        else:
            return values
    raise StorageError


def _values(item: Item, body_digest: str) -> dict[str, str]:
    if item["body"] != body_digest:
        raise IdempotencyMismatch(
            "This Idempotency-Key was used with another body in the last 24 hours. "
            "Repeat that body, or use a new key for a new request."
        )
    return msgspec.json.decode(wire.binary(item, "values"), type=dict[str, str])
