"""Links that are given out are recorded first: who got them, and to what."""

from collections.abc import Iterable, Mapping

from chatledger.audit import chain
from chatledger.audit.record import Actor, Event
from chatledger.ledger.ledger import Ledger


def record_given(
    ledger: Ledger,
    organization: str,
    actor: Actor,
    subject: Mapping[str, str],
    counts: Mapping[str, int],
    told: Iterable[str],
) -> None:
    """Before the answer leaves. Raises ``StorageError``: then it may not leave.

    Who asks again and again while a link lives is recorded once in a clock quarter hour: for the
    same things, as ``told`` names them.
    """
    now = ledger.now()
    event = Event(
        action="links.given", at=now, actor=actor, subject=dict(subject), counts=dict(counts)
    )
    quarter = f"{now:%Y-%m-%dT%H}:{now.minute // 15 * 15:02}"
    once = chain.name_of("links", actor.key_id or actor.role, quarter, *told)
    chain.append_once(ledger.table, organization, event, once)
