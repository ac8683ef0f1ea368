"""Verify: a changed, dropped, reordered, inserted record is found and named, and so is a cut."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta

import msgspec
import pytest

from chatledger.audit import chain
from chatledger.audit.anchors import name_of, write_anchors
from chatledger.audit.record import Record, hash_of
from chatledger.audit.verify import MAX_PROBLEMS, Place, Verdict, verify
from chatledger.aws.table import Key
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from tests.fakes.clears import Clock
from tests.fakes.memory_bucket import MemoryBucket
from tests.fakes.memory_table import MemoryTable
from tests.unit.audit.trails import NOON, ORGANIZATION, add, stored

JSON = "application/json"


@dataclass
class Trail:
    """Ten records; the anchor of each of two days saw the newest of then."""

    table: MemoryTable = field(default_factory=MemoryTable)
    bucket: MemoryBucket = field(default_factory=lambda: MemoryBucket("archive", versioned=True))
    clock: Clock = field(default_factory=lambda: Clock(NOON))

    def __post_init__(self) -> None:
        add(self.table, 4)
        self.anchor()
        add(self.table, 4, first=5)
        self.anchor()
        add(self.table, 2, first=9)

    @property
    def ledger(self) -> Ledger:
        return Ledger(self.table, 16, "E", self.clock.now, self.clock.sleep)

    def anchor(self) -> None:
        self.clock.go_on(days=1)
        write_anchors(self.ledger, self.bucket, self.clock.time + timedelta(hours=1), 0)

    def verify(self, start: Place | None = None) -> Verdict:
        until = self.clock.time + timedelta(days=9)
        return verify(self.ledger, self.bucket, ORGANIZATION, until, start or Place())

    def problems(self) -> list[tuple[int | None, str]]:
        return [(each.seq, each.what) for each in self.verify().problems]

    # What somebody who may write everything does to the table:

    def drop(self, seq: int) -> None:
        self.table.delete(keys.audit_record(ORGANIZATION, seq))

    def write(self, place: str, record: Record, hash_: str | None = None) -> None:
        canonical = record.canonical
        self.table.poke(
            {
                "PK": keys.audit(ORGANIZATION),
                "SK": place,
                "record": canonical,
                "hash": hash_ or hash_of(canonical),
            }
        )

    def record(self, seq: int) -> Record:
        return stored(self.table)[seq - 1].record

    def rewrite(self, seq: int) -> None:
        """Changes a record and makes all that come after fit again."""
        record = msgspec.structs.replace(self.record(seq), counts={})
        for number in range(seq, 11):
            self.write(f"{number:012}", record)
            if number < 10:
                before = hash_of(record.canonical)
                record = msgspec.structs.replace(self.record(number + 1), prev=before)


@pytest.fixture
def trail() -> Trail:
    return Trail()


def test_an_untouched_trail_is_valid(trail: Trail):
    verdict = trail.verify()
    assert verdict.problems == []
    assert (verdict.records, verdict.anchors, verdict.place) == (10, 2, None)
    assert verdict.first
    assert verdict.last
    assert (verdict.first.seq, verdict.last.seq) == (1, 10)
    assert verdict.last.hash == stored(trail.table)[-1].hash


def test_no_trail_is_valid():
    trail = Trail()
    assert verify(trail.ledger, trail.bucket, "other", trail.clock.time, Place()) == Verdict()


@pytest.mark.parametrize("seq", range(1, 11))
def test_a_changed_record_is_named(trail: Trail, seq: int):
    changed = msgspec.structs.replace(trail.record(seq), subject={"hold_id": "another"})
    trail.write(f"{seq:012}", changed, hash_=stored(trail.table)[seq - 1].hash)
    assert trail.problems() == [(seq, "It was changed: it does not have its hash.")]


@pytest.mark.parametrize("seq", range(1, 10))
def test_a_changed_record_with_a_hash_to_fit_is_named_by_the_next(trail: Trail, seq: int):
    trail.write(f"{seq:012}", msgspec.structs.replace(trail.record(seq), counts={}))
    before = f"record {seq}"
    what = f"It does not follow from {before}: one of the two was replaced."
    assert (seq + 1, what) in trail.problems()


@pytest.mark.parametrize("seq", range(1, 9))
def test_a_trail_written_anew_from_some_record_on_does_not_fit_its_anchors(trail: Trail, seq: int):
    trail.rewrite(seq)
    found = trail.problems()
    assert [each[0] for each in found] == ([4, 8] if seq <= 4 else [8])
    assert "saw another record here" in found[0][1]


@pytest.mark.parametrize("seq", [2, 3, 5, 9])
def test_a_dropped_record_is_named(trail: Trail, seq: int):
    trail.drop(seq)
    assert trail.problems() == [(seq, f"Record {seq} is missing.")]


def test_the_first_records_are_missed(trail: Trail):
    trail.drop(1)
    trail.drop(2)
    assert trail.problems() == [(1, "Records 1 to 2 are missing.")]


@pytest.mark.parametrize("last", [7, 4, 3, 0])
def test_a_tail_cut_before_an_anchor_is_found(trail: Trail, last: int):
    for seq in range(last + 1, 11):
        trail.drop(seq)
    gone = [seq for seq in (4, 8) if seq > last]
    days = {4: "2026-11-22", 8: "2026-11-23"}
    assert trail.problems() == [
        (seq, f"The anchor of {days[seq]} saw this record; it is gone.") for seq in gone
    ]


def test_a_tail_cut_after_the_last_anchor_is_what_only_the_next_anchor_could_show(trail: Trail):
    trail.drop(10)
    assert trail.problems() == []


def test_reordered_records_are_named(trail: Trail):
    second, third = trail.record(2), trail.record(3)
    trail.write("000000000002", third)
    trail.write("000000000003", second)
    assert trail.problems()[:2] == [
        (2, "It is record 3, moved here."),
        (3, "It is record 2, moved here."),
    ]


def test_reordered_records_with_their_numbers_changed_are_named(trail: Trail):
    second, third = trail.record(2), trail.record(3)
    trail.write("000000000002", msgspec.structs.replace(third, seq=2))
    trail.write("000000000003", msgspec.structs.replace(second, seq=3))
    assert [each[0] for each in trail.problems()] == [2, 3, 4]


@pytest.mark.parametrize("place", ["000000000005x", "0000000000055", "5", "zzz", " "])
def test_an_inserted_item_is_named(trail: Trail, place: str):
    trail.write(place, msgspec.structs.replace(trail.record(5), counts={}))
    assert trail.problems() == [(None, f"The item {place!r} is no record: somebody put it there.")]


def test_an_inserted_record_that_moves_the_others_is_named(trail: Trail):
    for seq in range(10, 5, -1):
        trail.write(f"{seq + 1:012}", trail.record(seq))
    trail.write("000000000006", trail.record(5))
    assert trail.problems()[0] == (6, "It is record 5, moved here.")


def test_another_organizations_records_are_none_of_ours(trail: Trail):
    add(trail.table, 10, organization="other")
    for seq, other in enumerate(stored(trail.table, "other"), 1):
        trail.write(f"{seq:012}", other.record)
    problems = trail.problems()
    assert problems[0] == (1, "It is another organization's record.")
    assert len({seq for seq, _ in problems}) == 10


@pytest.mark.parametrize("junk", [b"", b"{}", b"\xff", b'{"seq": "1"}'])
def test_junk_is_named(trail: Trail, junk: bytes):
    item = {"PK": keys.audit(ORGANIZATION), "SK": "000000000003"}
    trail.table.poke({**item, "record": junk, "hash": hash_of(junk)})
    assert trail.problems()[0] == (3, "It was replaced by something that is no record.")


def test_an_item_without_its_attributes_is_named(trail: Trail):
    trail.table.poke({"PK": keys.audit(ORGANIZATION), "SK": "000000000003", "record": 7})
    assert len(trail.problems()) == 2
    assert trail.problems()[1] == (3, "Record 3 is missing.")


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff"])
def test_an_anchor_that_cannot_be_read_is_named(trail: Trail, data: bytes):
    trail.bucket.put(name_of(ORGANIZATION, "2026-11-30"), data, JSON)
    assert trail.problems() == [(None, "The anchor of 2026-11-30 cannot be read.")]


def test_an_anchor_of_another_organization_counts_for_nothing(trail: Trail):
    place = name_of(ORGANIZATION, "2026-11-22")
    other = trail.bucket.objects[place].replace(b"acme/#1", b"acme/#2")
    trail.bucket.put(name_of(ORGANIZATION, "2026-11-30"), other, JSON)
    assert trail.problems() == [(None, "The anchor of 2026-11-30 cannot be read.")]


def test_an_anchor_that_was_written_over_or_hidden_still_counts(trail: Trail):
    """A lock keeps the version that was written first; what is put over it is not asked."""
    trail.rewrite(2)
    found = trail.problems()
    assert found
    for day in ("2026-11-22", "2026-11-23"):
        trail.bucket.put(name_of(ORGANIZATION, day), b"{}", JSON)
    assert trail.problems() == found
    trail.bucket.delete_under("anchors/")
    assert trail.problems() == found


def test_what_is_appended_and_anchored_meanwhile_is_no_problem(trail: Trail):
    walked = trail.table.page

    def page(*args: object, **kwargs: object) -> object:
        found = walked(*args, **kwargs)  # pyright: ignore[reportArgumentType]
        if not kwargs.get("limit") and not kwargs.get("newest_first"):
            trail.table.page = walked
            add(trail.table, 3, first=11)
            trail.anchor()
        return found

    trail.table.page = page  # pyright: ignore[reportAttributeAccessIssue]
    verdict = trail.verify()
    assert (verdict.problems, verdict.records) == ([], 10)
    assert trail.verify().records == 13


def interrupted(trail: Trail, every: int) -> tuple[list[Verdict], int]:
    """Verdicts of walks whose time is up after so many looks at the clock."""
    verdicts: list[Verdict] = []
    place: Place | None = Place()
    while place:
        looks = [0]

        def now(looks: list[int] = looks) -> object:
            looks[0] += 1
            return trail.clock.time + timedelta(hours=looks[0] > every)

        ledger = Ledger(trail.table, 16, "E", now, trail.clock.sleep)  # pyright: ignore[reportArgumentType]
        until = trail.clock.time + timedelta(minutes=1)
        verdicts.append(verify(ledger, trail.bucket, ORGANIZATION, until, place))
        place = verdicts[-1].place
        assert len(verdicts) < 50
    return verdicts, sum(each.records for each in verdicts)


@pytest.mark.parametrize("every", [1, 2, 3, 5])
@pytest.mark.parametrize(
    "harm",
    [
        lambda _: None,
        lambda trail: trail.drop(5),
        lambda trail: trail.rewrite(3),
        lambda trail: trail.write("zzz", trail.record(5)),
        lambda trail: [trail.drop(seq) for seq in (7, 8, 9, 10)],
    ],
)
def test_walking_in_pieces_sees_the_same(trail: Trail, every: int, harm: Callable[[Trail], object]):
    harm(trail)
    whole = trail.verify()
    verdicts, records = interrupted(trail, every)
    assert len(verdicts) > 1
    assert [problem for each in verdicts for problem in each.problems] == whole.problems
    assert (records, sum(each.anchors for each in verdicts)) == (whole.records, whole.anchors)


def test_a_trail_that_is_wrong_all_over_is_told_in_pieces():
    trail = Trail()
    add(trail.table, 2 * MAX_PROBLEMS, first=11)
    for each in stored(trail.table):
        trail.write(each.place, each.record, hash_="0")
    verdict = trail.verify()
    assert len(verdict.problems) in range(MAX_PROBLEMS, MAX_PROBLEMS + 3)
    assert verdict.place
    assert trail.verify(verdict.place).problems


def test_memory_is_that_of_a_page(trail: Trail):
    """The table is asked for pages, each after the one before, and for nothing twice."""
    add(trail.table, 3_000, first=11)
    trail.table.journal.clear()
    assert trail.verify().records == 3_010
    pages = [request for request in trail.table.journal if request.operation == "page"]
    assert len(pages) >= 2
    assert sum(len(page.keys) for page in pages) == 3_010


def test_a_record_cannot_be_put_over_by_an_append(trail: Trail):
    """Whoever appends with an old head in mind is refused, and looks again."""
    before = stored(trail.table)
    add(trail.table, 1, first=11)
    assert stored(trail.table)[:-1] == before
    assert chain.at(trail.table, ORGANIZATION, 11)
    assert trail.table.peek(Key("A##organizations", keys.escape(ORGANIZATION)))
