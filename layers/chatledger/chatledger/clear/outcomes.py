"""What has become of listed entries: the one look that clearing and counting share."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from isal import igzip

from chatledger.aws.table import Key
from chatledger.clear.covering import Holds
from chatledger.export.manifest import ListedEntry
from chatledger.ledger.entries import Entry
from chatledger.ledger.ledger import Ledger

# ``clearable``: live as it was archived, and nothing keeps it. ``missing``: gone altogether, or
# with other lines at the archived token, which never happens.
Outcome = Literal[
    "cleared", "cleared_elsewhere", "retained_changed", "retained_held", "clearable", "missing"
]


@dataclass(frozen=True, slots=True)
class Seen:
    listed: ListedEntry
    entry: Entry | None
    outcome: Outcome


@dataclass(frozen=True, slots=True)
class Looker:
    """Looks for an export, with the holds as they were read."""

    ledger: Ledger
    organization: str
    export_id: str
    holds: Holds

    def look(self, listed: Sequence[ListedEntry]) -> Iterator[Seen]:
        """Reads the entries now, and heads where a hold asks for them."""
        places = [each.place(self.organization) for each in listed]
        found = self.ledger.table.get_many(places)
        entries = [Entry.of(found[place]) if place in found else None for place in places]
        pairs = list(zip(listed, entries, strict=True))
        held = self._held([entry for each, entry in pairs if entry and _is_as_listed(entry, each)])
        for each, entry in pairs:
            yield Seen(each, entry, self._outcome(each, entry, held))

    def _held(self, live: Sequence[Entry]) -> dict[Key, bool]:
        """Of those that are as they were archived, whether a hold covers them."""
        covered = self.holds.covered(entry.place.conversation_id for entry in live)
        return {
            entry.key: covered.holds(entry.place.conversation_id, entry.quarter) for entry in live
        }

    def _outcome(self, listed: ListedEntry, entry: Entry | None, held: dict[Key, bool]) -> Outcome:
        if entry is None:
            return "missing"
        if entry.is_tombstone:
            return "cleared" if entry.cleared_by == self.export_id else "cleared_elsewhere"
        if entry.token.hex() != listed.w:
            return "retained_changed"
        if entry.key not in held:
            return "missing"
        return "retained_held" if held[entry.key] else "clearable"


def _is_as_listed(entry: Entry, listed: ListedEntry) -> bool:
    """Whether it is live, with the archived token and the archived lines."""
    if entry.is_tombstone or entry.token.hex() != listed.w:
        return False
    return hashlib.sha256(igzip.decompress(entry.payload)).hexdigest() == listed.digest
