"""The trail as it is read: newest first, filtered while it is gone through."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import msgspec

from chatledger.audit import chain
from chatledger.audit.chain import Stored
from chatledger.audit.record import ACTIONS, Record
from chatledger.aws.table import Page, Table, pages
from chatledger.errors import InvalidRequest
from chatledger.ledger import keys
from chatledger.timestamps import EVERYTHING, Range

# What one request goes through at most; behind that it answers what it has, and a cursor.
MOST_PAGES = 5
_PAGE = 1_000
# Records are in the order they were written, which clocks and repeats follow but for some minutes.
_OUT_OF_ORDER = timedelta(minutes=30)


@dataclass(frozen=True, slots=True)
class Filter:
    """``action``: one, or the first word of several; ``subject``: an id that the record is about.

    ``key_id``: who did it.
    """

    within: Range = EVERYTHING
    action: str | None = None
    subject: str | None = None
    key_id: str | None = None

    def __post_init__(self) -> None:
        """Of a word that is never recorded an empty list would say that it never happened.

        Raises ``InvalidRequest``.
        """
        words = {*ACTIONS, *(each.partition(".")[0] for each in ACTIONS)}
        if self.action is not None and self.action not in words:
            raise InvalidRequest(f"There is no such action; use one of {', '.join(sorted(words))}.")

    def takes(self, record: Record) -> bool:
        return (
            datetime.fromisoformat(record.at) in self.within
            and self._takes_action(record.action)
            and self._takes_subject(record)
            and self.key_id in {None, record.actor.key_id}
        )

    def ends_before(self, record: Record) -> bool:
        """Whether all that are older are too old."""
        start = self.within.start
        return start is not None and start - datetime.fromisoformat(record.at) > _OUT_OF_ORDER

    def _takes_action(self, action: str) -> bool:
        return self.action in {None, action, action.partition(".")[0]}

    def _takes_subject(self, record: Record) -> bool:
        if self.subject is None:
            return True
        return any(self.subject in told.split(" ") for told in record.subject.values())


def list_records(
    table: Table, organization: str, wanted: Filter, after: str | None, limit: int
) -> tuple[dict[str, Any], str | None]:
    """Records, newest first, and the place behind which there are more."""
    found: list[dict[str, Any]] = []
    read = pages(
        table, keys.audit(organization), after=after, newest_first=True, limit=lambda: _PAGE
    )
    for number, page in enumerate(read, 1):
        last, is_end = _take(page, wanted, found, limit)
        if is_end:
            return _answer(found, limit), None
        if last or page.after is None or number == MOST_PAGES:
            return _answer(found, limit), last or page.after
    return _answer(found, limit), None


def _take(
    page: Page, wanted: Filter, found: list[dict[str, Any]], limit: int
) -> tuple[str | None, bool]:
    """Adds what is wanted; the place of the last if they are enough, and whether it is the end."""
    for stored, record in _records(page):
        if wanted.ends_before(record):
            return None, True
        if wanted.takes(record):
            if len(found) == limit:
                return _last_place(found), False
            found.append(_told(stored, record))
    return None, False


def _records(page: Page) -> Iterator[tuple[Stored, Record]]:
    """Leaves out what is none: somebody put it there, and verify names it."""
    for item in page.items:
        with suppress(KeyError, TypeError, ValueError):
            stored = chain.stored_of(item)
            record = stored.record
            datetime.fromisoformat(record.at)
            yield stored, record


def _last_place(found: list[dict[str, Any]]) -> str:
    return f"{found[-1]['seq']:0{chain.DIGITS}}"


def _told(stored: Stored, record: Record) -> dict[str, Any]:
    """All that the hash was made of, and the hash."""
    return msgspec.to_builtins(record) | {"hash": stored.hash}


def _answer(found: list[dict[str, Any]], limit: int) -> dict[str, Any]:
    return {"records": found, "limit": limit}
