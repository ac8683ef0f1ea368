"""GET /api/conversation-logs: the log files there are, or what the ledger holds in their form.

The latter is an export like any other; what is too large for an answer is fetched as one.
"""

from datetime import timedelta
from typing import Any

from chatledger.access.roles import Role
from chatledger.api.app import (
    MAX_WAIT_SECONDS,
    Answer,
    accepted,
    archive_bucket,
    caller,
    export_machine,
    exports_bucket,
    handle,
    ledger,
    location,
    ok,
    query,
    resolver,
    text,
)
from chatledger.export.answers import Links, job_answer
from chatledger.export.begin import export
from chatledger.export.conversation_logs import content_for_answer, logs_of, summary
from chatledger.export.exporter import Exporter
from chatledger.export.links_given import record_download, record_links
from chatledger.identifiers import new_ulid
from chatledger.models.queries import ConversationLogsQuery

app = resolver()


@app.get("/api/conversation-logs")
def get_conversation_logs() -> Answer:
    asked = query(ConversationLogsQuery)
    if asked.action == "summary":
        return ok(summary(archive_bucket(), ledger(), caller().organization))
    caller().needs(Role.ADMIN)
    return _export(asked)


def _export(asked: ConversationLogsQuery) -> Answer:
    organization, who = caller().organization, caller().actor
    exporter = Exporter(ledger(), exports_bucket())
    wanted = logs_of(organization, asked.start_date, asked.end_date, new_ulid(), who)
    job = export(exporter, export_machine(), wanted, timedelta(seconds=MAX_WAIT_SECONDS))
    if (content := content_for_answer(exporter, job)) is not None:
        record_download(ledger(), organization, who, job.export_id)
        return text(content, "application/json")
    answer = job_answer(ledger(), Links(exports_bucket()), job)
    record_links(ledger(), organization, who, [answer])
    return accepted(answer, location(f"/exports/{job.export_id}"))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
