"""What an export's audit trail says of it: facts that the job itself shows.

Each is recorded in the transaction that makes it true, whoever does: none can be forgotten.
"""

from collections.abc import Iterator

import msgspec

from chatledger.audit.record import SYSTEM, Actor, Event
from chatledger.export.job import Job


def new_facts(job: Job, actor: Actor) -> list[Event]:
    """Those that no record says yet."""
    return [each for each in _facts(job, actor) if each.action not in job.recorded]


def _facts(job: Job, actor: Actor) -> Iterator[Event]:
    subject, clear = {"export_id": job.export_id}, job.clear
    if job.token is None:
        yield Event(
            action="export.admitted",
            at=job.created_at,
            actor=actor,
            subject={**subject, **_asked(job)},
        )
    if clear and clear.acknowledged_at:
        yield Event(
            action="clear.acknowledged", at=clear.acknowledged_at, actor=actor, subject=subject
        )
    if clear and clear.began_at:
        yield Event(action="clear.began", at=clear.began_at, subject=subject)
        if job.ended:
            yield Event(
                action="clear.ended",
                at=job.finished_at or job.created_at,
                subject={**subject, "status": clear.status},
                counts=msgspec.to_builtins(clear.receipt) if clear.receipt else {},
            )
    if job.ended:
        yield Event(
            action="export.ended",
            at=job.finished_at or job.created_at,
            actor=actor if job.status == "cancelled" else SYSTEM,
            subject={**subject, "status": job.status},
            counts=msgspec.to_builtins(job.counts) if job.counts else {},
        )
    if job.files_removed_at:
        yield Event(action="export.deleted", at=job.files_removed_at, actor=actor, subject=subject)


def _asked(job: Job) -> dict[str, str]:
    """Of the request what tells how far it goes, and nothing that names anybody."""
    request = job.request
    asked = {"format": str(request.get("format"))}
    if job.is_of_documents:
        asked["dataset"] = "documents"
    if "anonymize" in request:
        asked["anonymize"] = str(bool(request["anonymize"])).lower()
    if job.clear:
        asked["clear_on"] = job.clear.on
    return asked
