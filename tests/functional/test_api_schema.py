"""Requests made up from the document, good and bad: each answer is one the document names."""

from datetime import timedelta
from typing import Any
from urllib.parse import quote, urlencode

import httpx
import schemathesis
from hypothesis import HealthCheck, settings
from schemathesis import Case
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi import checks

from chatledger.api.openapi import document
from tests.fakes.gateway import Gateway

schema = schemathesis.openapi.from_dict(document())
_KEY_HEADERS = {"authorization", "x-api-key"}
_CHECKS: list[Any] = [
    not_a_server_error,
    checks.status_code_conformance,
    checks.content_type_conformance,
    checks.response_schema_conformance,
]


@schema.parametrize()
@settings(max_examples=20, suppress_health_check=list(HealthCheck), deadline=None)
def test_every_answer_is_in_the_document(gateway: Gateway, case: Case):
    if case.method.upper() != case.operation.method.upper():
        return  # every other method is 404, which test_api_errors.py holds
    reply = send(gateway, case)
    request = httpx.Request(case.method, "http://localhost/")
    content = reply.text.encode("latin-1" if "Content-Encoding" in reply.headers else "utf-8")
    headers = {key: value for key, value in reply.headers.items() if key != "Content-Encoding"}
    response = httpx.Response(reply.status, headers=headers, content=content, request=request)
    response.elapsed = timedelta(0)
    case.validate_response(response, checks=_CHECKS)


def send(gateway: Gateway, case: Case) -> Any:
    path = case.operation.path
    for name, value in (case.path_parameters or {}).items():
        path = path.replace(f"{{{name}}}", quote(str(value), safe="") or "%20")
    query = urlencode(case.query or {}, doseq=True, errors="replace")
    headers = {name: str(value) for name, value in (case.headers or {}).items()}
    headers = {name: value for name, value in headers.items() if name.lower() not in _KEY_HEADERS}
    body = None if type(case.body).__name__ == "NotSet" else case.body
    return gateway.call(case.method, f"{path}?{query}", body, headers=headers)


def test_a_job_has_the_fields_of_the_document_and_no_others(gateway: Gateway):
    headers = {"Prefer": "wait=20"}
    reply = gateway.post("/exports", {"format": "csv", "anonymize": False}, headers=headers)
    assert reply.status == 201
    assert reply.headers["Location"] == f"/exports/{reply.json()['export_id']}"
    told = document()["components"]["schemas"]["ExportJob"]
    assert reply.json().keys() == told["properties"].keys() == set(told["required"])
