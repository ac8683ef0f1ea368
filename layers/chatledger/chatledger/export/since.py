"""Since: where an incremental export begins, and which stream it moves on."""

from collections.abc import Mapping
from typing import Any

from chatledger.errors import Gone
from chatledger.ledger import feed, slots, streams
from chatledger.ledger.ledger import Ledger, current_epoch
from chatledger.models.exports import LAST, ExportRequest


def goes_on_from(
    ledger: Ledger,
    organization: str,
    request: ExportRequest,
    since: Mapping[int, int] | None,
) -> dict[str, Any]:
    """The fields of a job that say so; none for an export by days.

    The first export of a stream is one by days, and the stream begins where it ends. Raises
    ``Gone`` where nothing goes on from the position.
    """
    if request.since is None:
        return {}
    if request.since != LAST:
        return {"since": _checked(ledger, organization, since or {})}
    there = streams.load(ledger.table, organization, request.name or "")
    if not there:
        return {"stream": request.name}
    if there.epoch != current_epoch(ledger.table):
        raise Gone(
            "The table was restored from a backup since the last export of this name. Export "
            "under another name: that stream begins anew."
        )
    position = {int(shard): slot for shard, slot in there.slots.items()}
    since_last = _checked(ledger, organization, position)
    return {"since": since_last, "stream": request.name, "follows": there.export_id}


def _checked(ledger: Ledger, organization: str, position: Mapping[int, int]) -> dict[str, int]:
    feed.check_goes_on(ledger, organization, position, slots.freeze(ledger, organization))
    return {str(shard): slot for shard, slot in position.items()}
