"""``chatledger undo``: puts back what an export cleared, and waits until it is there."""

import uuid
from urllib.parse import quote

from chatledger_cli.answers import ExportJob
from chatledger_cli.api import Api
from chatledger_cli.errors import CommandError
from chatledger_cli.following import follow_undo
from chatledger_cli.screen import Screen
from chatledger_cli.summary import show_undo

# A small undo is done by then, within its request; a larger one goes on as a workflow.
_WAIT = 5


def undo(api: Api, screen: Screen, export_id: str, again: str) -> None:
    """``again``: this command. An export has one undo, so to repeat it is harmless.

    Raises ``CommandError``.
    """
    began = api.patience.now()
    path = f"/exports/{quote(export_id, safe='')}/undo"
    job = ExportJob.of(api.post(path, {}, str(uuid.uuid4()), wait=_WAIT))
    screen.done(f"Undo of export {job.id} began")
    job = follow_undo(api, screen, job)
    if job.clear is None or job.clear.status != "undone":
        raise CommandError(
            "The undo stopped half-way: some is back, the rest is still in the archive and nothing "
            f"is lost. To go on: {again}"
        )
    screen.done("Undone", api.patience.now() - began)
    show_undo(screen, job)
