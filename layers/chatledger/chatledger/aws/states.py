"""A state machine: a narrow, typed face of Step Functions."""

from typing import Any, Literal, Protocol

import msgspec
from botocore.config import Config
from botocore.exceptions import ClientError, HTTPClientError
from botocore.exceptions import ConnectionError as UnreachableError

from chatledger.aws import clients
from chatledger.errors import StorageError

CONFIG = Config(
    retries={"mode": "standard", "total_max_attempts": 3}, connect_timeout=2, read_timeout=5
)

Status = Literal["RUNNING", "SUCCEEDED", "FAILED", "TIMED_OUT", "ABORTED", "PENDING_REDRIVE"]


class StateMachine(Protocol):
    """What jobs need of a state machine. Each call may raise ``StorageError``."""

    def start(self, name: str, content: dict[str, Any]) -> None: ...
    def status(self, name: str) -> Status | None: ...


class StepFunctions:
    """The real state machine."""

    def __init__(self, arn: str, client: Any = None) -> None:
        self.arn = arn
        self.client: Any = client or clients.client("stepfunctions", CONFIG)

    def start(self, name: str, content: dict[str, Any]) -> None:
        """Starts an execution; one of this name that is there already is left alone."""
        request = {"stateMachineArn": self.arn, "name": name}
        try:
            self._call("start_execution", **request, input=msgspec.json.encode(content).decode())
        except self.client.exceptions.ExecutionAlreadyExists:
            return

    def status(self, name: str) -> Status | None:
        """How the execution stands; None where there is none of this name."""
        machine = self.arn.replace(":stateMachine:", ":execution:", 1)
        try:
            answer = self._call("describe_execution", executionArn=f"{machine}:{name}")
        except self.client.exceptions.ExecutionDoesNotExist:
            return None
        return answer["status"]

    def _call(self, operation: str, **request: Any) -> dict[str, Any]:
        try:
            return getattr(self.client, operation)(**request)
        except ClientError as error:
            status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
            code = error.response.get("Error", {}).get("Code", "")
            if status >= 500 or "Throttling" in code or code == "ExecutionLimitExceeded":
                raise StorageError from error
            raise
        except (HTTPClientError, UnreachableError) as error:
            raise StorageError from error
