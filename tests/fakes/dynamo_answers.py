"""Answers in DynamoDB's place, for errors that no local engine gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from botocore.awsrequest import AWSResponse

Answer = Callable[..., AWSResponse]


@dataclass(frozen=True)
class _Body:
    text: str

    def stream(self, **_: object) -> Iterator[bytes]:
        yield self.text.encode()


def answer(status: int, code: str, *reasons: str) -> Answer:
    """A hook for ``before-send``: the request does not leave, this error comes back.

    ``reasons`` are the codes of a cancelled transaction, one for each of its items.
    """
    listed = ", ".join(f'{{"Code": "{reason}"}}' for reason in reasons)
    body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}"'
    body += f', "CancellationReasons": [{listed}]}}' if reasons else "}"

    def hook(request: Any, **_: object) -> AWSResponse:
        headers = {"content-type": "application/x-amz-json-1.0"}
        return AWSResponse(request.url, status, headers, _Body(body))

    return hook
