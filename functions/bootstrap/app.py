"""Makes the first operator key. No route leads here: only who may invoke it through IAM can."""

from typing import Any

from chatledger.access.make_key import bootstrap
from chatledger.api.app import ledger
from chatledger.api.bodies import validated
from chatledger.models.keys import BootstrapRequest


def lambda_handler(event: dict[str, Any], _context: Any) -> dict[str, Any]:
    return bootstrap(ledger(), validated(BootstrapRequest, event))
