"""Adopts a table that was restored from a backup. Only who may invoke it through IAM can."""

from typing import Any

from chatledger.api.app import ledger
from chatledger.ledger.ledger import adopt


def lambda_handler(_event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return {"epoch": adopt(ledger().table)}
