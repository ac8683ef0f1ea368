"""A client that sends one request at a time: moto's transactions are not safe against threads."""

from collections.abc import Callable
from threading import Lock
from typing import Any


class SerialClient:
    """Wraps a boto3 client. Requests of several threads still mix, but none is cut in two."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._lock = Lock()

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._client, name)
        return found if name in {"meta", "exceptions"} else self._one_at_a_time(found)

    def _one_at_a_time(self, call: Callable[..., Any]) -> Callable[..., Any]:
        def locked(*args: Any, **kwargs: Any) -> Any:
            with self._lock:
                return call(*args, **kwargs)

        return locked
