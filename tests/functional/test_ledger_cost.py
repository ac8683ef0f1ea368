"""What an append costs, counted from the requests as they are sent to DynamoDB."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest

from chatledger.aws import wire
from chatledger.aws.dynamodb import DynamoTable
from chatledger.ledger.append import append
from chatledger.ledger.ledger import Ledger
from tests.conftest import TABLE_NAME
from tests.fakes.chats import ORGANIZATION, batch, ledger_on, message
from tests.fakes.sizes import item_size, read_units, write_units


@dataclass
class Meter:
    """Listens to a client and bills what it sends and gets."""

    requests: list[str] = field(default_factory=list[str])
    sent: list[dict[str, Any]] = field(default_factory=list[dict[str, Any]])
    read_units: int = 0
    write_units: int = 0

    def listen(self, client: Any) -> None:
        client.meta.events.register("provide-client-params.dynamodb.*", self._request)
        client.meta.events.register("after-call.dynamodb.*", self._answer)

    def reset(self) -> None:
        self.requests.clear()
        self.sent.clear()
        self.read_units = self.write_units = 0

    def _request(self, params: dict[str, Any], model: Any, **_: object) -> None:
        self.requests.append(model.name)
        self.sent.append(params)
        factor = 2 if model.name == "TransactWriteItems" else 1
        for item in _puts(params):
            self.write_units += factor * write_units(item_size(wire.decode_item(item)))

    def _answer(self, parsed: dict[str, Any], model: Any, **_: object) -> None:
        if model.name == "GetItem":
            self.read_units += read_units(item_size(wire.decode_item(parsed.get("Item", {}))))
        if model.name == "Query":
            found, _ = wire.page_of(parsed)
            self.read_units += read_units(sum(map(item_size, found)))


def _puts(params: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if "Item" in params:
        yield params["Item"]
    for write in params.get("TransactItems", []):
        yield write["Put"]["Item"]


@pytest.fixture
def meter(dynamo_client: Any) -> Meter:
    meter = Meter()
    meter.listen(dynamo_client)
    return meter


@pytest.fixture
def warm(dynamo_table: DynamoTable, meter: Meter) -> Ledger:
    """A warm function, and a conversation that has begun."""
    ledger = ledger_on(dynamo_table)
    add(ledger, 0)
    meter.reset()
    return ledger


def add(ledger: Ledger, turn: int) -> None:
    """A question and an answer, each of the usual 430 bytes."""
    texts = [f"{turn} {number} " + "what people say, and say again " * 14 for number in range(2)]
    messages = [
        message(2 * turn + number, content=texts[number], user_id="ann") for number in range(2)
    ]
    append(ledger, ORGANIZATION, batch(messages, title="A talk"))


def test_a_turn_of_an_existing_conversation(warm: Ledger, meter: Meter) -> None:
    add(warm, 1)
    assert meter.requests == ["GetItem", "Query", "Query", "TransactWriteItems"]
    assert meter.read_units == 3
    assert meter.write_units == 4


def test_its_reads_are_consistent_and_its_look_up_is_narrow(warm: Ledger, meter: Meter) -> None:
    add(warm, 1)
    head, slots, look_up, commit = meter.sent
    assert all(request["ConsistentRead"] for request in (head, slots, look_up))
    assert head["Key"]["PK"]["S"].startswith("C#")
    assert slots["ExpressionAttributeValues"][":pk"]["S"].startswith("S#")
    assert (slots["ScanIndexForward"], slots["Limit"]) == (False, 16)
    assert "BETWEEN" in look_up["KeyConditionExpression"]
    kinds = [write["Put"]["Item"]["PK"]["S"][0] for write in commit["TransactItems"]]
    assert kinds == ["S", "D"]


def test_each_write_of_the_commit_has_its_condition(warm: Ledger, meter: Meter) -> None:
    add(warm, 1)
    for write in meter.sent[-1]["TransactItems"]:
        assert write["Put"]["ConditionExpression"] == "attribute_not_exists(PK)"
        assert write["Put"]["TableName"] == TABLE_NAME
        assert set(write) == {"Put"}
