"""Every route is on record, or it is written here why not."""

from chatledger.access.roles import Role
from chatledger.api.routes import ROUTES
from chatledger.audit.record import ACTIONS

RECORDED = {
    "POST /documents": {"document.replaced"},
    "GET /documents/{document_id}/original": {"links.given"},
    "POST /exports": {"export.admitted", "links.given"},
    "POST /crm/ai-conversations/export": {"export.admitted", "links.given"},
    "POST /exports/preview": {"export.previewed"},
    "POST /crm/ai-conversations/preview": {"export.previewed"},
    "GET /projects/{app_id}/conversations/export": {"export.admitted", "links.given"},
    "GET /projects/{app_id}/documents/export": {"export.admitted", "links.given"},
    "GET /exports": {"links.given"},
    "GET /exports/{export_id}": {"links.given"},
    "GET /exports/{export_id}/download": {"links.given"},
    "DELETE /exports/{export_id}": {"export.deleted", "export.ended"},
    "POST /exports/{export_id}/acknowledge": {"clear.acknowledged"},
    "POST /exports/{export_id}/undo": {"undo.admitted", "undo.ended"},
    "POST /imports": {"import.admitted"},
    "POST /holds": {"hold.placed"},
    "DELETE /holds/{hold_id}": {"hold.lifted"},
    "POST /keys": {"key.made"},
    "DELETE /keys/{key_id}": {"key.revoked"},
}
# Done by the service itself, in the steps of a job.
BY_STEPS = {"clear.began", "clear.ended", "import.ended"}

NOT_RECORDED = {
    "POST /chats": "ingest: every message is accounted for by its slot",
    "PATCH /chats/{conversation_id}": "ingest",
    "GET /statistics": "gives numbers out, and no message",
    "GET /crm/ai-conversations/statistics": "gives numbers out, and no message",
    "GET /imports": "gives no data out: its links only take uploads",
    "GET /imports/{import_id}": "gives no data out: its links only take uploads",
    "GET /audit": "reads the trail itself, which holds no data",
    "GET /audit/verify": "reads the trail itself, which holds no data",
    "GET /holds": "reads what protects data, and no data",
    "GET /keys": "reads no secret",
}


def test_every_route_that_could_matter_is_in_one_of_the_lists():
    could = {
        key
        for key, route in ROUTES.items()
        if not key.startswith("GET ") or (route.role and route.role >= Role.ADMIN)
    }
    assert could == RECORDED.keys() | NOT_RECORDED.keys()
    assert not RECORDED.keys() & NOT_RECORDED.keys()


def test_every_action_is_somebodys():
    assert set.union(*RECORDED.values()) | BY_STEPS == set(ACTIONS)
