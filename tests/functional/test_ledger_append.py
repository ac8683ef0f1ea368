"""The append on DynamoDB: the same promises as on the table in memory, over real requests."""

import random
import time
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError

from chatledger.aws.dynamodb import DynamoTable
from chatledger.errors import StorageError
from chatledger.ledger import conversations
from chatledger.ledger.append import Appended, append
from chatledger.ledger.ledger import Ledger, WrongShards, open_ledger
from chatledger.messages import Message, encode_line
from tests.fakes.audit import audit
from tests.fakes.chats import (
    CONVERSATION,
    NOON,
    ORGANIZATION,
    at_once,
    batch,
    ledger_on,
    message,
    noise,
    overlapping,
)
from tests.fakes.dynamo_answers import answer

WRITERS = 8


@pytest.fixture
def ledger(dynamo_table: DynamoTable) -> Ledger:
    return ledger_on(dynamo_table, sleep=lambda seconds: time.sleep(seconds / 20))


def add(ledger: Ledger, *messages: Message) -> Appended:
    return append(ledger, ORGANIZATION, batch(messages))


def standing(ledger: Ledger) -> list[str]:
    head = conversations.find(ledger, ORGANIZATION, CONVERSATION)
    assert head
    return [each.content for each in conversations.messages(ledger, ORGANIZATION, head)]


def insist(ledger: Ledger, messages: list[Message]) -> int:
    """Repeats until it is accepted; answers how many it was told were inserted."""
    for _ in range(30):
        try:
            return add(ledger, *messages).inserted
        except StorageError:
            continue
    raise AssertionError("never accepted")


def check(ledger: Ledger, expected: list[Message]) -> None:
    """Each once, slots gapless, all of it reachable."""
    held = audit(ledger).messages
    assert sorted(map(encode_line, held)) == sorted(map(encode_line, expected))


# --- one writer -----------------------------------------------------------------------------------


def test_the_same_three_times(ledger: Ledger) -> None:
    turn = [message(0, user_id="ann"), message(1)]
    answers = [add(ledger, *turn) for _ in range(3)]
    assert answers == [Appended(2, 0), Appended(0, 2), Appended(0, 2)]
    check(ledger, turn)


def test_overlaps_and_late_ones(ledger: Ledger) -> None:
    add(ledger, *map(message, range(5)))
    assert add(ledger, *map(message, range(3, 8))) == Appended(3, 2)
    assert add(ledger, *map(message, range(-4, 2))) == Appended(4, 2)
    assert standing(ledger) == [f"text {number}" for number in range(-4, 8)]
    check(ledger, list(map(message, range(-4, 8))))


def test_revisions(ledger: Ledger) -> None:
    first, second = message(0, content="first"), message(0, content="second")
    answers = [add(ledger, each) for each in (first, second, first, second)]
    assert answers == [Appended(1, 0), Appended(1, 0), Appended(0, 1), Appended(0, 1)]
    assert standing(ledger) == ["second"]
    check(ledger, [first, second])


def test_a_body_over_many_days_and_quarter_hours(ledger: Ledger) -> None:
    body = [message(number, NOON + number * timedelta(hours=7)) for number in range(150)]
    assert add(ledger, *body) == Appended(150, 0)
    assert add(ledger, *body) == Appended(0, 150)
    check(ledger, body)
    slots = audit(ledger).slots[ledger.shard_of(CONVERSATION)]
    assert [len(slot.places) for slot in slots] == [99, 51]


def test_a_quarter_hour_larger_than_an_item(ledger: Ledger) -> None:
    body = [message(number, NOON, content=noise(250_000, number)) for number in range(6)]
    assert add(ledger, *body) == Appended(6, 0)
    assert add(ledger, *body) == Appended(0, 6)
    assert standing(ledger) == [each.content for each in body]
    check(ledger, body)


@pytest.mark.parametrize("name", ["a#b/c", "!", " ", "%23", "\U0001f600 ünï", "#" * 256])
def test_any_id(ledger: Ledger, name: str) -> None:
    sent = message(0, conversation_id=name, user_id=name)
    assert append(ledger, name, batch([sent], users=[name])) == Appended(1, 0)
    assert append(ledger, name, batch([sent], users=[name])) == Appended(0, 1)
    account = audit(ledger, name)
    assert account.messages == [sent]
    assert account.heads[name].users == {name}


# --- eight at once --------------------------------------------------------------------------------


def test_the_same_by_eight_at_once(ledger: Ledger) -> None:
    turn = [message(0), message(1)]
    answers = at_once(WRITERS, lambda _: add(ledger, *turn).inserted)
    assert sorted(answers) == [0] * 7 + [2]  # type: ignore[type-var]
    check(ledger, turn)


def test_overlapping_bodies_by_eight_at_once(ledger: Ledger) -> None:
    messages = [message(number * 40) for number in range(24)]
    bodies = overlapping(messages, WRITERS)
    answers = at_once(WRITERS, lambda writer: add(ledger, *bodies[writer]).inserted)
    assert sum(answers) == len(messages)  # type: ignore[arg-type]
    check(ledger, messages)


# --- eight at once, and a storage that fails ------------------------------------------------------


def conflicts(dice: random.Random) -> Callable[..., AWSResponse | None]:
    """Every third transaction meets another one's, or a throttle, and is not applied."""
    conflict = answer(400, "TransactionCanceledException", "TransactionConflict", "None")
    throttle = answer(400, "ThrottlingException")

    def hook(**sent: Any) -> AWSResponse | None:
        return dice.choice([conflict, throttle])(**sent) if dice.random() < 1 / 3 else None

    return hook


def lost(dice: random.Random) -> Callable[..., None]:
    """Every third answer does not arrive; what was asked is done."""

    def hook(**_: Any) -> None:
        if dice.random() < 1 / 3:
            raise ConnectionClosedError(endpoint_url="https://dynamodb")

    return hook


@pytest.mark.parametrize("seed", range(3))
def test_conflicts_and_throttles(dynamo_client: Any, ledger: Ledger, seed: int) -> None:
    event = "before-send.dynamodb.TransactWriteItems"
    dynamo_client.meta.events.register_first(event, conflicts(random.Random(seed)))
    messages = [message(number * 40) for number in range(24)]
    bodies = overlapping(messages, WRITERS)
    answers = at_once(WRITERS, lambda writer: insist(ledger, bodies[writer]))
    assert sum(answers) == len(messages)  # type: ignore[arg-type]
    check(ledger, messages)


@pytest.mark.parametrize("seed", range(3))
def test_lost_answers(dynamo_client: Any, ledger: Ledger, seed: int) -> None:
    for operation in ("TransactWriteItems", "PutItem", "UpdateItem"):
        event = f"after-call.dynamodb.{operation}"
        dynamo_client.meta.events.register(event, lost(random.Random(seed)))
    messages = [message(number * 40) for number in range(24)]
    bodies = overlapping(messages, WRITERS)
    answers = at_once(WRITERS, lambda writer: insist(ledger, bodies[writer]))
    assert sum(answers) <= len(messages)  # type: ignore[arg-type]
    check(ledger, messages)


# --- the table's own record -----------------------------------------------------------------------


def test_a_ledger_is_opened_with_the_shards_its_table_was_made_with(
    dynamo_table: DynamoTable,
) -> None:
    first = open_ledger(dynamo_table, 16)
    assert open_ledger(dynamo_table, 16).epoch == first.epoch
    with pytest.raises(WrongShards, match="LedgerShards=16"):
        open_ledger(dynamo_table, 8)


def test_eight_that_open_a_new_table_at_once_agree(dynamo_table: DynamoTable) -> None:
    opened = at_once(WRITERS, lambda _: open_ledger(dynamo_table, 16).epoch)
    assert len(set(opened)) == 1
