"""The matrix: every call of every operation, hit by every fault, and what became of it."""

import os
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from chatledger.export.job import Job
from chatledger.jobs.ended import Ended
from tests.fakes.deployment import Deployment, State
from tests.fakes.faults import Crashed, Fault, at
from tests.functional.faults import oracle
from tests.functional.faults.operations import GATEWAY, Operation

# The whole matrix, or every so-and-so-many-th of its points.
EVERY = int(os.environ.get("FAULTS_EVERY", "7"))
FAULTS = {
    "dies before": Fault.DIED,
    "refused, busy": Fault.BUSY,
    "timed out": Fault.TIMED_OUT,
    "reply lost": Fault.LOST,
    "sent twice": Fault.TWICE,
    "dies after": Fault.CRASH,
    "late, after the undo": Fault.DELAYED,
}
RUN_TWICE, RUN_AGAIN = "run twice", "run again after the undo"
COLUMNS = (*FAULTS, RUN_TWICE, RUN_AGAIN)


@dataclass(frozen=True)
class Clean:
    """An operation without faults: where it begins, its calls, and what it comes to."""

    state: State
    calls: int
    outcome: str
    accepted: oracle.Revisions


_clean: dict[str, Clean] = {}
# What became of every point that this process has tried, by operation and column.
tried: dict[tuple[str, str], list[str]] = {}
AS_WITHOUT = "as without it"


def clean(deployment: Deployment, operation: Operation) -> Clean:
    """Recorded once in a process."""
    if operation.name not in _clean:
        operation.before(deployment)
        state = deployment.state()
        deployment.go_back(state)
        deployment.hit(operation.target, lambda _: None)
        operation.act(deployment)
        deployment.settle()
        assert not deployment.target, f"{operation.name} never came to {operation.target}"
        found = oracle.account(deployment)
        accepted = oracle.live(found) | oracle.cleared(found)
        calls = deployment.hit_calls
        _clean[operation.name] = Clean(state, calls, outcome(deployment), accepted)
    return _clean[operation.name]


def points(operation: Operation, column: str, calls: int) -> list[int]:
    """The calls that are hit; 0 where it is the whole step that runs twice."""
    if column not in FAULTS:
        return [0]
    # A start of its own for each row and column, so that the sample spreads over all of them.
    start = sum(map(ord, operation.name + column)) % EVERY
    return [*range(start + 1, calls + 1, EVERY)] or [min(start, calls - 1) + 1]


def strike(deployment: Deployment, operation: Operation, column: str, point: int) -> str:
    """One fault at one call, and all that follows; answers what it came to before any undo."""
    expected = clean(deployment, operation)
    deployment.go_back(expected.state)
    plan = at({point: FAULTS[column]} if point else {})
    deployment.hit(operation.target, plan, runs_twice=column == RUN_TWICE)
    operation.act(deployment)
    deployment.settle()
    assert len(deployment.faults.hits) == (point > 0), "the fault did not come to it"
    accepted = expected.accepted
    oracle.check(deployment, accepted)
    said = outcome(deployment)
    documents = oracle.documents_of(deployment)
    _undo(deployment)
    _late(deployment, again=column == RUN_AGAIN)
    found = oracle.check(deployment, accepted)
    assert oracle.documents_of(deployment) == documents, "a document changed"
    if any(job.clear and job.clear.status == "undone" for job in oracle.jobs_of(deployment)):
        assert oracle.live(found) == accepted, "an undo did not stick"
    _check_index(deployment)
    said = AS_WITHOUT if said == expected.outcome else said
    tried.setdefault((operation.name, column), []).append(said)
    return said


def _undo(deployment: Deployment) -> None:
    for job in oracle.jobs_of(deployment):
        if job.clear and job.clear.has_begun and job.clear.status != "undone":
            reply = GATEWAY.post(f"/exports/{job.export_id}/undo", None)
            assert reply.status in {200, 202}, reply.text
            deployment.settle()


def _late(deployment: Deployment, *, again: bool) -> None:
    """What was under way all the time arrives."""
    deployment.faults.release()
    if again and deployment.again:
        with suppress(Ended, Crashed, Exception):
            deployment.again()
    deployment.settle()


def _check_index(deployment: Deployment) -> None:
    """Once all have ended, the index of running jobs is empty (I10)."""
    deployment.clock.go_on(hours=2)
    deployment.start_cold()
    deployment.step("sweep", {})
    assert not deployment.table.keys_of_kind("Q#jobs"), "still in the index"


def outcome(deployment: Deployment) -> str:
    """How all jobs ended."""
    said: list[str] = []
    for job in oracle.jobs_of(deployment):
        clear = job.clear
        receipt = clear.receipt if clear else None
        counts = f", {receipt.cleared} cleared, {receipt.retained_held} held" if receipt else ""
        said.append(f"export {job.status}{counts}{_undone(clear)}{_of_more(job)}")
    for key in deployment.table.keys_of_kind("R"):
        told: dict[str, Any] = deployment.job(key)
        said.append(f"{told['kind']} {told['status']}, {told['counts']['restored']} restored")
    said += [f"document {text!r}" for text in oracle.documents_of(deployment)]
    if replaced := oracle.on_record(deployment, "document.replaced"):
        said.append(f"{replaced} replaced on record")
    return "; ".join(_counted(said)) or "no job"


def _of_more(job: Job) -> str:
    """How many documents, and whether people are called as its preview called them."""
    documents = f", {job.counts.documents} documents" if job.counts and job.counts.documents else ""
    return documents + (", as previewed" if job.pseudonyms_of else "")


def _counted(said: list[str]) -> list[str]:
    """What is said several times, once."""
    counts = Counter(said)
    return [f"{each}, {count} times" if count > 1 else each for each, count in counts.items()]


def _undone(clear: Any) -> str:
    return f", {clear.status}" if clear and clear.status in {"undone", "incomplete"} else ""
