from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest

from chatledger.api.idempotency import check_key, claim
from chatledger.errors import IdempotencyMismatch, InvalidRequest
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from tests.fakes.memory_table import MemoryTable


class Clock:
    now = datetime(2026, 11, 21, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def ledger(clock: Clock) -> Ledger:
    return Ledger(MemoryTable(), 16, "epoch", now=clock)


def test_a_repeat_gets_the_first_ones_values(ledger: Ledger):
    first = claim(ledger, "org", "POST /chats", "key", "body", {"id": "1"})
    assert first == {"id": "1"}
    assert claim(ledger, "org", "POST /chats", "key", "body", {"id": "2"}) == {"id": "1"}


def test_another_body_under_the_key_is_a_mismatch(ledger: Ledger):
    claim(ledger, "org", "POST /chats", "key", "body", {"id": "1"})
    with pytest.raises(IdempotencyMismatch):
        claim(ledger, "org", "POST /chats", "key", "other body", {"id": "2"})


def test_keys_belong_to_an_organization_and_a_route(ledger: Ledger):
    claim(ledger, "org", "POST /chats", "key", "body", {"id": "1"})
    assert claim(ledger, "other", "POST /chats", "key", "body", {"id": "2"}) == {"id": "2"}
    assert claim(ledger, "org", "POST /exports", "key", "body", {"id": "3"}) == {"id": "3"}


def test_a_claim_lasts_24_hours(ledger: Ledger, clock: Clock):
    claim(ledger, "org", "POST /chats", "key", "body", {"id": "1"})
    clock.now += timedelta(hours=24)
    assert claim(ledger, "org", "POST /chats", "key", "body", {"id": "2"}) == {"id": "1"}
    clock.now += timedelta(seconds=1)
    assert claim(ledger, "org", "POST /chats", "key", "other", {"id": "3"}) == {"id": "3"}


def test_the_table_forgets_it_by_itself(ledger: Ledger, clock: Clock):
    claim(ledger, "org", "POST /chats", "key", "body", {"id": "1"})
    item = ledger.table.get(keys.claim("org", "POST /chats", "key"))
    assert item
    assert item["ttl"] == item["expires"] == int(clock.now.timestamp()) + 24 * 3600


def test_of_many_at_once_one_is_the_first(ledger: Ledger):
    def attempt(number: int) -> dict[str, str]:
        return claim(ledger, "org", "POST /chats", "key", "body", {"id": str(number)})

    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(attempt, range(32)))
    assert len({answer["id"] for answer in answers}) == 1


@pytest.mark.parametrize("key", ["", " ", "a b", "é", "a\n", "x" * 256])
def test_a_key_is_visible_and_of_a_sane_length(key: str):
    assert check_key("x" * 255) == "x" * 255
    with pytest.raises(InvalidRequest):
        check_key(key)
