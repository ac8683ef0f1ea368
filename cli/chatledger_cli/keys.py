"""``chatledger keys``: makes, lists and revokes keys; makes the first one of a stack on AWS."""

import json
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from chatledger_cli.answers import Json
from chatledger_cli.api import Api
from chatledger_cli.errors import CommandError
from chatledger_cli.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient

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
    try:
        import boto3  # noqa: PLC0415 - only this command needs it, and it takes half a second
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise CommandError("This needs boto3: pip install boto3.") from None
    try:
        session: Any = boto3.Session(region_name=region)
        function = _function(session.client("cloudformation"), stack)
        answer = session.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(request).encode()
        )
        made: Any = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS: {error}") from None
    if "FunctionError" in answer:
        raise CommandError(f"{function} failed: {made.get('errorMessage', made)}")
    show_key(screen, made)


def show_key(screen: Screen, made: Json) -> None:
    """The secret goes to standard output, all else beside it."""
    screen.aside(
        f"Key {made['key_id']} of the role {made['role']} in the organization "
        f"{made['organization_id']}. It is shown this once:"
    )
    screen.secret(made["key"])


def _function(client: "CloudFormationClient", stack: str) -> str:
    """The name of the stack's bootstrap function; raises ``CommandError``."""
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    for output in outputs:
        if output.get("OutputKey") == _OUTPUT:
            return output.get("OutputValue", "")
    raise CommandError(f"The stack {stack} has no output {_OUTPUT}: is it a Chatledger?")


def _limit(key: Json) -> str:
    limit = key["requests_per_minute"]
    return "usual" if limit is None else "none" if limit == 0 else f"{limit:,}"
