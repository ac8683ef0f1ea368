"""An import's beginning: it is admitted, waits for its file, and starts when that has come.

The order is such that a repeat, or the sweeper, completes what a crash left.
"""

import msgspec

from chatledger.audit.record import SYSTEM, Actor
from chatledger.aws.states import StateMachine
from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.jobs import running
from chatledger.ledger.ledger import Ledger
from chatledger.models.imports import ImportRequest
from chatledger.restore import jobs as restores
from chatledger.restore.job import Job
from chatledger.restore.places import Uploaded

_ROUNDS = 5


def admit(
    ledger: Ledger,
    organization: str,
    request: ImportRequest,
    import_id: str,
    actor: Actor = SYSTEM,
) -> Job:
    """The import under this id: a new one, or the one that is there already."""
    now = ledger.now()
    running.enter(ledger.table, "restore", organization, import_id, now)
    job = Job(
        restore_id=import_id,
        organization=organization,
        kind="import",
        created_at=now,
        status="awaiting_upload",
        format=request.format,
        name=request.name,
    )
    try:
        return restores.save(ledger.table, job, actor)
    except ConditionFailed:
        return restores.find(ledger.table, organization, import_id)


def begin(ledger: Ledger, machine: StateMachine, uploaded: Uploaded) -> bool:
    """Starts the import whose file has come; False where there is none, or it was over before.

    Harmless to repeat: events come more than once, and so does a file that is uploaded again.
    """
    for _ in range(_ROUNDS):
        job = restores.load(ledger.table, uploaded.organization, uploaded.import_id)
        if not job or job.ended or job.kind != "import":
            return False
        try:
            if job.status == "awaiting_upload":
                queued = msgspec.structs.replace(job, status="queued")
                job = restores.save(ledger.table, queued)
        except ConditionFailed:
            continue  # Another event of the same file, or the sweeper.
        machine.start(job.execution, job.execution_input)
        return True
    raise StorageError
