"""The audit trail on the deployed template: recorded, anchored, checked, tampering named."""

import json

from tests.e2e.conftest import Deployment
from tests.e2e.organizations import checked, finished, organization


def test_what_an_organization_does_is_on_record_and_verified(deployment: Deployment) -> None:
    with organization(deployment, "audited") as http:
        asked = {"format": "jsonl", "anonymize": False}
        chat = {"conversation_id": "c", "messages": [{"content": "a private word"}]}
        checked(http.post("/chats", json=chat))
        export_id = checked(http.post("/exports", json=asked))["export_id"]
        finished(http, export_id)
        checked(http.get(f"/exports/{export_id}"))
        checked(http.post("/holds", json={"user_id": "ann"}))
        invoked = deployment.aws("lambda").invoke(
            FunctionName=deployment.physical_id("AnchorFunction"), Payload=b"{}"
        )
        assert "FunctionError" not in invoked, invoked["Payload"].read()

        trail = checked(http.get("/audit"))["records"]
        actions = [each["action"] for each in trail][::-1]
        assert actions[:3] == ["key.made", "export.admitted", "export.ended"]
        assert {"links.given", "hold.placed"} <= set(actions)
        assert "a private word" not in json.dumps(trail)
        verdict = checked(http.get("/audit/verify"))
        assert (verdict["valid"], verdict["records"]) == (True, len(trail)), verdict
        assert verdict["anchors"] == 1
        assert verdict["head_hash"] == trail[0]["hash"]

        name = trail[0]["organization"]
        deployment.aws("dynamodb").delete_item(
            TableName=deployment.physical_id("Table"),
            Key={"PK": {"S": f"A#{name}"}, "SK": {"S": "000000000002"}},
        )
        verdict = checked(http.get("/audit/verify"))
        assert not verdict["valid"]
        assert verdict["problems"][0]["what"] == "Record 2 is missing."
