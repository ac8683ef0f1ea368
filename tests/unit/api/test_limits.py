from datetime import UTC, datetime, timedelta

import pytest

from chatledger.access.limits import count_request
from chatledger.errors import RateLimited
from tests.fakes.memory_table import MemoryTable

NOW = datetime(2026, 11, 21, 10, 15, 20, tzinfo=UTC)


def test_a_minute_has_its_number_of_requests():
    table = MemoryTable()
    for left in (2, 1, 0):
        window = count_request(table, "key_1", 3, NOW)
        window.check()
        assert window.headers == {
            "RateLimit-Policy": '"minute";q=3;w=60',
            "RateLimit": f'"minute";r={left};t=40',
        }
    for _ in range(2):
        with pytest.raises(RateLimited) as caught:
            count_request(table, "key_1", 3, NOW).check()
        assert caught.value.retry_after == 40
    count_request(table, "key_2", 3, NOW).check()


def test_a_new_clock_minute_starts_anew():
    table = MemoryTable()
    count_request(table, "key_1", 1, NOW).check()
    with pytest.raises(RateLimited):
        count_request(table, "key_1", 1, NOW + timedelta(seconds=39)).check()
    count_request(table, "key_1", 1, NOW + timedelta(seconds=40)).check()


def test_it_costs_one_write_and_is_forgotten():
    table = MemoryTable()
    count_request(table, "key_1", 1, NOW)
    (request,) = table.journal
    assert request.write_units == 1
    (item,) = table.page("L#key_1").items
    assert item["ttl"] == int(NOW.timestamp()) + 600
