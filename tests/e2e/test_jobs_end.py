"""Jobs whose execution is stopped, and functions that are killed: all end, and nothing is lost."""

import gzip
import json
import os
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import ENDED, checked, finished, job, organization, undone, until

STATES = ("Plan", "WritePart", "Finish", "Verify", "Clear", "Reconcile")
BEGUN = {"Clear", "Reconcile"}


def fill(http: httpx.Client, conversations: int = 3, hours: int = 4) -> set[str]:
    """Conversations over several quarter hours; answers the ids of their messages."""
    ids: set[str] = set()
    for conversation in range(conversations):
        messages = [
            {
                "id": f"{conversation}-{number}",
                "content": f"text {number}",
                "timestamp": f"2026-10-01T{8 + number // 4:02}:{number % 4 * 15:02}:00Z",
            }
            for number in range(4 * hours)
        ]
        body = {"conversation_id": f"c{conversation}", "user_id": "ann", "messages": messages}
        checked(http.post("/chats", json=body))
        ids |= {str(message["id"]) for message in messages}
    return ids


def live(http: httpx.Client) -> list[str]:
    """The ids of all that an export finds now."""
    asked = checked(
        http.post("/exports", json={"format": "archive"}, headers={"Prefer": "wait=20"})
    )
    done = finished(http, asked["export_id"])
    assert done["status"] == "succeeded", done
    data = httpx.get(done["files"][0]["url"]).raise_for_status().content
    records = map(json.loads, gzip.decompress(data).splitlines())
    return [record["id"] for record in records if "content" in record]


def workers(deployment: Deployment, function: str) -> list[int]:
    """The processes that run a function."""
    name = deployment.physical_id(function).encode()
    found: list[int] = []
    for environ in Path("/proc").glob("[0-9]*/environ"):
        try:
            variables = environ.read_bytes().split(b"\0")
        except OSError:
            continue
        if b"AWS_LAMBDA_FUNCTION_NAME=" + name in variables:
            found.append(int(environ.parent.name))
    return found


@contextmanager
def frozen(deployment: Deployment, function: str) -> Iterator[None]:
    """The function's processes stand still: whoever calls it now waits."""
    stopped = workers(deployment, function)
    assert stopped, f"{function} does not run yet"
    for process in stopped:
        os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        for process in stopped:
            os.kill(process, signal.SIGCONT)


def states_entered(deployment: Deployment, execution: str) -> set[str]:
    machine = deployment.physical_id("ExportStateMachine")
    arn = machine.replace(":stateMachine:", ":execution:") + f":{execution}"
    history = deployment.aws("stepfunctions").get_execution_history(
        executionArn=arn, maxResults=1000
    )
    details = (each.get("stateEnteredEventDetails", {}) for each in history["events"])
    return {each["name"] for each in details if "name" in each}


def stop_execution(deployment: Deployment, execution: str) -> None:
    machine = deployment.physical_id("ExportStateMachine")
    arn = machine.replace(":stateMachine:", ":execution:") + f":{execution}"
    deployment.aws("stepfunctions").stop_execution(executionArn=arn)


def cleared(http: httpx.Client) -> dict[str, Any]:
    asked = checked(http.post("/exports", json={"format": "archive", "clear": True}))
    return finished(http, asked["export_id"])


def warm(deployment: Deployment) -> None:
    with organization(deployment, "warming up") as http:
        fill(http, 1, 1)
        assert cleared(http)["status"] == "succeeded"


def killed_in(deployment: Deployment, http: httpx.Client, state: str) -> str:
    """An export whose execution is stopped while it is in this state; its id."""
    holder = {"Verify": "VerifyParts", "Clear": "ClearParts", "WritePart": "WriteParts"}
    with frozen(deployment, f"{state}Function"):
        asked = checked(http.post("/exports", json={"format": "archive", "clear": True}))
        export_id = asked["export_id"]
        for _ in until(30):
            if states_entered(deployment, export_id) & {state, holder.get(state, state)}:
                break
        stop_execution(deployment, export_id)
    return export_id


def swept(deployment: Deployment, http: httpx.Client, export_id: str) -> dict[str, Any]:
    """The job as the sweeper leaves it; it is called as its schedule would."""
    for _ in until(90, step=2):
        deployment.installation.invoke("SweepFunction", {})
        found = job(http, export_id)
        if found["status"] in ENDED:
            return found
    raise AssertionError(f"the job did not end: {found}")


def test_a_job_stopped_in_any_state_ends_and_nothing_is_lost(deployment: Deployment) -> None:
    warm(deployment)
    with ExitStack() as stack:
        each = {
            state: stack.enter_context(organization(deployment, f"stopped in {state}"))
            for state in STATES
        }
        said = {state: fill(http) for state, http in each.items()}
        jobs = {state: killed_in(deployment, http, state) for state, http in each.items()}
        ended = {state: swept(deployment, each[state], jobs[state]) for state in STATES}
        for state, http in each.items():
            done = ended[state]
            # A clear that had not begun yet has failed, too, and cleared nothing.
            if done["status"] == "failed":
                assert sorted(live(http)) == sorted(said[state]), state
                continue
            assert state in BEGUN, (state, done)
            receipt = done["clear"]
            counted = ("cleared", "retained_changed", "retained_held", "cleared_elsewhere")
            assert receipt["exported"] == len(said[state])
            assert receipt["exported"] == receipt["not_cleared"] + sum(
                receipt[name] for name in counted
            )
            assert len(live(http)) == receipt["exported"] - receipt["cleared"]
            undone(http, jobs[state])
            assert sorted(live(http)) == sorted(said[state]), state


@pytest.mark.parametrize("function", ["WritePartFunction", "ClearFunction"])
def test_a_function_killed_in_the_middle_is_done_again(
    deployment: Deployment, function: str
) -> None:
    warm(deployment)
    with organization(deployment, f"killed {function}") as http:
        said = fill(http, conversations=20, hours=12)
        asked = checked(http.post("/exports", json={"format": "archive", "clear": True}))
        execution = asked["export_id"]
        holder = {"WritePartFunction": "WriteParts", "ClearFunction": "ClearParts"}[function]
        for _ in until(60, step=0.02):
            if holder in states_entered(deployment, execution):
                break
        for process in workers(deployment, function):
            os.kill(process, signal.SIGKILL)
        done = finished(http, execution, seconds=120)
        assert done["status"] == "succeeded", done
        assert done["clear"]["cleared"] == len(said)
        assert live(http) == []
        undone(http, execution)
        assert sorted(live(http)) == sorted(said)
