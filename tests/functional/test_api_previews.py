"""A look before an export, through the API; and the paths that TekRem's clients know."""

import json
from typing import Any

import pytest

from tests.fakes.gateway import Gateway
from tests.functional.conftest import Below

WAITING = {"Prefer": "wait=20"}
CRM = "/crm/ai-conversations"


@pytest.fixture
def filled(gateway: Gateway) -> Gateway:
    for number in range(12):
        messages = [
            {"id": "q", "content": "Call me: +49 30 901820", "timestamp": "2026-10-01T10:00:00Z"},
            {
                "id": "a",
                "role": "assistant",
                "content": "Gladly.",
                "timestamp": "2026-10-01T10:00:04Z",
                "ai_service": "mistral",
                "reply_to": "q",
            },
        ]
        about = {"conversation_id": f"c{number}", "user_id": "ann", "user_name": "Ann Example"}
        assert gateway.post("/chats", {**about, "messages": messages}).status == 201
    return gateway


def lines(below: Below, job: dict[str, Any]) -> list[Any]:
    (name,) = [key for key in below.exports.objects if f"{job['export_id']}/files/" in key]
    return [json.loads(line) for line in below.exports.objects[name].splitlines()]


@pytest.mark.parametrize("base", ["/exports", f"{CRM}/export"])
@pytest.mark.parametrize("preview", ["/exports/preview", f"{CRM}/preview"])
def test_a_preview_is_the_beginning_of_the_next_export(
    filled: Gateway, below: Below, base: str, preview: str
):
    shown = filled.post(preview, {"end_date": "2026-10-01"})
    assert shown.status == 200, shown.text
    assert "901820" not in shown.text
    assert "Ann" not in shown.text
    assert shown.json()["redactions"] == {"phone": 10}
    job = filled.post(base, {"end_date": "2026-10-01"}, headers=WAITING)
    assert job.status == 201, job.text
    assert lines(below, job.json())[:10] == shown.json()["sample"]
    assert shown.json()["estimated"] == job.json()["counts"]
    again = filled.post(base, {"end_date": "2026-10-01"}, headers=WAITING)
    assert lines(below, again.json())[:10] != shown.json()["sample"]


def test_a_preview_is_on_record(filled: Gateway):
    assert filled.post("/exports/preview", {"format": "csv"}).status == 200
    (record,) = filled.get("/audit?action=export.previewed").json()["records"]
    assert record["subject"] == {"format": "csv", "anonymize": "true"}
    assert record["counts"] == {"conversations": 10, "messages": 20}


def test_bad_previews_are_refused_as_bad_exports_are(filled: Gateway):
    for body in ({"format": "pdf"}, {"end_date": "never"}, {"since": "x"}, {"nonsense": 1}):
        export, preview = filled.post("/exports", body), filled.post("/exports/preview", body)
        assert (preview.status, preview.error) == (export.status, export.error)
        assert preview.status == 400
    assert not filled.get("/audit?action=export.previewed").json()["records"]


def test_statistics_under_either_path(filled: Gateway):
    own = filled.get("/statistics?start_date=2026-10-01")
    assert own.status == 200, own.text
    assert own.json() == filled.get(f"{CRM}/statistics?start_date=2026-10-01").json()
    assert own.json()["total_ai_conversations"] == 12
    assert own.json()["ai_services"] == {"mistral": 12}
    assert own.json()["ai_response_effectiveness"]["median_latency"] == 4
    assert filled.get("/statistics?status=odd").status == 400
    assert filled.get("/statistics?start_date=2026-10-02").json()["total_ai_conversations"] == 0


def test_an_idempotency_key_is_of_its_path(filled: Gateway):
    headers = {**WAITING, "Idempotency-Key": "once"}
    paths = (f"{CRM}/export", f"{CRM}/export", "/exports")
    first, again, other = (filled.post(path, {}, headers=headers).json() for path in paths)
    assert first["export_id"] == again["export_id"] != other["export_id"]
