"""The operations that are hit, without a clear: documents, exports, and looks at what is held."""

from typing import Any
from urllib.parse import quote

from chatledger.documents.places import original
from chatledger.export.conversation_logs import folder
from tests.fakes.deployment import Deployment
from tests.fakes.gateway import Reply
from tests.functional.faults.operations import GATEWAY, Does, Operation, export, filled

DOCUMENTS = ("d/1", "d2")
ORIGINAL, LOGS = "GET /documents/{id}/original", "GET /api/conversation-logs"


def _anonymized(deployment: Deployment) -> None:
    export(deployment, clear=False, anonymize=True, prefer="wait=20")


def _in_files(deployment: Deployment) -> None:
    export(deployment, clear=False, format="parquet", prefer="wait=20")


def _documents(deployment: Deployment) -> None:
    changes = {"clear": False, "dataset": "documents", "format": "jsonl"}
    export(deployment, prefer="wait=20", **changes)


def ask(deployment: Deployment, method: str, target: str, body: Any, name: str) -> Reply:
    """Sent until it is answered."""
    sent = deployment.request(GATEWAY, method, target, body, name=name)
    assert sent
    assert sent.status in {200, 201, 202, 302}, sent.text
    return sent


def _store(deployment: Deployment, document_id: str, text: str) -> None:
    body = {"document_id": document_id, "app_id": "biology", "text": text}
    ask(deployment, "POST", "/documents", body, "POST /documents")


def _with_documents(deployment: Deployment) -> None:
    filled(deployment)
    for document_id in DOCUMENTS:
        _store(deployment, document_id, "first")
    key = original("default", DOCUMENTS[0])
    deployment.archive.put(key, b"%PDF-1.7", "application/pdf")


def _replace(deployment: Deployment) -> None:
    _store(deployment, DOCUMENTS[0], "second")


def _add(deployment: Deployment) -> None:
    _store(deployment, "new", "third")


def _original(deployment: Deployment) -> None:
    target = f"/documents/{quote(DOCUMENTS[0], safe='')}/original"
    assert ask(deployment, "GET", target, None, ORIGINAL).status == 302


def _preview(deployment: Deployment) -> None:
    body = {"format": "csv"}
    shown = ask(deployment, "POST", "/exports/preview", body, "POST /exports/preview").json()
    assert shown["estimated"]["conversations"] == 3
    assert shown["sample"]


def _previewed(deployment: Deployment) -> None:
    filled(deployment)
    _preview(deployment)


def _with_an_answer(deployment: Deployment) -> None:
    """Only conversations that an assistant answers are in the statistics."""
    filled(deployment)
    answer = {"id": "m1", "role": "assistant", "ai_service": "mistral", "content": "Gladly."}
    messages = [{**answer, "timestamp": "2026-11-21T10:05:00Z"}]
    ask(deployment, "POST", "/chats", {"conversation_id": "d", "messages": messages}, "")


def _statistics(deployment: Deployment) -> None:
    told = ask(deployment, "GET", "/statistics", None, "GET /statistics").json()
    assert told["total_ai_conversations"] == 1, told


def _with_logs(deployment: Deployment) -> None:
    filled(deployment)
    for number in (1, 2):
        key = f"{folder('default')}2026/11/21/{number}.json"
        deployment.archive.put(key, b"{}", "application/json")


def _logs(action: str) -> Does:
    def ask_for(deployment: Deployment) -> None:
        target = f"/api/conversation-logs?action={action}"
        reply = ask(deployment, "GET", target, None, LOGS)
        if action == "summary":
            assert reply.json()["total_files"] == 2
        elif reply.status == 200:
            assert reply.json()["count"] == 3

    return ask_for


WITHOUT_CLEARS = [
    Operation("POST /documents, a new one", "POST /documents", _with_documents, _add),
    Operation("POST /documents, replacing one", "POST /documents", _with_documents, _replace),
    Operation(ORIGINAL, ORIGINAL, _with_documents, _original),
    Operation("POST /exports, documents", "POST /exports", _with_documents, _documents),
    Operation("POST /exports, Parquet", "POST /exports", filled, _in_files),
    Operation("POST /exports/preview", "POST /exports/preview", filled, _preview),
    Operation("POST /exports after its preview", "POST /exports", _previewed, _anonymized),
    Operation("GET /statistics", "GET /statistics", _with_an_answer, _statistics),
    Operation(f"{LOGS}, summary", LOGS, _with_logs, _logs("summary")),
    Operation(f"{LOGS}, export", LOGS, filled, _logs("export")),
]
