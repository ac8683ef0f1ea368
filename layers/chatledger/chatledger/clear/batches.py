"""Listed entries, some at a time."""

from collections.abc import Iterable, Iterator, Sequence

from chatledger.export.manifest import ListedEntry

# One request reads so many items.
_MOST_ENTRIES = 100
# What they hold is in memory several times while an answer is read: on the wire and decoded.
_MOST_BYTES = 1024 * 1024


def batches(entries: Iterable[ListedEntry]) -> Iterator[Sequence[ListedEntry]]:
    """Of at most 100 entries and, but for a single larger one, 1 MB."""
    batch, size = list[ListedEntry](), 0
    for entry in entries:
        if len(batch) == _MOST_ENTRIES or (batch and size + entry.bytes > _MOST_BYTES):
            yield batch
            batch, size = [], 0
        batch.append(entry)
        size += entry.bytes
    if batch:
        yield batch
