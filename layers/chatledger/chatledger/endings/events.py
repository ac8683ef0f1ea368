"""What the function ``ended`` is told: by a state machine, or by the rule on ended executions."""

from typing import Any

import msgspec

from chatledger.endings.ended import Execution


def ids_of(event: dict[str, Any]) -> dict[str, str]:
    """``organization``, and ``export_id`` or ``restore_id``."""
    detail = event.get("detail")
    told: dict[str, Any] = msgspec.json.decode(detail["input"]) if detail else event
    names = ("organization", "export_id", "restore_id")
    # An undo's execution is started with both ids: it is the undo that ended.
    left_out = "export_id" if "restore_id" in told else ""
    return {name: str(told[name]) for name in names if name in told and name != left_out}


def execution_of(event: dict[str, Any]) -> Execution:
    """The execution that is over, by its name: a later one of the same job goes on."""
    ids, detail = ids_of(event), event.get("detail")
    name = detail["executionArn"].rpartition(":")[2] if detail else str(event["name"])
    return Execution(ids["organization"], ids.get("restore_id") or ids["export_id"], name)
