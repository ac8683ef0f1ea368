"""What the audit trail says of an undo or an import: facts that the job itself shows.

As of an export, each is recorded in the transaction that makes it true.
"""

from collections.abc import Iterator

import msgspec

from chatledger.audit.record import Action, Actor, Event
from chatledger.restore.job import Job

_ACTIONS: dict[str, tuple[Action, Action]] = {
    "undo": ("undo.admitted", "undo.ended"),
    "import": ("import.admitted", "import.ended"),
}


def new_facts(job: Job, actor: Actor) -> list[Event]:
    """Those that no record says yet; an undo that is begun anew has records of its own."""
    return [each for each in _facts(job, actor) if each.action not in job.recorded]


def _facts(job: Job, actor: Actor) -> Iterator[Event]:
    admitted, ended = _ACTIONS[job.kind]
    subject = {"restore_id": job.restore_id}
    if job.export_id:
        subject["export_id"] = job.export_id
    if job.status == ("queued" if job.kind == "undo" else "awaiting_upload"):
        at = job.asked_at or job.created_at
        yield Event(action=admitted, at=at, actor=actor, subject=subject)
    if job.ended:
        yield Event(
            action=ended,
            at=job.finished_at or job.created_at,
            subject={**subject, "status": job.status},
            counts=msgspec.to_builtins(job.counts),
        )
