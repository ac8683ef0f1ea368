"""Which share of a plan was read when time was up: what it takes to speak of the whole.

A conversation's shard is a hash of its id, so what was read of some shards is a fair sample of
all; within the shard that was not read to its end, conversations come in the order of their ids.
"""

from chatledger.aws.table import pages
from chatledger.export.chunk import Position
from chatledger.export.plan import Plan
from chatledger.ledger import keys
from chatledger.ledger.ledger import Ledger
from chatledger.selection import Filters


def share_read(ledger: Ledger, plan: Plan, filters: Filters, reached: Position) -> float:
    """Above 0, at most 1: up to this position, of all that a pass over the plan reads."""
    shards = [shard for part in plan.parts for shard in part.shards]
    before = shards[: shards.index(reached.shard)]
    named = filters.named(ledger, plan.organization)
    if named is not None:
        return _of_named(ledger, named, before, reached)
    weights = {shard: _appends(plan, shard) for shard in shards}
    passed, in_all = _heads(ledger, plan, reached)
    begun = weights[reached.shard] * passed / max(1, in_all)
    return (sum(weights[shard] for shard in before) + begun) / sum(weights.values())


def _of_named(ledger: Ledger, named: frozenset[str], before: list[int], reached: Position) -> float:
    shard_of = {each: ledger.shard_of(each) for each in named}
    passed = [
        each
        for each, shard in shard_of.items()
        if shard in before or (shard == reached.shard and keys.escape(each) <= reached.after)
    ]
    return len(passed) / len(named)


def _appends(plan: Plan, shard: int) -> int:
    """How much a shard holds, about: the appends that the plan sees of it."""
    return plan.frozen[str(shard)] - (plan.after or {}).get(str(shard), 0)


def _heads(ledger: Ledger, plan: Plan, reached: Position) -> tuple[int, int]:
    """How many conversations of the shard come up to the position, and how many there are."""
    ids = list[bool]()
    passed = in_all = 0
    for page in pages(ledger.table, keys.heads(plan.organization, reached.shard)):
        ids = [str(item["SK"]) <= reached.after for item in page.items]
        passed, in_all = passed + sum(ids), in_all + len(ids)
    return passed, in_all
