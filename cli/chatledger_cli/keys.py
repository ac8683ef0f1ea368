"""``chatledger keys``: makes, lists and revokes keys; makes the first one of a stack on AWS."""

from urllib.parse import quote

from chatledger_cli.answers import Json
from chatledger_cli.api import Api
from chatledger_cli.screen import Screen
from chatledger_cli.stack import invoke

_OUTPUT = "BootstrapFunctionName"


def create(api: Api, screen: Screen, request: Json) -> None:
    """Prints the key, this once; alone on standard output, so that a script can take it."""
    show_key(screen, api.once("POST", "/keys", request))


def show(api: Api, screen: Screen) -> None:
    """A line per key."""
    keys: list[Json] = api.get("/keys")["keys"]
    rows = [
        (key["key_id"], key["role"], _limit(key), key["created_at"][:10], key["name"])
        for key in keys
    ]
    screen.table(("KEY ID", "ROLE", "LIMIT", "CREATED", "NAME"), rows)


def revoke(api: Api, screen: Screen, key_id: str) -> None:
    api.once("DELETE", f"/keys/{quote(key_id, safe='')}")
    screen.done(f"Revoked {key_id}: it is refused from now on")


def bootstrap(screen: Screen, stack: str, region: str | None, request: Json) -> None:
    """The first key of a stack, an operator's. Raises ``CommandError``."""
    show_key(screen, invoke(stack, region, _OUTPUT, request))


def show_key(screen: Screen, made: Json) -> None:
    """The secret goes to standard output, all else beside it."""
    screen.aside(
        f"Key {made['key_id']} of the role {made['role']} in the organization "
        f"{made['organization_id']}. It is shown this once:"
    )
    screen.secret(made["key"])


def _limit(key: Json) -> str:
    limit = key["requests_per_minute"]
    return "usual" if limit is None else "none" if limit == 0 else f"{limit:,}"
