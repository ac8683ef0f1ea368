"""A promise: the people of a preview bear the same pseudonyms in the export that follows it.

Pseudonyms are made under an id of each export's own. A preview makes that id beforehand and keeps
it for the next export of the same conversations, which takes it: no second export gets it.
"""

import hashlib

from chatledger.aws import wire
from chatledger.aws.table import AbsentOrPast, ConditionFailed, Equals, Key
from chatledger.aws.wire import Item
from chatledger.errors import StorageError
from chatledger.identifiers import new_ulid
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from chatledger.models.exports import ExportRequest

KEPT_SECONDS = 24 * 3600
_ROUNDS = 3
# What does not say which conversations there are, nor whose: a preview may show them as JSON that
# are then exported as CSV.
_ELSE = {"format", "compression", "name", "clear", "clear_on", "dry_run", "training"}


def promised(ledger: Ledger, organization: str, request: ExportRequest) -> str:
    """The id for pseudonyms that the next export of these conversations will take."""
    place, now = _place(organization, request), int(ledger.now().timestamp())
    for _ in range(_ROUNDS):
        made = new_ulid()
        try:
            ledger.table.put(_item(place, made, now + KEPT_SECONDS), AbsentOrPast("expires", now))
        except ConditionFailed:
            if there := _standing(ledger, place, now):
                return there
        else:
            return made
    raise StorageError


def taken(ledger: Ledger, organization: str, request: ExportRequest) -> str | None:
    """The id that a preview promised, which nobody gets after this; None where none did."""
    place, now = _place(organization, request), int(ledger.now().timestamp())
    if not (there := _standing(ledger, place, now)):
        return None
    try:
        ledger.table.put(_item(place, there, now - 1), Equals("id", there))
    except ConditionFailed:
        return None  # Another preview's by now.
    return there


def _standing(ledger: Ledger, place: Key, now: int) -> str | None:
    item = ledger.table.get(place)
    return wire.text(item, "id") if item and wire.number(item, "expires") > now else None


def _item(place: Key, promised: str, expires: int) -> Item:
    return {"PK": place.pk, "SK": place.sk, "id": promised, "expires": expires, "ttl": expires}


def _place(organization: str, request: ExportRequest) -> Key:
    asked = request.model_dump_json(exclude=_ELSE)
    return keys.claim(organization, "preview", hashlib.sha256(asked.encode()).hexdigest())
