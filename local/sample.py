"""The sample: real conversations, posted over HTTP as any client would."""

import time
from collections.abc import Callable
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


Chat = dict[str, Any]


class RequestFailed(Exception):
    """A request was not answered as it should be; the message carries the answer."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """What a load put in. ``seconds`` is wall-clock time."""

    conversations: int
    messages: int
    seconds: float


def chats(count: int = CONVERSATIONS) -> list[Chat]:
    """The first conversations that began in one month, as bodies of ``POST /chats``."""
    dataset: Any = chitchat_dataset.Dataset()
    bodies = [as_chat(*item) for item in dataset.items()]
    return sorted((body for body in bodies if _began(body).startswith(_MONTH)), key=_began)[:count]


def as_chat(conversation_id: str, conversation: dict[str, Any]) -> Chat:
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


def load(http: httpx.Client, bodies: list[Chat], progress: Callable[[], None]) -> Loaded:
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


def export(http: httpx.Client, bodies: list[Chat], seconds: float = 120) -> dict[str, Any]:
    """Exports the days of these bodies as CSV; gives the finished job. Raises ``RequestFailed``."""
    days = [message["timestamp"][:10] for body in bodies for message in body["messages"]]
    request = {
        "format": "csv",
        "start_date": min(days),
        "end_date": max(days),
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


def _began(body: Chat) -> str:
    return min(message["timestamp"] for message in body["messages"])


def _post(http: httpx.Client, body: Chat) -> None:
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
