"""Live progress: each part of a job says how far it is; the item is a look, never a truth."""

from chatledger.aws import wire
from chatledger.aws.table import Table, Update
from chatledger.ledger import keys

Figures = tuple[int, ...]


def report(table: Table, organization: str, job_id: str, part: int, figures: Figures) -> None:
    """Says how far a part is. Replaces what it said before, so repeating is harmless."""
    key = keys.progress(organization, job_id)
    table.update(Update(key, put={f"p{part}": " ".join(map(str, figures))}))


def reported(table: Table, organization: str, job_id: str) -> dict[int, Figures]:
    """The figures of every part that has said anything."""
    item = table.get(keys.progress(organization, job_id)) or {}
    return {
        int(name[1:]): tuple(map(int, wire.text(item, name).split()))
        for name in item
        if name.startswith("p") and name[1:].isdecimal()
    }
