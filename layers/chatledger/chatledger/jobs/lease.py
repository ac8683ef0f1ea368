"""The lease: one clear or undo at a time in an organization.

Nobody gives it back: it is free as soon as its holder has ended, so a crash cannot keep it.
"""

from collections.abc import Callable

from chatledger.aws import wire
from chatledger.aws.table import Absent, Condition, ConditionFailed, Equals, Table
from chatledger.errors import Conflict
from chatledger.identifiers import new_token
from chatledger.ledger import keys

_ROUNDS = 5


def take(table: Table, organization: str, holder: str, has_ended: Callable[[str], bool]) -> None:
    """Makes the job its holder; harmless to repeat. ``has_ended`` is asked of another holder.

    Repeating writes too: whoever looked before this job was there cannot take it any more.

    Raises ``Conflict`` while another holds it.
    """
    key = keys.lease(organization)
    for round_ in range(_ROUNDS):
        item = table.get(key)
        held_by = wire.text(item, "holder") if item else None
        if held_by == holder and round_:
            return  # Written just now, by us or by a repeat of ours.
        if held_by not in {None, holder} and not has_ended(str(held_by)):
            raise Conflict(
                f"{held_by} is clearing or undoing here, and one does so at a time. "
                "Repeat when it has ended."
            )
        when: Condition = Equals("w", wire.binary(item, "w")) if item else Absent()
        try:
            table.put({"PK": key.pk, "SK": key.sk, "holder": holder, "w": new_token()}, when)
        except ConditionFailed:
            continue  # Somebody took it meanwhile: look who.
        return
    raise Conflict("Several clears begin here at once. Repeat in a second.")


def holder(table: Table, organization: str) -> str | None:
    item = table.get(keys.lease(organization))
    return wire.text(item, "holder") if item else None
