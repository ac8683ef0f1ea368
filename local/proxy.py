"""One clean address in front of the engine: the API at its root, bucket paths for download links.

It runs on a thread of its own. Paths and bodies pass byte for byte: what is percent-encoded stays
so, and a signed link keeps the Host it was signed for.
"""

import asyncio
import threading
from collections.abc import Collection, Mapping

from aiohttp import ClientError, ClientSession, ClientTimeout, TCPConnector, web
from multidict import CIMultiDict
from yarl import URL

from local.deviations import API_ID
from local.settings import HOST

# Headers that speak of one connection, not of the message (RFC 9110, 7.6.1); `Expect` we answer.
_HOP_BY_HOP = {
    *("connection", "expect", "keep-alive", "proxy-authenticate", "proxy-authorization"),
    *("te", "trailer", "transfer-encoding", "upgrade"),
}
_PIECE = 64 * 1024
_STARTING = {"status": "starting"}


class Proxy:
    """Listens from ``start`` to ``stop``. ``GET /health`` is 503 until ``ready`` is set."""

    def __init__(self, port: int, engine: str) -> None:
        self.port = port
        self.ready = threading.Event()
        self.buckets: Collection[str] = ()
        self._engine = engine
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self._runner: web.ServerRunner | None = None
        self._session: ClientSession | None = None

    def start(self) -> None:
        """Raises ``OSError`` where the port is taken."""
        self._thread.start()
        asyncio.run_coroutine_threadsafe(self._listen(), self._loop).result()

    def stop(self) -> None:
        """Does nothing where it was not started."""
        if not self._thread.is_alive():
            return
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _listen(self) -> None:
        self._session = ClientSession(
            auto_decompress=False,  # bodies pass as they are
            connector=TCPConnector(limit=0),
            timeout=ClientTimeout(total=None),
        )
        server = web.Server(self._answer, access_log=None, auto_decompress=False)
        self._runner = web.ServerRunner(server)
        await self._runner.setup()
        await web.TCPSite(self._runner, HOST, self.port).start()

    async def _close(self) -> None:
        if self._runner is not None:
            await self._runner.cleanup()
        if self._session is not None:
            await self._session.close()

    async def _answer(self, request: web.BaseRequest) -> web.StreamResponse:
        if request.path == "/health" and not self.ready.is_set():
            return web.json_response(_STARTING, status=503, headers={"Retry-After": "1"})
        if request.headers.get("Expect", "").lower() == "100-continue" and request.transport:
            # An S3 client waits a whole second for this before it sends an object.
            request.transport.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert self._session is not None  # noqa: S101 - made before the first request
        try:
            async with self._session.request(
                request.method,
                self._target(request.raw_path),
                headers=_forwarded(request.headers),
                data=request.content if request.can_read_body else None,
                allow_redirects=False,
                skip_auto_headers=("User-Agent", "Accept", "Accept-Encoding", "Content-Type"),
            ) as answer:
                response = web.StreamResponse(
                    status=answer.status, reason=answer.reason, headers=_passed(answer.headers)
                )
                await response.prepare(request)
                async for piece in answer.content.iter_chunked(_PIECE):
                    await response.write(piece)
                await response.write_eof()
                return response
        except ClientError as error:
            return web.json_response({"message": f"The local engine: {error}"}, status=502)

    def _target(self, raw_path: str) -> URL:
        path = raw_path if raw_path.startswith("/") else "/" + raw_path
        bucket = path[1:].partition("?")[0].partition("/")[0]
        prefix = "" if bucket in self.buckets else f"/_aws/execute-api/{API_ID}/$default"
        return URL(f"{self._engine}{prefix}{path}", encoded=True)


def _forwarded(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """To the engine this is the end of TLS, as AWS's addresses are: the buckets refuse all else."""
    passed = _passed(headers)
    passed["X-Forwarded-Proto"] = "https"
    return passed


def _passed(headers: Mapping[str, str]) -> CIMultiDict[str]:
    pairs = [(name, value) for name, value in headers.items() if name.lower() not in _HOP_BY_HOP]
    return CIMultiDict(pairs)
