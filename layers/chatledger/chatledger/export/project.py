"""Everything that was said in one project, as its owners take it along."""

import re

from chatledger.audit.record import Actor
from chatledger.export.begin import Wanted
from chatledger.models.exports import ExportRequest

_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_NAME = 100


def conversations_of(organization: str, app_id: str, export_id: str, actor: Actor) -> Wanted:
    """An export of the app's conversations as they are, in UIUC.chat's rows, under its name."""
    asked = {"format": "uiuc", "anonymize": False, "filters": {"app_id": [app_id]}}
    request = ExportRequest.model_validate(asked)
    name = f"{_as_file_name(app_id)}-convo_history.jsonl"
    return Wanted(organization, export_id, request, actor, file_name=name)


def _as_file_name(app_id: str) -> str:
    """Letters and digits stay; no name is hidden, a path, or longer than file systems take."""
    return _UNSAFE.sub("_", app_id).lstrip(".")[:_MAX_NAME] or "project"
