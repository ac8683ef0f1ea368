"""Anchors: the head of each chain, once a day, in the archive bucket, where nobody writes it again.

Who could rewrite the table cannot make a shorter or another trail fit the anchors it left.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec

from chatledger.audit import chain
from chatledger.aws.bucket import AlreadyThere, Bucket
from chatledger.aws.table import Table
from chatledger.identifiers import as_folder
from chatledger.ledger.ledger import Ledger
from chatledger.timestamps import day_of, format_time

_AT_ONCE = 8


class Anchor(msgspec.Struct, frozen=True, kw_only=True):
    """On that day, the record ``seq`` was the newest, and had this hash."""

    organization: str
    day: str
    at: str
    seq: int
    hash: str


@dataclass(frozen=True, slots=True)
class Anchored:
    """An anchor and where it lies; None where it cannot be read."""

    name: str
    anchor: Anchor | None

    @property
    def day(self) -> str:
        return self.name.rpartition("/")[2].removesuffix(".json")


def write_anchors(ledger: Ledger, bucket: Bucket, until: datetime, lock_days: int) -> int:
    """Anchors every trail that has no anchor of this day yet, until time is up; answers how many.

    With ``lock_days`` the bucket keeps each for so long, in governance mode. Harmless to repeat.
    """
    table, now = ledger.table, ledger.now()
    locked_until = now + timedelta(days=lock_days) if lock_days else None

    def write(organization: str) -> bool:
        return ledger.now() < until and _write(table, bucket, organization, now, locked_until)

    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(write, _organizations(table)))


def anchors(bucket: Bucket, organization: str, after: str = "") -> Iterator[Anchored]:
    """In the order of their days, those behind the name ``after``.

    Each as it was first written: a lock keeps that version, and not that nothing is put over it.
    """
    for name, version in bucket.first_versions_under(_folder(organization), after):
        data = b"".join(bucket.read(name, version=version))
        try:
            yield Anchored(name, msgspec.json.decode(data, type=Anchor))
        except msgspec.DecodeError:
            yield Anchored(name, None)


def name_of(organization: str, day: str) -> str:
    return f"{_folder(organization)}{day}.json"


def _folder(organization: str) -> str:
    return f"anchors/{as_folder(organization)}/"


def _organizations(table: Table) -> Iterator[str]:
    after = None
    while some := chain.organizations(table, after):
        yield from some
        after = some[-1]


def _write(
    table: Table, bucket: Bucket, organization: str, now: datetime, locked_until: datetime | None
) -> bool:
    head = chain.newest(table, organization)
    if not head:
        return False
    day = day_of(now)
    anchor = Anchor(
        organization=organization, day=day, at=format_time(now), seq=head.seq, hash=head.hash
    )
    place, data = name_of(organization, day), msgspec.json.encode(anchor)
    with suppress(AlreadyThere):
        bucket.put(place, data, "application/json", once=True, locked_until=locked_until)
        return True
    return False
