"""The day item: which shards hold anything on a day, so that readers ask only what exists."""

from collections.abc import Iterator

from chatledger.aws import wire
from chatledger.aws.table import Between, Table, Update, items
from chatledger.ledger import keys


def mark(table: Table, organization: str, day: str, shard: int) -> None:
    """Says that the shard holds something on that day; harmless to repeat."""
    table.update(Update(keys.day(organization, day), add={"shards": frozenset({shard})}))


def held(
    table: Table, organization: str, first: str, last: str, *, newest_first: bool = False
) -> Iterator[tuple[str, frozenset[int]]]:
    """The days from ``first`` to ``last`` that hold anything, each with its shards."""
    partition = keys.days(organization)
    for item in items(table, partition, between=Between(first, last), newest_first=newest_first):
        yield wire.text(item, "SK"), wire.numbers(item, "shards")
