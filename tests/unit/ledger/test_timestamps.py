"""Times in and out: RFC 3339, UTC, inclusive ends, and none that does not exist."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chatledger.errors import InvalidDateRange
from chatledger.timestamps import (
    EVERYTHING,
    Range,
    day_of,
    format_time,
    from_microseconds,
    microseconds,
    parse_range,
    parse_time,
    quarter_of,
)

MOMENTS = st.datetimes(timezones=st.just(UTC))
MICROSECOND = timedelta(microseconds=1)


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[misc,arg-type]


@pytest.mark.parametrize(
    ("text", "moment"),
    [
        ("2026-11-21", utc(2026, 11, 21)),
        ("2026-11-21T10:15:00Z", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21T10:15:00", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21 10:15:00", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21t10:15:00z", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21T10:15", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21T10:15Z", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21T10:15:00+05:30", utc(2026, 11, 21, 4, 45)),
        ("2026-11-21T10:15:00-08:00", utc(2026, 11, 21, 18, 15)),
        ("2026-11-21T00:15:00+01:00", utc(2026, 11, 20, 23, 15)),
        ("2026-11-21T10:15:00-00:00", utc(2026, 11, 21, 10, 15)),
        ("2026-11-21T10:15:00-23:59", utc(2026, 11, 22, 10, 14)),
        ("2026-11-21T10:15:00.5Z", utc(2026, 11, 21, 10, 15, 0, 500_000)),
        ("2026-11-21T10:15:00.123456Z", utc(2026, 11, 21, 10, 15, 0, 123_456)),
        ("2026-11-21T10:15:00.123456999Z", utc(2026, 11, 21, 10, 15, 0, 123_456)),
        ("2026-11-21T10:15:00.000000001+01:00", utc(2026, 11, 21, 9, 15)),
        ("2028-02-29", utc(2028, 2, 29)),
        ("2027-01-01T00:30:00+01:00", utc(2026, 12, 31, 23, 30)),
        ("0001-01-01", utc(1, 1, 1)),
        ("9999-12-31T23:59:59.999999Z", utc(9999, 12, 31, 23, 59, 59, 999_999)),
    ],
)
def test_what_is_a_time(text: str, moment: datetime) -> None:
    assert parse_time(text) == moment
    assert parse_time(text).tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "yesterday",
        "1700000000",
        "2026-11",
        "20261121",
        "2026-W47-6",
        "2026-325",
        "26-11-21",
        "2026-11-21Z",
        "2026-11-21T",
        "2026-11-21T10",
        "2026-11-21T10:15:00+0500",
        "2026-11-21T10:15:00+5:00",
        "2026-11-21T10:15:00 +05:00",
        "2026-11-21T10:15:00,5Z",
        "2026-11-21T10:15.5Z",
        "2026-11-21T10:15:00.Z",
        "2026-11-21T10:15:00[Europe/Berlin]",
        " 2026-11-21",
        "2026-11-21\n",
        "2026-11-21T10:15:00Z\x00",
        "٢٠٢٦-11-21",  # Digits, but not RFC 3339's.
        "2026-02-30",
        "2026-02-29",
        "2026-13-01",
        "2026-00-10",
        "2026-11-31T10:15:00Z",
        "2026-11-21T25:00:00Z",
        "2026-11-21T10:60:00Z",
        "2026-12-31T23:59:60Z",  # A leap second: not in our calendar, said so and not guessed.
        "2026-11-21T10:15:00+24:00",
        "0000-01-01",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
        "x" * 100_000,
    ],
)
def test_what_is_not_a_time(text: str) -> None:
    with pytest.raises(ValueError, match="is not a time") as error:
        parse_time(text)
    assert len(str(error.value)) < 300
    for ends in ((text, None), (None, text)):
        with pytest.raises(InvalidDateRange):
            parse_range(*ends)


@pytest.mark.parametrize(
    ("end", "last"),
    [
        ("2026-11-21", utc(2026, 11, 21, 23, 59, 59, 999_999)),
        ("2026-11-21T10:15", utc(2026, 11, 21, 10, 15, 59, 999_999)),
        ("2026-11-21T10:14:59Z", utc(2026, 11, 21, 10, 14, 59, 999_999)),
        ("2026-11-21T10:14:59.5Z", utc(2026, 11, 21, 10, 14, 59, 599_999)),
        ("2026-11-21T10:14:59.123Z", utc(2026, 11, 21, 10, 14, 59, 123_999)),
        ("2026-11-21T10:14:59.123456Z", utc(2026, 11, 21, 10, 14, 59, 123_456)),
        ("2026-11-21T10:14:59.123456789Z", utc(2026, 11, 21, 10, 14, 59, 123_456)),
        ("2026-11-21T23:59:59-01:00", utc(2026, 11, 22, 0, 59, 59, 999_999)),
        ("2026-12-31", utc(2026, 12, 31, 23, 59, 59, 999_999)),
        ("2028-02-28", utc(2028, 2, 28, 23, 59, 59, 999_999)),
    ],
)
def test_an_end_takes_the_whole_of_what_was_written(end: str, last: datetime) -> None:
    within = parse_range(None, end)
    assert within.last_moment == last
    assert last in within
    assert last + MICROSECOND not in within
    assert within.last_day == day_of(last)


def test_a_range_has_both_its_ends() -> None:
    within = parse_range("2026-11-20", "2026-11-21")
    assert within == Range(utc(2026, 11, 20), utc(2026, 11, 22))
    assert (within.first_day, within.last_day) == ("2026-11-20", "2026-11-21")
    assert utc(2026, 11, 20) in within
    assert utc(2026, 11, 20) - MICROSECOND not in within
    assert utc(2026, 11, 21, 23, 59, 59, 999_999) in within
    assert utc(2026, 11, 22) not in within


@pytest.mark.parametrize(
    "text", ["2026-11-21", "2026-11-21T10:15:00Z", "2026-11-21T10:15:00.000001Z", "9999-12-31"]
)
def test_a_range_of_one_and_the_same_end_holds_that(text: str) -> None:
    assert parse_time(text) in parse_range(text, text)


def test_no_ends_no_bounds() -> None:
    for within in (parse_range(None, None), parse_range("", ""), EVERYTHING):
        assert (within.start, within.end) == (None, None)
        assert (within.first_day, within.last_day) == ("0001-01-01", "9999-12-31")
        assert utc(1, 1, 1) in within
        assert utc(9999, 12, 31, 23, 59, 59, 999_999) in within


def test_the_last_day_of_the_calendar_has_no_end() -> None:
    within = parse_range("9999-12-31", "9999-12-31")
    assert within.end is None
    assert utc(9999, 12, 31, 23, 59, 59, 999_999) in within
    assert within.last_day == "9999-12-31"


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("2026-11-22", "2026-11-21"),
        ("2026-11-21T10:15:01Z", "2026-11-21T10:15:00Z"),
        ("2026-11-21T00:00:00-01:00", "2026-11-21T00:59:59Z"),
    ],
)
def test_an_end_before_its_start(start: str, end: str) -> None:
    with pytest.raises(InvalidDateRange, match="before"):
        parse_range(start, end)


@pytest.mark.parametrize(
    ("moment", "text"),
    [
        (utc(2026, 11, 21, 10, 15), "2026-11-21T10:15:00Z"),
        (utc(2026, 11, 21, 10, 15, 0, 500_000), "2026-11-21T10:15:00.500000Z"),
        (utc(2026, 11, 21, 10, 15, 0, 1), "2026-11-21T10:15:00.000001Z"),
        (utc(1, 1, 1), "0001-01-01T00:00:00Z"),
        (
            datetime(2026, 11, 21, 10, 15, tzinfo=timezone(timedelta(hours=5, minutes=30))),
            "2026-11-21T04:45:00Z",
        ),
    ],
)
def test_how_a_time_is_written(moment: datetime, text: str) -> None:
    assert format_time(moment) == text


@given(MOMENTS)
def test_a_time_comes_back_as_it_was(moment: datetime) -> None:
    assert parse_time(format_time(moment)) == moment
    assert from_microseconds(microseconds(moment)) == moment


@given(MOMENTS, MOMENTS)
def test_microseconds_are_exact_and_ordered(one: datetime, other: datetime) -> None:
    assert (microseconds(one) < microseconds(other)) == (one < other)
    assert microseconds(one) - microseconds(other) == (one - other) // MICROSECOND


@given(MOMENTS)
def test_a_quarter_hour_holds_its_moment(moment: datetime) -> None:
    quarter = quarter_of(moment)
    start = parse_time(f"{day_of(moment)}T{quarter[:2]}:{quarter[2:]}:00Z")
    assert timedelta(0) <= moment - start < timedelta(minutes=15)
    assert quarter[2:] in {"00", "15", "30", "45"}
