"""Admission: from a key, or none, to a caller who may do what the route does."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from chatledger.access import limits
from chatledger.access.keys import UNLIMITED, ApiKey, find_key
from chatledger.access.roles import Role
from chatledger.audit.record import Actor
from chatledger.aws.table import Table
from chatledger.errors import Forbidden, Unauthorized

PUBLIC = "public"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who calls, and the organization they act in. ``key_id`` is ``None`` without a key.

    ``counted_as`` names them to the limit; ``requests_per_minute`` is ``None`` without one.
    """

    organization: str
    role: Role
    key_id: str | None
    counted_as: str
    requests_per_minute: int | None

    @property
    def actor(self) -> Actor:
        """As the audit trail names them."""
        return Actor(self.key_id, self.role.label)

    def needs(self, role: Role) -> None:
        """Raises ``Forbidden`` if this is less."""
        if self.role < role:
            raise Forbidden(
                f"This needs the role {role.label}; the key has {self.role.label}. "
                f"Ask an owner for a key of the role {role.label}."
            )

    def acting_in(self, organization: str | None) -> "Caller":
        """The caller in the organization the request names; only an operator names another."""
        if organization is None or organization == self.organization:
            return self
        if self.role < Role.OPERATOR:
            raise Forbidden(
                "organization_id is not the key's own. Leave it out, or use a key of that "
                "organization."
            )
        return replace(self, organization=organization)


def secret_of(headers: Mapping[str, str]) -> str | None:
    """The key of ``Authorization: Bearer`` or ``X-API-Key``; raises ``Unauthorized``."""
    given = headers.get("x-api-key")
    authorization = headers.get("authorization")
    if authorization is None:
        return given
    scheme, _, secret = authorization.strip().partition(" ")
    secret = secret.strip()
    if scheme.lower() != "bearer" or not secret:
        raise Unauthorized("Write the header as 'Authorization: Bearer KEY'.")
    if given is not None and given != secret:
        raise Unauthorized("Authorization and X-API-Key name different keys. Send one of them.")
    return secret


def caller_with(table: Table, secret: str) -> Caller:
    """Raises ``Unauthorized``."""
    key = find_key(table, secret)
    if not key:
        raise Unauthorized("This key is not known, or was revoked. Ask an owner for another.")
    return Caller(key.organization, key.role, key.key_id, key.key_id, _limit(key))


def anonymous_at(address: str) -> Caller:
    caller = limits.caller_at(address)
    return Caller(PUBLIC, Role.WRITER, None, caller, limits.ANONYMOUS)


def _limit(key: ApiKey) -> int | None:
    if key.requests_per_minute == UNLIMITED:
        return None
    return key.requests_per_minute or limits.WITH_KEY
