"""GET /audit, GET /audit/verify: who did what, and whether all of it is still there."""

from datetime import timedelta
from typing import Any

import msgspec

from chatledger.api.app import Answer, archive_bucket, caller, handle, ledger, ok, query, resolver
from chatledger.api.tokens import seal, unseal
from chatledger.audit.listing import Filter, list_records
from chatledger.audit.verify import Place, verdict_answer, verify
from chatledger.models.queries import AuditQuery, VerifyAuditQuery

# The gateway waits for 30.
_WALK = timedelta(seconds=20)

app = resolver()


@app.get("/audit")
def get_audit() -> Answer:
    asked, organization = query(AuditQuery), caller().organization
    wanted = Filter(asked.within, asked.action, asked.subject, asked.key_id)
    purpose = f"audit {asked.model_dump_json(exclude={'cursor', 'limit'})}"
    after = unseal(purpose, organization, asked.cursor)["after"] if asked.cursor else None
    answer, last = list_records(ledger().table, organization, wanted, after, asked.limit)
    cursor = seal(purpose, organization, {"after": last}) if last else None
    return ok(answer | {"next_cursor": cursor})


@app.get("/audit/verify")
def get_verify() -> Answer:
    asked, organization, purpose = query(VerifyAuditQuery), caller().organization, "audit verify"
    start = Place(**unseal(purpose, organization, asked.cursor)) if asked.cursor else Place()
    until = ledger().now() + _WALK
    verdict = verify(ledger(), archive_bucket(), organization, until, start)
    place = verdict.place
    cursor = seal(purpose, organization, msgspec.structs.asdict(place)) if place else None
    return ok(verdict_answer(verdict) | {"next_cursor": cursor})


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
