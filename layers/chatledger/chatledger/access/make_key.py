"""Make a key: for whom and of which role, decides who asks."""

from typing import Any

from chatledger.access.admission import Caller
from chatledger.access.keys import bootstrap_key, new_key, new_secret, save_key
from chatledger.access.roles import Role
from chatledger.errors import Forbidden
from chatledger.ledger.ledger import Ledger
from chatledger.models.keys import BootstrapRequest, KeyRequest


def make_key(ledger: Ledger, caller: Caller, request: KeyRequest) -> dict[str, Any]:
    """The key with its secret, which is shown this once. Raises ``Forbidden``."""
    organization = caller.acting_in(request.organization_id).organization
    role = Role.of(request.role)
    if not caller.role.may_handle_key_of(role):
        raise Forbidden(
            f"A key of the role {caller.role.label} makes keys up to {caller.role.label}; "
            f"only an operator makes an {role.label}."
        )
    secret = new_secret()
    now = ledger.now()
    key = new_key(organization, role, request.name, request.requests_per_minute, secret, now)
    save_key(ledger.table, key, caller.actor, now)
    return key.answer() | {"key": secret}


def bootstrap(ledger: Ledger, request: BootstrapRequest) -> dict[str, Any]:
    """The first operator's key, without a limit; with the same secret again, the same key."""
    secret = request.key or new_secret()
    key = bootstrap_key(ledger.table, request.organization_id, request.name, secret, ledger.now())
    return {
        "key_id": key.key_id,
        "key": secret,
        "role": key.role.label,
        "organization_id": key.organization,
    }
