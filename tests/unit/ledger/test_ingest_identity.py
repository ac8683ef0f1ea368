"""Which message is which, where the client gives no ids: equals are told apart by their count."""

from datetime import timedelta
from typing import Any

import pytest

from chatledger.chats.ingest import ingest
from chatledger.errors import InvalidRequest, PayloadTooLarge
from chatledger.ledger import conversations
from chatledger.ledger.ledger import Ledger
from chatledger.models.chats import ChatsRequest
from tests.fakes.audit import audit
from tests.fakes.chats import NOON, ORGANIZATION, ledger_on
from tests.fakes.memory_table import MemoryTable

AT = "2026-11-21T12:00:00Z"
OK = {"content": "ok", "timestamp": AT}


@pytest.fixture
def ledger() -> Ledger:
    return ledger_on(MemoryTable())


def send(ledger: Ledger, *messages: dict[str, Any], **fields: Any) -> tuple[int, int]:
    """(inserted, duplicates) of a request that the server received at noon."""
    request = ChatsRequest.model_validate(
        {"conversation_id": "c1", "messages": list(messages), **fields}
    )
    answer = ingest(ledger, ORGANIZATION, request, "conv_made", fields.get("received", NOON))
    return answer["inserted_count"], answer["duplicate_count"]


def test_equals_of_one_request_are_each_a_message(ledger: Ledger) -> None:
    assert send(ledger, OK, OK, OK) == (3, 0)
    assert send(ledger, OK, OK, OK) == (0, 3)
    assert len({each.id for each in audit(ledger).messages}) == 3


def test_fewer_or_more_of_the_same_equals_are_the_same_ones(ledger: Ledger) -> None:
    assert send(ledger, OK, OK) == (2, 0)
    assert send(ledger, OK) == (0, 1)
    assert send(ledger, OK, OK, OK) == (1, 2)


def test_another_role_time_or_text_is_no_equal(ledger: Ledger) -> None:
    others = [
        {**OK, "role": "assistant"},
        {**OK, "timestamp": "2026-11-21T12:00:00.000001Z"},
        {**OK, "content": "ok."},
    ]
    assert send(ledger, OK, *others) == (4, 0)
    for each in others:
        assert send(ledger, each) == (0, 1)


def test_the_same_moment_written_otherwise_is_the_same_message(ledger: Ledger) -> None:
    assert send(ledger, OK) == (1, 0)
    assert send(ledger, {**OK, "timestamp": "2026-11-21T13:00:00.0+01:00"}) == (0, 1)
    assert send(ledger, {**OK, "timestamp": "2026-11-21T12:00:00"}) == (0, 1)


def test_without_times_the_order_stays(ledger: Ledger) -> None:
    texts = [{"content": text} for text in ("first", "second", "third")]
    assert send(ledger, *texts) == (3, 0)
    held = audit(ledger).messages
    assert [each.content for each in held] == ["first", "second", "third"]
    assert [each.timestamp - NOON for each in held] == [
        timedelta(microseconds=number) for number in range(3)
    ]


def test_a_client_gives_ids_and_corrects_a_message(ledger: Ledger) -> None:
    assert send(ledger, {**OK, "id": "m1"}) == (1, 0)
    assert send(ledger, {**OK, "id": "m1", "content": "OK"}) == (1, 0)
    assert send(ledger, {**OK, "id": "m1"}) == (0, 1)


def test_one_message_twice_in_a_request_changes_nothing(ledger: Ledger) -> None:
    twice = [{**OK, "id": "m1"}, OK, {**OK, "id": "m1", "content": "other"}]
    with pytest.raises(InvalidRequest, match=r"messages\.2"):
        send(ledger, *twice)
    assert audit(ledger).messages == []
    assert audit(ledger).heads == {}


def test_a_message_of_more_than_300_kb_changes_nothing(ledger: Ledger) -> None:
    with pytest.raises(PayloadTooLarge, match=r"messages\.1"):
        send(ledger, OK, {**OK, "content": "é" * 150 * 1024})
    assert audit(ledger).heads == {}
    assert send(ledger, {**OK, "content": "x" * 306_000}) == (1, 0)


def test_two_senders_of_the_same_words_at_the_same_time_are_two_messages() -> None:
    ledger = ledger_on(MemoryTable())
    for sender in ("ann", "bob"):
        said = {"content": "ok", "timestamp": "2026-09-01T10:00:00Z", "user_id": sender}
        request = ChatsRequest.model_validate({"conversation_id": "room", "messages": [said]})
        for expected in (1, 0):
            answer = ingest(ledger, ORGANIZATION, request, "unused", NOON)
            assert answer["inserted_count"] == expected
    head = conversations.find(ledger, ORGANIZATION, "room")
    assert head
    found = conversations.messages(ledger, ORGANIZATION, head)
    assert [message.user_id for message in found] == ["ann", "bob"]
