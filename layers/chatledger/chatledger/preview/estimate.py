"""An estimate: the counts of an export, told within seconds, whatever its size."""

from datetime import timedelta
from typing import NamedTuple

from chatledger.errors import PayloadTooLarge
from chatledger.export.count import Counting
from chatledger.export.job import Counts
from chatledger.export.plan import Plan
from chatledger.export.spec import Spec
from chatledger.export.watch import OutOfTime, in_time_until
from chatledger.ledger.ledger import Ledger
from chatledger.preview.share import share_read

# Somebody waits for it in front of a screen.
ESTIMATE_WITHIN = timedelta(seconds=5)


class Estimate(NamedTuple):
    """``is_exact``: all was counted; else a sample was, and its counts stand for the whole."""

    counts: Counts
    is_exact: bool


def estimate(ledger: Ledger, spec: Spec, plan: Plan) -> Estimate:
    """Raises ``PayloadTooLarge`` where not even a sample can be had."""
    until = ledger.now() + ESTIMATE_WITHIN
    counting = Counting(ledger, spec, plan, in_time_until(ledger, until))
    try:
        counting.run()
    except OutOfTime:
        return _of_sample(ledger, spec, plan, counting)
    return Estimate(counting.counted().counts, is_exact=True)


def _of_sample(ledger: Ledger, spec: Spec, plan: Plan, counting: Counting) -> Estimate:
    if not counting.reached:
        raise PayloadTooLarge(
            f"Not a single conversation could be read in {ESTIMATE_WITHIN.seconds} seconds. "
            "Ask for fewer days."
        )
    share = share_read(ledger, plan, spec.selection.filters, counting.reached)
    # What a file of nothing has too is there once, however large the file.
    empty = Counting(ledger, spec, plan, lambda: None).counted().counts.bytes
    seen = counting.counted().counts
    counts = Counts(
        conversations=round(seen.conversations / share),
        messages=round(seen.messages / share),
        bytes=empty + round((seen.bytes - empty) / share),
    )
    return Estimate(counts, is_exact=False)
