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
# are then exported as CSV. Only what is anonymized comes here, said so or by default.
_ELSE = {"format", "anonymize", "compression", "name", "clear", "clear_on", "dry_run", "training"}


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


def taken(ledger: Ledger, organization: str, request: ExportRequest, export_id: str) -> str | None:
    """The id that a preview promised; None where none did, or another export has taken it.

    Once taken it is this export's alone: who died before its job was there gets it again.
    """
    place, now = _place(organization, request), int(ledger.now().timestamp())
    for _ in range(_ROUNDS):
        item = ledger.table.get(place)
        if item and item.get("taken_by") == export_id:
            return wire.text(item, "taken")
        if not (there := _promised_in(item, now)):
            return None
        try:
            ledger.table.put(_taken(place, there, export_id, now), Equals("id", there))
        except ConditionFailed:
            continue  # Another export's by now, or this one's, told twice.
        return there
    raise StorageError


def _standing(ledger: Ledger, place: Key, now: int) -> str | None:
    return _promised_in(ledger.table.get(place), now)


def _promised_in(item: Item | None, now: int) -> str | None:
    return wire.text(item, "id") if item and wire.number(item, "expires") > now else None


def _item(place: Key, promised: str, expires: int) -> Item:
    return {"PK": place.pk, "SK": place.sk, "id": promised, "expires": expires, "ttl": expires}


def _taken(place: Key, promised: str, export_id: str, now: int) -> Item:
    """It has no ``id`` any more, which of two exports at once only one can take away."""
    told = {"taken": promised, "taken_by": export_id}
    return {"PK": place.pk, "SK": place.sk, **told, "expires": now - 1, "ttl": now + KEPT_SECONDS}


def _place(organization: str, request: ExportRequest) -> Key:
    asked = request.model_dump_json(exclude=_ELSE)
    return keys.claim(organization, "preview", hashlib.sha256(asked.encode()).hexdigest())
