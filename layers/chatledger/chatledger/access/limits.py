"""Limits: how many requests a caller may send in a clock minute."""

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from chatledger.aws import wire
from chatledger.aws.table import Table, Update
from chatledger.errors import RateLimited
from chatledger.ledger import keys

WITH_KEY = 100
ANONYMOUS = 10
# From one address: enough for somebody who mixes up keys.
WRONG_KEYS = 30
_WINDOW = 60
# TTL deletes some time after; an item that is still there does no harm.
_KEPT = 600


@dataclass(frozen=True, slots=True)
class Window:
    """One caller's minute: how many it may have, had, and the seconds to the next one."""

    limit: int
    used: int
    resets_in: int

    @property
    def headers(self) -> dict[str, str]:
        """As draft-ietf-httpapi-ratelimit-headers has them."""
        left = max(self.limit - self.used, 0)
        return {
            "RateLimit-Policy": f'"minute";q={self.limit};w={_WINDOW}',
            "RateLimit": f'"minute";r={left};t={self.resets_in}',
        }

    def check(self) -> None:
        """Raises ``RateLimited``."""
        if self.used > self.limit:
            raise RateLimited(
                f"More than {self.limit} requests in this minute. Send the next in "
                f"{self.resets_in} seconds.",
                retry_after=self.resets_in,
            )


def count_request(table: Table, caller: str, limit: int, now: datetime) -> Window:
    """Counts this request; one atomic write, so that no two requests take the same place."""
    place = keys.window(caller, f"{now:%Y-%m-%dT%H:%M}")
    ttl = int(now.timestamp()) + _KEPT
    item = table.update(Update(place, put={"ttl": ttl}, add={"used": 1}))
    return Window(limit, wire.number(item, "used"), _WINDOW - now.second)


def caller_at(address: str) -> str:
    """An anonymous caller. Of an IPv6 address its /64: whoever has one has all of them."""
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return "ip:unknown"
    if isinstance(ip, ipaddress.IPv6Address):
        return f"ip:{ipaddress.ip_network((ip, 64), strict=False).network_address}"
    return f"ip:{ip}"
