"""Since: where an incremental export begins, and which stream it moves on."""

from collections.abc import Mapping
from typing import Any

from chatledger.errors import Conflict, Gone
from chatledger.export import jobs
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
    ``Gone`` where nothing goes on from the position, and ``Conflict`` while the last export of the
    stream has not ended.
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
    goes_on = {"stream": request.name, "follows": there.export_id}
    if (kept := _last_position(ledger, organization, there)) is None:
        return goes_on
    position = {int(shard): slot for shard, slot in kept.items()}
    return {**goes_on, "since": _checked(ledger, organization, position)}


def _last_position(
    ledger: Ledger, organization: str, there: streams.Stream
) -> Mapping[str, int] | None:
    """Where the last export that came to a good end left the stream; None: at its beginning.

    One that failed or was cancelled after it was written is as if it had never been: its files
    are gone, or nobody can rely on them. Raises ``Conflict`` while that is not known yet.
    """
    last = jobs.load(ledger.table, organization, there.export_id)
    if last and not last.ended:
        raise Conflict(
            f"Export {last.export_id}, the last of this name, has not ended. Repeat when it has; "
            "if it waits for its acknowledgement, acknowledge it or DELETE it."
        )
    if last and last.status in {"failed", "cancelled"}:
        return last.since
    return there.slots


def _checked(ledger: Ledger, organization: str, position: Mapping[int, int]) -> dict[str, int]:
    feed.check_goes_on(ledger, organization, position, slots.freeze(ledger, organization))
    return {str(shard): slot for shard, slot in position.items()}
