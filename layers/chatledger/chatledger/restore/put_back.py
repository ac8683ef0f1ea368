"""Puts a group of an archive's messages back: what is missing is appended, many slots at once.

The protocol is an append's (docs/design.md, "Append"), for many conversations of a shard in one
go: the shard's newest slots are read, then what the conversations hold, then days, links and heads
are written, and the next slots are taken with their entries, as many in one transaction as fit.
Who finds a slot taken starts over with what is left, and with fewer at once.
"""

from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass
from datetime import timedelta
from typing import NamedTuple

from chatledger.aws.table import ConditionFailed
from chatledger.errors import StorageError
from chatledger.ledger import heads, slots
from chatledger.ledger.commit import MAX_BYTES, MAX_ENTRIES, back_off, commit
from chatledger.ledger.describe import describe
from chatledger.ledger.entries import Piece
from chatledger.ledger.heads import Head
from chatledger.ledger.slots import Slot
from chatledger.restore.job import Counts
from chatledger.restore.look import Look, Restoring, look
from chatledger.restore.records import users_of
from chatledger.restore.runs import runs_of
from chatledger.restore.shares import Archived, Share

# Without any progress for so long, the step gives up and is called again.
_PATIENCE = timedelta(seconds=60)

Runs = list[list[Piece]]


class _Ready(NamedTuple):
    """A share that was looked at; its conversation is described, its runs each take a slot."""

    share: Share
    look: Look
    runs: Runs

    @property
    def counts(self) -> Counts:
        """Once the runs are committed."""
        return self.look.counts + Counts(restored=len(self.look.fresh))


def put_back(restoring: Restoring, shares: Iterable[Share], pool: Executor) -> Counts:
    """What became of the messages. Raises ``StorageError``: a repeat goes on and counts the same.

    No two shares are of one conversation.
    """
    by_shard: dict[int, list[Share]] = {}
    for share in shares:
        shard = restoring.ledger.shard_of(share.conversation_id)
        by_shard.setdefault(shard, []).append(share)
    counts = Counts()
    for shard, of_shard in sorted(by_shard.items()):
        counts += _Shard(restoring, shard, pool).put_back(of_shard)
    return counts


@dataclass(frozen=True, slots=True)
class _Shard:
    restoring: Restoring
    shard: int
    pool: Executor

    def put_back(self, shares: Sequence[Share]) -> Counts:
        ledger, counts = self.restoring.ledger, Counts()
        left, at_once = list(shares), len(shares)
        attempt, until = 0, ledger.now() + _PATIENCE
        while left:
            if ledger.now() > until:
                raise StorageError
            back_off(ledger, attempt)
            asked = left[:at_once]
            settled = self._round(asked)
            counts = sum((each.counts for each in settled), counts)
            if settled:
                attempt, until = 0, ledger.now() + _PATIENCE
            if len(settled) < len(asked):
                attempt, at_once = attempt + 1, max(1, at_once // 2)
            done = {each.share.conversation_id for each in settled}
            left = [share for share in left if share.conversation_id not in done]
        return counts

    def _round(self, shares: Sequence[Share]) -> list[_Ready]:
        """Those that are settled; another writer may have come between, then not all are."""
        ledger, organization = self.restoring.ledger, self.restoring.organization
        newest = slots.newest(ledger.table, organization, self.shard, ledger.now())
        ids = [share.conversation_id for share in shares]
        found = heads.load_many(ledger.table, organization, ledger.shards, ids)

        def prepared(share: Share) -> _Ready | None:
            return self._prepared(share, found.get(share.conversation_id), newest)

        ready = [each for each in self.pool.map(prepared, shares) if each]
        number = newest[0].number + 1 if newest else 1
        settled: list[_Ready] = []
        for taken, whole in _transactions(ready):
            until = ledger.now() + _PATIENCE
            if taken and not commit(ledger, organization, self.shard, number, taken, until):
                break
            number += len(taken)
            settled += whole
        return settled

    def _prepared(self, share: Share, head: Head | None, newest: Sequence[Slot]) -> _Ready | None:
        """None where somebody wrote the conversation meanwhile: it is to be looked at anew."""
        try:
            seen = look(self.restoring, share, head, newest)
            if seen.fresh:
                self._describe(share, head, seen.fresh)
        except ConditionFailed:
            return None
        return _Ready(share, seen, list(runs_of(self.restoring, seen.fresh)))

    def _describe(self, share: Share, head: Head | None, fresh: Sequence[Archived]) -> None:
        """What the archive says of the conversation only fills what a head does not say."""
        said = head.about if head else {}
        archived = share.head.about if share.head else {}
        about = {name: value for name, value in archived.items() if name not in said}
        messages = [each.message for each in fresh]
        restoring, users = self.restoring, users_of(share.head)
        describe(restoring.ledger, restoring.organization, head, messages, users, about)


def _transactions(ready: Iterable[_Ready]) -> Iterator[tuple[Runs, list[_Ready]]]:
    """Runs that fit one transaction, and the shares that are whole with them."""
    taken: Runs = []
    whole: list[_Ready] = []
    items = size = 0
    for each in ready:
        for run in each.runs:
            more, larger = 1 + len(run), sum(len(piece.payload) for piece in run)
            if taken and (items + more > MAX_ENTRIES + 1 or size + larger > MAX_BYTES):
                yield taken, whole
                taken, whole, items, size = [], [], 0, 0
            taken.append(run)
            items, size = items + more, size + larger
        whole.append(each)
    if whole or taken:
        yield taken, whole
