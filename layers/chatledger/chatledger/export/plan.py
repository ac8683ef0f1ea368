"""Plan: what an export sees, frozen once, and the parts it is written in."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

import msgspec

from chatledger.aws.bucket import AlreadyThere
from chatledger.documents.listing import ranges
from chatledger.export import places
from chatledger.export.exporter import Exporter
from chatledger.export.job import Job
from chatledger.export.spec import Spec
from chatledger.ledger import days, feed, slots
from chatledger.ledger.cells import Snapshot
from chatledger.ledger.ledger import Ledger, current_epoch
from chatledger.selection import Selection
from chatledger.timestamps import Range

# An append is a turn or a batch, about 1.3 KB of a file: so many make a part of about 64 MB.
APPENDS_PER_PART = 50_000


class Part(msgspec.Struct, frozen=True):
    """Some shards, one after the other; or the documents from one sort key to another."""

    number: int
    shards: tuple[int, ...] = ()
    between: tuple[str, str] | None = None


class Plan(msgspec.Struct, frozen=True):
    """``frozen``: the last slot of each shard that is seen; ``days``: those that hold anything.

    ``after``: where an earlier export ended, of one that goes on after it; ``epoch``: in which life
    of the table these slots were given out. A plan of documents has parts and nothing else.
    """

    organization: str
    start: datetime | None
    end: datetime | None
    frozen: dict[str, int]
    days: dict[str, tuple[int, ...]]
    parts: tuple[Part, ...]
    epoch: str = ""
    after: dict[str, int] | None = None

    @property
    def snapshot(self) -> Snapshot:
        after = None if self.after is None else by_shard(self.after)
        within = Range(self.start, self.end)
        return Snapshot(self.organization, within, by_shard(self.frozen), after)

    def days_of(self, shard: int) -> list[str]:
        return [day for day, shards in self.days.items() if shard in shards]


def planned(exporter: Exporter, job: Job, spec: Spec) -> Plan:
    """The plan that is there, or a new one; of two made at once, the first one's."""
    place = places.plan(job.organization, job.export_id)
    if made := exporter.exports.get(place):
        return msgspec.json.decode(made, type=Plan)
    wanted = (exporter.ledger, job.organization, spec.selection)
    plan = document_plan(*wanted) if spec.is_of_documents else make_plan(*wanted, job.since)
    try:
        exporter.exports.put(place, msgspec.json.encode(plan), "application/json", once=True)
    except AlreadyThere:
        return planned(exporter, job, spec)
    return plan


def parts_list(count: int) -> bytes:
    """What a map of the workflow goes through: the numbers of so many parts."""
    return msgspec.json.encode([{"part": number} for number in range(1, count + 1)])


def by_shard(slots: Mapping[str, int]) -> dict[int, int]:
    """JSON's keys are text."""
    return {int(shard): slot for shard, slot in slots.items()}


def make_plan(
    ledger: Ledger, organization: str, selection: Selection, since: Mapping[str, int] | None = None
) -> Plan:
    """Freezes the slots first: whatever is committed after that is not seen.

    ``since``: where an earlier export ended; raises ``Gone`` where nothing goes on from there.
    """
    epoch = current_epoch(ledger.table)
    frozen = slots.freeze(ledger, organization)
    within = selection.within
    if since is None:
        chosen, weights = _by_days(ledger, organization, frozen, within)
    else:
        touched, weights = feed.days_between(ledger, organization, by_shard(since), frozen)
        chosen = {day: tuple(sorted(touched[day])) for day in sorted(touched)}
    return Plan(
        organization=organization,
        start=within.start,
        end=within.end,
        frozen={str(shard): slot for shard, slot in frozen.items()},
        days=chosen,
        parts=tuple(_parts(weights)),
        epoch=epoch,
        after=dict(since) if since is not None else None,
    )


def document_plan(ledger: Ledger, organization: str, selection: Selection) -> Plan:
    """Nothing is frozen: a document is exported as it is when its part comes to it."""
    found = ranges(ledger.table, organization, selection)
    parts = [Part(number, between=each) for number, each in enumerate(found, 1)]
    within = selection.within
    return Plan(organization, within.start, within.end, frozen={}, days={}, parts=tuple(parts))


def _by_days(
    ledger: Ledger, organization: str, frozen: dict[int, int], within: Range
) -> tuple[dict[str, tuple[int, ...]], dict[int, int]]:
    """The days of the range that hold anything, and about how many appends each shard has there."""
    everything = dict(days.held(ledger.table, organization, "0001-01-01", "9999-12-31"))
    chosen = {
        day: tuple(sorted(shards))
        for day, shards in everything.items()
        if within.first_day <= day <= within.last_day
    }
    return chosen, _appends(frozen, list(everything.values()), list(chosen.values()))


def _appends(
    frozen: dict[int, int],
    everything: Sequence[frozenset[int]],
    chosen: Sequence[Sequence[int]],
) -> dict[int, int]:
    """About how many appends each shard has in the chosen days: its slots, spread over its days."""
    held = Counter(shard for shards in everything for shard in shards)
    wanted = Counter(shard for shards in chosen for shard in shards)
    return {shard: frozen[shard] * wanted[shard] // held[shard] for shard in sorted(wanted)}


def _parts(weights: dict[int, int]) -> Iterator[Part]:
    number, shards, weight = 1, list[int](), 0
    for shard, appends in weights.items():
        if shards and weight + appends > APPENDS_PER_PART:
            yield Part(number, tuple(shards))
            number, shards, weight = number + 1, [], 0
        shards.append(shard)
        weight += appends
    if shards:
        yield Part(number, tuple(shards))
