"""The sample: real conversations, posted over HTTP as any client would."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import chitchat_dataset
import httpx

CONVERSATIONS = 300
APP = "chitchat"

_CLIENTS = 4
_WAITS = (0.1, 0.2, 0.4, 0.8)  # seconds before the next try
_MONTH = "2018-05"  # the fullest of the data set


class RequestFailed(Exception):
    """A request was not answered as it should be; the message carries the answer."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load put in. ``seconds`` is wall-clock time."""

    conversations: int
    messages: int
    seconds: float


def chats(count: int = CONVERSATIONS) -> Iterator[dict[str, Any]]:
    """The first conversations of one month, as bodies of ``POST /chats``."""
    dataset: Any = chitchat_dataset.Dataset()
    of_month = [item for item in dataset.items() if item[1]["start"].startswith(_MONTH)]
    of_month.sort(key=lambda item: item[1]["start"])
    for conversation_id, conversation in of_month[:count]:
        yield as_chat(conversation_id, conversation)


def as_chat(conversation_id: str, conversation: dict[str, Any]) -> dict[str, Any]:
    """A conversation of the data set as a body of ``POST /chats``.

    Two people talk in it: the one who opened is the user, the one who answers the assistant.
    """
    said = [message for turn in conversation["messages"] for message in turn]
    opener = said[0]["sender"]
    chat = {
        "conversation_id": conversation_id,
        "user_id": opener,
        "app_id": APP,
        "title": conversation.get("prompt"),
        "from_source": "chitchat-dataset",
        "messages": [
            {
                "role": "user" if message["sender"] == opener else "assistant",
                "content": message["text"],
                "timestamp": message["timestamp"],
                "user_id": message["sender"],
            }
            for message in said
        ],
    }
    return {name: value for name, value in chat.items() if value is not None}


def client(url: str, key: str) -> httpx.Client:
    """A client of the API. It uses no proxy of this machine: the address is this machine."""
    return httpx.Client(
        base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60, trust_env=False
    )


def load(http: httpx.Client, bodies: list[dict[str, Any]], progress: Callable[[], None]) -> Loaded:
    """Posts each body; ``progress`` is called after each. Raises ``RequestFailed``."""
    started = time.perf_counter()
    with ThreadPoolExecutor(_CLIENTS) as pool:
        try:
            for _ in pool.map(partial(_post, http), bodies):
                progress()
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    messages = sum(len(body["messages"]) for body in bodies)
    return Loaded(len(bodies), messages, time.perf_counter() - started)


def export(http: httpx.Client, seconds: float = 120) -> dict[str, Any]:
    """Exports the sample as CSV and gives the finished job. Raises ``RequestFailed``."""
    request = {
        "format": "csv",
        "start_date": f"{_MONTH}-01",
        "end_date": "2018-12-31",
        "filters": {"app_id": [APP]},
        "anonymize": False,
    }
    deadline = time.monotonic() + seconds
    answer = _checked(http.post("/exports", json=request, headers={"Prefer": "wait=20"}))
    while answer["status"] in {"queued", "running"} and time.monotonic() < deadline:
        time.sleep(0.5)
        answer = _checked(http.get(f"/exports/{answer['export_id']}"))
    if answer["status"] != "succeeded":
        raise RequestFailed(f"The export ended as {answer['status']}: {answer.get('error')}")
    return answer


def _post(http: httpx.Client, body: dict[str, Any]) -> None:
    """Tries again where the ledger was busy: a repeat is a duplicate, so nothing is doubled."""
    for wait in _WAITS:
        answer = http.post("/chats", json=body)
        if answer.status_code != 503:
            break
        time.sleep(wait)
    else:
        answer = http.post("/chats", json=body)
    _checked(answer)


def _checked(answer: httpx.Response) -> dict[str, Any]:
    if answer.is_error:
        request = answer.request
        raise RequestFailed(
            f"{request.method} {request.url.path} was answered {answer.status_code}: "
            f"{answer.text[:1000]}"
        )
    return answer.json()
