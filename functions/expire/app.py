"""Expire, once a day: lets go of slots and tombstones that are older than the history."""

from datetime import timedelta
from typing import Any

from chatledger.api.app import ledger
from chatledger.api.step import step, time_is_up_at
from chatledger.endings.expire import expire
from chatledger.settings import settings


def lambda_handler(_event: dict[str, Any], context: Any) -> None:
    with step({}) as said:
        history = timedelta(days=settings().history_days)
        expired = expire(ledger(), history, time_is_up_at(ledger().now(), context))
        said.update(slots=expired.slots, tombstones=expired.tombstones, done=expired.done)
