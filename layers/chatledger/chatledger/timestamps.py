"""Times: RFC 3339 in and out, UTC inside, with the precision of a microsecond.

A message's time decides the UTC day and quarter hour it is stored under; a range is half-open
inside (``start <= time < end``) though both its ends are inclusive for the caller.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from chatledger.errors import InvalidDateRange

_RFC3339 = re.compile(
    r"(?P<date>\d{4}-\d\d-\d\d)"
    r"(?:[Tt ](?P<time>[01]\d:[0-5]\d|2[0-3]:[0-5]\d)"
    r"(?P<second>:[0-5]\d)?(?:\.(?P<fraction>\d+))?"
    r"(?:[Zz]|[+-](?:[01]\d|2[0-3]):[0-5]\d)?)?"
)
QUARTER_HOUR = timedelta(minutes=15)
# In a query a bare "+" arrives as a space; before an offset it can mean nothing else.
_LOST_PLUS = re.compile(r"(?<=[Tt]\d\d:\d\d:\d\d) (?=\d\d:\d\d$)")


@dataclass(frozen=True, slots=True)
class Range:
    """``start <= time < end``; ``None`` means no bound on that side."""

    start: datetime | None = None
    end: datetime | None = None

    def __contains__(self, moment: datetime) -> bool:
        return (self.start is None or moment >= self.start) and (
            self.end is None or moment < self.end
        )

    @property
    def first_day(self) -> str:
        return day_of(self.start) if self.start else "0001-01-01"

    @property
    def last_moment(self) -> datetime | None:
        """The last microsecond inside."""
        return self.end - timedelta(microseconds=1) if self.end else None

    @property
    def last_day(self) -> str:
        """The last day that can hold a message of the range."""
        return day_of(self.last_moment) if self.last_moment else "9999-12-31"


EVERYTHING = Range()


def parse_time(text: str) -> datetime:
    """RFC 3339 to UTC; without an offset it is UTC. Digits below a microsecond are dropped.

    Raises ``ValueError`` with a message fit for the caller.
    """
    return _parse(text)[0]


def parse_range(start_date: str | None, end_date: str | None) -> Range:
    """The range of two inclusive ends: a bare end date takes the whole day, a second that second.

    Raises ``InvalidDateRange``.
    """
    try:
        start = _parse(start_date)[0] if start_date else None
        end = _after(*_parse(end_date)) if end_date else None
    except ValueError as error:
        raise InvalidDateRange(str(error)) from None
    if start and end and end <= start:
        raise InvalidDateRange(
            f"end_date {end_date} is before start_date {start_date}. Swap them, or leave one out."
        )
    return Range(start, end)


def check_quarter_hours(within: Range) -> None:
    """Raises ``InvalidDateRange`` unless both ends lie on UTC quarter hours, or are open.

    It names the two nearest ends that would do, as the caller writes them: the last one inclusive.
    """
    for name, bound, written_before in (
        ("start_date", within.start, timedelta(0)),
        ("end_date", within.end, timedelta(seconds=1)),
    ):
        if bound and bound != _quarter(bound):
            nearest = [_quarter(bound), _after(_quarter(bound), QUARTER_HOUR)]
            named = [format_time(each - written_before) for each in nearest if each]
            raise InvalidDateRange(
                f"A clear takes whole UTC quarter hours, and {name} lies within one. "
                f"Send {' or '.join(named)}."
            )


def _quarter(moment: datetime) -> datetime:
    """The beginning of its quarter hour."""
    return moment.replace(minute=moment.minute - moment.minute % 15, second=0, microsecond=0)


def _parse(text: str) -> tuple[datetime, timedelta]:
    """The moment, and how long the last unit that was written lasts (a day, a minute, …)."""
    text = _LOST_PLUS.sub("+", text)
    match = _RFC3339.fullmatch(text)
    if not match or (match["fraction"] and not match["second"]):
        raise ValueError(
            f"{text[:64]!r} is not a time. Write RFC 3339, such as 2026-11-21T10:15:00Z, "
            "or a date such as 2026-11-21."
        )
    try:
        moment = datetime.fromisoformat(text.upper().replace(" ", "T"))
        moment = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError(f"{text[:64]!r} is not a time that exists: {error}.") from None
    return moment, _written_unit(match)


def _written_unit(match: re.Match[str]) -> timedelta:
    if not match["time"]:
        return timedelta(days=1)
    if not match["second"]:
        return timedelta(minutes=1)
    digits = min(len(match["fraction"] or ""), 6)
    return timedelta(microseconds=10 ** (6 - digits))


def _after(moment: datetime, unit: timedelta) -> datetime | None:
    """The first moment that is no longer in the inclusive end; ``None`` past the calendar's end."""
    try:
        return moment + unit
    except OverflowError:
        return None


def format_time(moment: datetime) -> str:
    """RFC 3339 in UTC with ``Z``; a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def day_of(moment: datetime) -> str:
    return moment.date().isoformat()


def quarter_of(moment: datetime) -> str:
    """The UTC quarter hour, as ``HHMM`` of its beginning."""
    return f"{moment.hour:02}{moment.minute - moment.minute % 15:02}"


def microseconds(moment: datetime) -> int:
    """Microseconds since 1970, exact (a float's seconds are not)."""
    return (moment - _EPOCH) // timedelta(microseconds=1)


def from_microseconds(count: int) -> datetime:
    return _EPOCH + timedelta(microseconds=count)


def utc_now() -> datetime:
    return datetime.now(UTC)


_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
