"""What becomes of each message of a share, by what its conversation holds already.

A tombstone whose lines the archive proves is revived. A message that is held with the same
content is there already. One that is held with other content goes in only as the newer revision,
where that is known. What only a tombstone knows, which cannot be revived, is left alone.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from chatledger.ledger.entries import Entry, Origin, compress, quarter_hour, revival
from chatledger.ledger.heads import Head
from chatledger.ledger.held import held_entries
from chatledger.ledger.ledger import Ledger
from chatledger.ledger.slots import Slot
from chatledger.messages import revision
from chatledger.restore.job import Counts
from chatledger.restore.shares import Archived, Share


@dataclass(frozen=True, slots=True)
class Restoring:
    """An import at work. ``epoch`` and ``source``, an organization, are the archive's, if known."""

    ledger: Ledger
    organization: str
    import_id: str
    epoch: str | None = None
    source: str = ""

    def origin(self, archived: Archived) -> Origin | None:
        """Where the message comes from, where the archive's manifest says so."""
        if self.epoch is None or archived.slot is None:
            return None
        return Origin(self.epoch, self.source, archived.slot)


class Look(NamedTuple):
    """``fresh`` are to go in; ``counts`` are of the others."""

    fresh: list[Archived]
    counts: Counts


class _Held(NamedTuple):
    """A revision of a message as it is held."""

    revision: bytes
    is_live: bool
    slot: int
    origin: Origin | None
    restored_by: str | None


def look(restoring: Restoring, share: Share, head: Head | None, newest: Sequence[Slot]) -> Look:
    """Revives what can be, and says of the rest what it is; ``newest`` was read before.

    Raises ``ConditionFailed`` where a tombstone changes meanwhile: look again.
    """
    if not head:  # It is written before the first entry, so there is none.
        return Look(share.archived, Counts())
    held: dict[bytes, list[_Held]] = {}
    lines = {revision(each.line): each.line for each in share.archived}
    for entry in _entries(restoring, share, newest):
        revived = entry.is_tombstone and _revive(restoring, entry, lines)
        by = restoring.import_id if revived else entry.restored_by
        is_live = revived or not entry.is_tombstone
        for message, content in entry.digests():
            if message in share.identities:
                found = _Held(content, is_live, entry.place.slot, entry.origin, by)
                held.setdefault(message, []).append(found)
    return _judged(restoring, share, held)


def _entries(restoring: Restoring, share: Share, newest: Sequence[Slot]) -> Iterator[Entry]:
    quarters = {quarter_hour(each.message) for each in share.archived}
    ledger, organization = restoring.ledger, restoring.organization
    return held_entries(ledger, organization, share.conversation_id, quarters, newest)


def _revive(restoring: Restoring, cleared: Entry, lines: Mapping[bytes, bytes]) -> bool:
    """Whether the tombstone is live again: all its lines are there, and are proven to be its."""
    contents = [content for _, content in cleared.digests()]
    if not all(content in lines for content in contents):
        return False
    joined = b"".join(lines[content] for content in contents)
    if hashlib.sha256(joined).digest() != cleared.digest:
        return False
    update = revival(cleared, compress(joined), restoring.import_id)
    restoring.ledger.table.update(update)
    return True


def _judged(restoring: Restoring, share: Share, held: Mapping[bytes, Sequence[_Held]]) -> Look:
    fresh: list[Archived] = []
    restored = there = left = 0
    for archived in share.archived:
        known = held.get(archived.identity, ())
        content = revision(archived.line)
        same = [each for each in known if each.revision == content]
        if any(each.is_live and each.restored_by == restoring.import_id for each in same):
            restored += 1
        elif any(each.is_live for each in same):
            there += 1
        elif not same and all(_is_older(restoring, each, archived) for each in known):
            fresh.append(archived)
        else:
            left += 1
    return Look(fresh, Counts(restored, there, left))


def _is_older(restoring: Restoring, held: _Held, archived: Archived) -> bool:
    """Whether what is held is known to be older than what is archived.

    Slots of one epoch and organization say so. Without a manifest, an archive at least has its own
    revisions in their order: what this import put in came before.
    """
    origin = restoring.origin(archived)
    if origin is None:
        return held.restored_by == restoring.import_id
    if held.origin:
        if held.origin == origin:  # One slot of it had both, and what came first went in first.
            return held.restored_by == restoring.import_id
        return held.origin[:2] == origin[:2] and held.origin.slot < origin.slot
    here = (restoring.ledger.epoch, restoring.organization)
    return here == origin[:2] and held.slot < origin.slot
