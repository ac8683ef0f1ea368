"""Everything of one project, as its owners take it along: conversations, or documents."""

import re
from typing import Any

from chatledger.audit.record import Actor
from chatledger.export.begin import Wanted
from chatledger.models.exports import ExportRequest

_UNSAFE = re.compile(r"[^\w.-]+")
_MAX_NAME = 100


def conversations_of(organization: str, app_id: str, export_id: str, actor: Actor) -> Wanted:
    """An export of the app's conversations as they are, in UIUC.chat's rows, under its name."""
    asked = {"format": "uiuc", "anonymize": False, "filters": {"app_id": [app_id]}}
    return _wanted(organization, export_id, actor, asked, f"{_as_file_name(app_id)}-convo_history")


def documents_of(organization: str, app_id: str, export_id: str, actor: Actor) -> Wanted:
    """The same of the app's documents."""
    asked = {"dataset": "documents", "anonymize": False, "filters": {"app_id": [app_id]}}
    return _wanted(organization, export_id, actor, asked, f"{_as_file_name(app_id)}-documents")


def _wanted(
    organization: str, export_id: str, actor: Actor, asked: dict[str, Any], title: str
) -> Wanted:
    request = ExportRequest.model_validate(asked)
    return Wanted(organization, export_id, request, actor, file_name=f"{title}.jsonl")


def _as_file_name(app_id: str) -> str:
    """Letters and digits stay; no name is hidden, a path, or longer than file systems take."""
    return _UNSAFE.sub("_", app_id).lstrip(".")[:_MAX_NAME] or "project"
