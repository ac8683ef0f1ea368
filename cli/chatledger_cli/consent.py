"""A question before the whole ledger is cleared; only a person on a terminal is asked."""

import uuid

from chatledger_cli.answers import Json, read_answer
from chatledger_cli.api import Api
from chatledger_cli.errors import CommandError, Refused
from chatledger_cli.figures import counted
from chatledger_cli.screen import Screen
from chatledger_cli.slice import is_of_everything


def ask_before_clearing(api: Api, screen: Screen, request: Json) -> None:
    """Raises ``CommandError`` where everything would be cleared and the answer is not yes."""
    if not (request.get("clear") and is_of_everything(request) and screen.can_ask):
        return
    with screen.meter("Counting"):
        everything = _counted(api, request)
    where = api.url + (f", organization {api.organization}" if api.organization else "")
    if not screen.agrees(f"This clears all {everything} at {where}, save what is held."):
        raise CommandError(
            "Nothing was exported, nothing was cleared. --start, --end and the filters choose what "
            "to clear; --yes clears all without a question."
        )


def _counted(api: Api, request: Json) -> str:
    """What there is, in figures where they can be had. Raises ``Refused`` as the export would."""
    try:
        answer = api.post("/exports", {**request, "dry_run": True}, str(uuid.uuid4()))
    except Refused as refused:
        if refused.code != "payload_too_large":
            raise
        return "messages"  # More than a request has the time to count.
    messages, conversations = read_answer(
        lambda counts: (int(counts["would_clear"]), int(counts["counts"]["conversations"])), answer
    )
    return f"{counted(messages, 'message')} of {counted(conversations, 'conversation')}"
