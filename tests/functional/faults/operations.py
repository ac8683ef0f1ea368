"""The operations that are hit: what stands before each, and how it is called."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from functions.bootstrap import app as bootstrap
from tests.fakes.deployment import Deployment
from tests.fakes.gateway import Gateway
from tests.functional.conftest import OPERATOR_KEY
from tests.functional.faults.oracle import jobs_of

CLEAR: dict[str, Any] = {"format": "csv", "anonymize": False, "clear": True}
GATEWAY = Gateway(OPERATOR_KEY)
Does = Callable[[Deployment], object]


@dataclass(frozen=True)
class Operation:
    """``before`` brings a new deployment to where ``act`` calls ``target`` for the first time.

    Where ``act`` is None, the machines come to it by themselves.
    """

    name: str
    target: str
    before: Does
    act: Does = lambda _: None


def filled(deployment: Deployment) -> None:
    """Three conversations in as many shards, one with a revision, one under a hold."""
    bootstrap.lambda_handler({"key": OPERATOR_KEY}, None)
    say(deployment, "a", 1, 2, 20)
    say(deployment, "b #", 1)
    say(deployment, "b #", 1, text="revised")
    say(deployment, "c", 3)
    assert GATEWAY.post("/holds", {"conversation_id": "c"}).status == 201
    deployment.clock.go_on(minutes=2)
    deployment.start_cold()


def say(deployment: Deployment, conversation: str, *numbers: int, text: str = "text") -> None:
    messages = [
        {"id": f"m{n}", "timestamp": f"2026-11-21T10:{n:02}:00Z", "content": f"{text} {n}"}
        for n in numbers
    ]
    body = {"user_id": "ann", "conversation_id": conversation, "messages": messages}
    key = "-".join([conversation[0], text, *map(str, numbers)])
    sent = deployment.request(
        GATEWAY, "POST", "/chats", body, name="POST /chats", Idempotency_Key=key
    )
    assert sent
    assert sent.status == 201, sent.text


def export(deployment: Deployment, tries: int = 6, prefer: str = "", **changes: Any) -> None:
    """Sent until it is answered; one key, one job (I7)."""
    headers = {"Idempotency_Key": "export"} | ({"Prefer": prefer} if prefer else {})
    body = CLEAR | changes
    name, before = "POST /exports", len(jobs_of(deployment))
    reply = deployment.request(GATEWAY, "POST", "/exports", body, name=name, tries=tries, **headers)
    if tries > 1:
        assert reply
        assert reply.status in {201, 202}, reply.text
    assert len(jobs_of(deployment)) <= before + 1


def at_step(function: str, part: int = 1) -> Does:
    def before(deployment: Deployment) -> None:
        filled(deployment)
        export(deployment)
        deployment.run_until(function, part)

    return before


def dead_in_the_middle(deployment: Deployment) -> None:
    """Half of it is cleared; then its execution died, and nobody heard of it."""
    at_step("clear", 2)(deployment)
    (name,) = deployment.export_machine.started
    deployment.export_machine.statuses[name] = "FAILED"


def end(deployment: Deployment) -> None:
    (name,) = deployment.export_machine.started
    ids = {"organization": "default", "export_id": jobs_of(deployment)[0].export_id}
    deployment.step("ended", {**ids, "name": name})


def never_started(deployment: Deployment) -> None:
    """The request died between its job and its execution."""
    filled(deployment)
    export(deployment)
    deployment.export_machine.started.clear()
    deployment.export_machine.statuses.clear()


def sweep(deployment: Deployment) -> None:
    deployment.step("sweep", {})


def awaiting(deployment: Deployment) -> None:
    filled(deployment)
    export(deployment, clear_on="acknowledged")
    deployment.run_machines()


def acknowledge(deployment: Deployment) -> None:
    (job,) = jobs_of(deployment)
    assert job.manifest
    sent = deployment.request(
        GATEWAY,
        "POST",
        f"/exports/{job.export_id}/acknowledge",
        {"root_hash": job.manifest.root_hash},
        name="POST /exports/{id}/acknowledge",
    )
    assert sent
    assert sent.status == 202, sent.text


def delete(deployment: Deployment) -> None:
    (job,) = jobs_of(deployment)
    name = "DELETE /exports/{id}"
    sent = deployment.request(GATEWAY, "DELETE", f"/exports/{job.export_id}", name=name)
    assert sent
    assert sent.status == 200, sent.text


def cleared(deployment: Deployment) -> None:
    filled(deployment)
    export(deployment)
    deployment.settle()


def undo(deployment: Deployment) -> None:
    (job,) = jobs_of(deployment)
    name = "POST /exports/{id}/undo"
    sent = deployment.request(GATEWAY, "POST", f"/exports/{job.export_id}/undo", name=name)
    assert sent
    assert sent.status in {200, 202}, sent.text


def undoing(function: str) -> Does:
    def before(deployment: Deployment) -> None:
        cleared(deployment)
        undo(deployment)
        deployment.run_until(function)

    return before


def ask_import(deployment: Deployment) -> str:
    """Where its archive is to be uploaded."""
    sent = deployment.request(
        GATEWAY, "POST", "/imports", {}, name="POST /imports", Idempotency_Key="import"
    )
    assert sent
    assert sent.status == 201, sent.text
    return sent.json()["upload"]["url"].removeprefix("memory:").partition("?")[0]


def upload(deployment: Deployment) -> None:
    """The archive of what was cleared comes; nobody is told, but the sweeper will see it."""
    key = ask_import(deployment)
    (job,) = jobs_of(deployment)
    assert job.archive
    data = b"".join(
        deployment.archive.objects[each]
        for each in sorted(deployment.archive.objects)
        if each.endswith(".gz")
    )
    deployment.exports.put(key, data, "application/gzip")


def uploaded(deployment: Deployment) -> None:
    cleared(deployment)
    upload(deployment)


def tell(deployment: Deployment) -> None:
    (key,) = (each for each in deployment.exports.objects if each.startswith("imports/"))
    event = {"source": "aws.s3", "detail-type": "Object Created"}
    deployment.step("import_uploaded", {**event, "detail": {"object": {"key": key}}})


def importing(function: str) -> Does:
    def before(deployment: Deployment) -> None:
        uploaded(deployment)
        tell(deployment)
        deployment.run_until(function)

    return before


def _append(deployment: Deployment) -> None:
    say(deployment, "a", 2, 3, 40, text="new")


def _export_only(deployment: Deployment) -> None:
    export(deployment, clear=False, prefer="wait=20")


OF_CLEARS = [
    Operation("append (POST /chats)", "POST /chats", filled, _append),
    Operation("POST /exports, clear", "POST /exports", filled, export),
    Operation(
        "POST /exports, clear, never repeated",
        "POST /exports",
        filled,
        lambda deployment: export(deployment, tries=1),
    ),
    Operation("POST /exports, waiting for the file", "POST /exports", filled, _export_only),
    Operation("plan", "plan", at_step("plan")),
    Operation("write_part", "write_part", at_step("write_part")),
    Operation("finish", "finish", at_step("finish")),
    Operation("verify", "verify", at_step("verify")),
    Operation("clear", "clear", at_step("clear")),
    Operation("reconcile", "reconcile", at_step("reconcile")),
    Operation(
        "POST /exports/{id}/acknowledge", "POST /exports/{id}/acknowledge", awaiting, acknowledge
    ),
    Operation("DELETE /exports/{id}", "DELETE /exports/{id}", at_step("verify"), delete),
    Operation("ended, half cleared", "ended", dead_in_the_middle, end),
    Operation("sweep, half cleared", "sweep", dead_in_the_middle, sweep),
    Operation("sweep, never started", "sweep", never_started, sweep),
    Operation("POST /exports/{id}/undo", "POST /exports/{id}/undo", cleared, undo),
    Operation("undo_part", "undo_part", undoing("undo_part")),
    Operation("restore_finish of an undo", "restore_finish", undoing("restore_finish")),
    Operation("POST /imports", "POST /imports", cleared, upload),
    Operation("import_uploaded", "import_uploaded", uploaded, tell),
    Operation("import_file", "import_file", importing("import_file")),
    Operation("restore_finish of an import", "restore_finish", importing("restore_finish")),
]
