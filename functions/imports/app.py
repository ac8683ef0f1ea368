"""POST /imports, GET /imports, GET /imports/{import_id}: takes archives in, to be restored."""

from typing import Any

from chatledger.api.app import (
    Answer,
    body,
    caller,
    claimed,
    created,
    exports_bucket,
    handle,
    ledger,
    location,
    ok,
    path,
    query,
    resolver,
)
from chatledger.api.tokens import seal, unseal
from chatledger.identifiers import new_ulid
from chatledger.models.imports import ImportRequest
from chatledger.models.queries import ListImportsQuery
from chatledger.restore.admit import admit
from chatledger.restore.answers import import_answer, imports_answer
from chatledger.restore.jobs import find_import

app = resolver()


@app.post("/imports")
def post_imports() -> Answer:
    request = body(ImportRequest)
    import_id = claimed(import_id=new_ulid())["import_id"]
    job = admit(ledger(), caller().organization, request, import_id, caller().actor)
    answer = import_answer(ledger(), exports_bucket(), job)
    return created(answer, location(f"/imports/{import_id}"))


@app.get("/imports")
def get_imports() -> Answer:
    asked, organization = query(ListImportsQuery), caller().organization
    after = unseal("imports", organization, asked.cursor)["after"] if asked.cursor else None
    answer, last = imports_answer(ledger(), exports_bucket(), organization, after, asked.limit)
    cursor = seal("imports", organization, {"after": last}) if last else None
    return ok(answer | {"next_cursor": cursor})


@app.get("/imports/<import_id>")
def get_import(import_id: str) -> Answer:
    job = find_import(ledger().table, caller().organization, path("import_id"))
    return ok(import_answer(ledger(), exports_bucket(), job))


def lambda_handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    return handle(app, event, context)
