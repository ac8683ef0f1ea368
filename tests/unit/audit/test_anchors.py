"""Anchors: one a day and trail, never written again."""

import json
from datetime import UTC, datetime, timedelta

from chatledger.audit.anchors import anchors, name_of, write_anchors
from chatledger.ledger.ledger import Ledger
from tests.fakes.clears import Clock
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_table import MemoryTable
from tests.unit.audit.trails import add, stored

MIDNIGHT = datetime(2026, 11, 22, tzinfo=UTC)


def write(table: MemoryTable, bucket: MemoryBucket, now: datetime, lock_days: int = 0) -> int:
    ledger = Ledger(table, 16, "E", Clock(now).now)
    return write_anchors(ledger, bucket, now + timedelta(minutes=1), lock_days)


def test_an_anchor_says_what_the_newest_record_is():
    table, bucket = MemoryTable(), MemoryBucket()
    add(table, 3, organization="a/..")
    assert write(table, bucket, MIDNIGHT) == 1
    assert json.loads(bucket.objects["anchors/a%2F%2E%2E/2026-11-22.json"]) == {
        "organization": "a/..",
        "day": "2026-11-22",
        "at": "2026-11-22T00:00:00Z",
        "seq": 3,
        "hash": stored(table, "a/..")[-1].hash,
    }


def test_the_first_of_a_day_stays():
    table, bucket = MemoryTable(), MemoryBucket()
    add(table, 1, organization="a")
    write(table, bucket, MIDNIGHT)
    add(table, 1, first=2, organization="a")
    assert write(table, bucket, MIDNIGHT + timedelta(hours=23)) == 0
    assert write(table, bucket, MIDNIGHT + timedelta(days=1)) == 1
    assert [each.anchor and each.anchor.seq for each in anchors(bucket, "a")] == [1, 2]


def test_every_organization_with_a_trail_has_its_own():
    table, bucket = MemoryTable(), MemoryBucket()
    names = [f"org#{number}" for number in range(20)]
    for number, name in enumerate(names):
        add(table, number + 1, organization=name)
    assert write(table, bucket, MIDNIGHT) == 20
    for number, name in enumerate(names):
        (each,) = anchors(bucket, name)
        assert each.anchor
        assert (each.anchor.organization, each.anchor.seq) == (name, number + 1)


def test_they_are_read_from_any_day_on():
    table, bucket = MemoryTable(), MemoryBucket()
    add(table, 1, organization="a")
    for day in range(3):
        write(table, bucket, MIDNIGHT + timedelta(days=day))
    assert [each.day for each in anchors(bucket, "a", name_of("a", "2026-11-22"))] == [
        "2026-11-23",
        "2026-11-24",
    ]


def test_the_bucket_keeps_it_for_as_long_as_the_parameter_says():
    table, bucket = MemoryTable(), MemoryBucket()
    add(table, 1, organization="a")
    write(table, bucket, MIDNIGHT, lock_days=400)
    assert bucket.locked_until == {name_of("a", "2026-11-22"): MIDNIGHT + timedelta(days=400)}
    write(table, bucket, MIDNIGHT + timedelta(days=1))
    assert len(bucket.locked_until) == 1


def test_when_time_is_up_the_next_run_goes_on():
    table, bucket = MemoryTable(), MemoryBucket()
    add(table, 1, organization="a")
    ledger = Ledger(table, 16, "E", Clock(MIDNIGHT).now)
    assert write_anchors(ledger, bucket, MIDNIGHT, 0) == 0
    assert write(table, bucket, MIDNIGHT) == 1
