"""What only AWS's own credentials may do: functions of a stack that no route leads to."""

import json
from typing import TYPE_CHECKING, Any

from chatledger_cli.answers import Json
from chatledger_cli.errors import CommandError
from chatledger_cli.screen import Screen

if TYPE_CHECKING:
    from mypy_boto3_cloudformation import CloudFormationClient


def adopt_table(screen: Screen, stack: str, region: str | None) -> None:
    """Begins a new epoch in a restored table. Raises ``CommandError``."""
    answer = invoke(stack, region, "AdoptTableFunctionName", {})
    screen.done(f"The table is adopted: its epoch is {answer['epoch']}")
    screen.note(
        "Every cursor of before answers 410 from now on. Take an export with --name and "
        "without --since, and go on from its cursor."
    )


def invoke(stack: str, region: str | None, output: str, request: Json) -> Json:
    """The answer of the function that the stack's output names; raises ``CommandError``."""
    try:
        import boto3  # noqa: PLC0415 - only this needs it, and it takes half a second
        from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415
    except ImportError:
        raise CommandError("This needs boto3: pip install boto3.") from None
    try:
        session: Any = boto3.Session(region_name=region)
        function = _function(session.client("cloudformation"), stack, output)
        answer = session.client("lambda").invoke(
            FunctionName=function, Payload=json.dumps(request).encode()
        )
        made: Any = json.loads(answer["Payload"].read())
    except (BotoCoreError, ClientError) as error:
        raise CommandError(f"AWS: {error}") from None
    if "FunctionError" in answer:
        raise CommandError(f"{function} failed: {made.get('errorMessage', made)}")
    return made


def _function(client: "CloudFormationClient", stack: str, name: str) -> str:
    """Raises ``CommandError`` where the stack has no such output."""
    outputs = client.describe_stacks(StackName=stack)["Stacks"][0].get("Outputs", [])
    for output in outputs:
        if output.get("OutputKey") == name:
            return output.get("OutputValue", "")
    raise CommandError(f"The stack {stack} has no output {name}: is it a Chatledger?")
