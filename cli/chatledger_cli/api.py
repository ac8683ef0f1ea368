"""The HTTP API as a client sees it: a key, JSON, errors in words, repeats where they are safe."""

import ipaddress
import json
from importlib.metadata import version
from typing import Any, cast
from urllib.parse import urlsplit

import httpx

from chatledger_cli.answers import Json
from chatledger_cli.errors import Refused, Unreachable, WrongUsage
from chatledger_cli.patience import FIRST_TRIES, TRIES, Patience, retry_after

_TIMEOUT = httpx.Timeout(60, connect=10)
_AGAIN = {429, 500, 502, 503, 504}


class Api:
    """Requests of one key at one address, in ``organization`` where an operator names one."""

    def __init__(
        self,
        url: str,
        key: str,
        *,
        organization: str | None = None,
        patience: Patience | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        self.url = checked_url(url)
        self.organization = organization
        self.patience = patience or Patience()
        self._http = client(self.url, transport, {"Authorization": f"Bearer {key}"})
        # For signed links: another host, which must never see the key.
        self.links = client(self.url, transport, {})
        self._answered = False

    def close(self) -> None:
        self._http.close()
        self.links.close()

    def get(self, path: str, query: dict[str, str] | None = None) -> Json:
        """Raises ``Refused``, ``Unreachable``."""
        return self._json("GET", path, None, {}, repeat=True, query=query)

    def post(self, path: str, body: Json, idempotency_key: str, wait: int = 0) -> Json:
        """Repeated under its key where need be, so it happens once. ``wait``: seconds at most."""
        headers = {"Idempotency-Key": idempotency_key}
        if wait:
            headers["Prefer"] = f"wait={wait}"
        return self._json("POST", path, body, headers, repeat=True)

    def once(self, method: str, path: str, body: Json | None = None) -> Json:
        """For what has no idempotency key: repeated only where it was certainly not done."""
        return self._json(method, path, body, {}, repeat=False)

    def _json(
        self,
        method: str,
        path: str,
        body: Json | None,
        headers: dict[str, str],
        *,
        repeat: bool,
        query: dict[str, str] | None = None,
    ) -> Json:
        # The same text each time: what is repeated under an idempotency key must be the same.
        content = None if body is None else json.dumps(body, sort_keys=True).encode()
        if content:
            headers = {**headers, "Content-Type": "application/json"}
        whose = {"organization_id": self.organization} if self.organization else {}
        request = self._http.build_request(
            method, path, content=content, headers=headers, params={**(query or {}), **whose}
        )
        return self._read(self._send(request, repeat=repeat))

    def _send(self, request: httpx.Request, *, repeat: bool) -> httpx.Response:
        """An answer of any status. What has a body is sent from memory, so it can go again."""
        failures = 0
        while True:
            failures += 1
            last = failures >= (TRIES if self._answered else FIRST_TRIES)
            try:
                answer = self._http.send(request)
            except httpx.TransportError as error:
                never_sent = isinstance(error, (httpx.ConnectError, httpx.ConnectTimeout))
                if last or not (repeat or never_sent):
                    raise Unreachable(self._unreachable(error)) from None
                self.patience.wait(failures)
                continue
            self._answered = True
            again = answer.status_code in _AGAIN and (repeat or answer.status_code == 429)
            if failures >= TRIES or not again:
                return answer
            self.patience.wait(failures, retry_after(answer.headers.get("Retry-After")))

    def _unreachable(self, error: httpx.TransportError) -> str:
        what = str(error) or type(error).__name__
        if self._answered:
            return f"{self.url} no longer answers ({what})."
        return f"{self.url} does not answer ({what}). Is the address right, and is it running?"

    def _read(self, answer: httpx.Response) -> Json:
        if answer.status_code == 204:
            return {}
        try:
            body: Any = json.loads(answer.content)
        except ValueError:
            body = None
        if isinstance(body, dict):
            if answer.is_success:
                return cast("Json", body)
            detail: Any = cast("Json", body).get("detail")
            if isinstance(detail, dict):
                told = cast("Json", detail)
                raise Refused(answer.status_code, str(told.get("code")), str(told.get("error")))
        raise Refused(
            answer.status_code,
            "",
            f"{self.url} does not answer as Chatledger does (HTTP {answer.status_code}). "
            "Is the address right?",
        )


def client(
    url: str, transport: httpx.BaseTransport | None, headers: dict[str, str]
) -> httpx.Client:
    """Bytes come as they are stored (no compression on the way), redirects are not followed."""
    return httpx.Client(
        base_url=url,
        headers={
            "User-Agent": f"chatledger/{version('chatledger')}",
            "Accept-Encoding": "identity",
            **headers,
        },
        timeout=_TIMEOUT,
        transport=transport,
        trust_env=not is_this_machine(url),  # a proxy knows nothing of this machine's loopback
    )


def checked_url(url: str) -> str:
    """The address without a slash at its end; raises ``WrongUsage``."""
    try:
        parts = urlsplit(url)
        good = parts.scheme in {"http", "https"} and parts.hostname and parts.port != 0
    except ValueError:
        parts, good = None, False
    if not good or parts is None or parts.username is not None or parts.query or parts.fragment:
        raise WrongUsage(
            "--url (or CHATLEDGER_URL) is no address of an API; give one such as "
            "http://127.0.0.1:8080."
        )
    return url.rstrip("/")


def is_this_machine(url: str) -> bool:
    """Whether the address is of the loopback, by name or number."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost" or host.endswith(".localhost")
