"""A proxy between the functions and their AWS services that fails as a network and AWS do.

It passes every request on as it is and answers some of them wrongly, by turns, so that a run has
each fault many times: throttles, 500s, lost replies, transaction conflicts, unprocessed keys.
"""

import http.client
import json
import threading
from collections import Counter
from contextlib import suppress
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import urlsplit

from local.settings import HOST

_OF_DYNAMODB = "DynamoDB_20120810."
_NOT_PASSED_ON = {"connection", "expect", "keep-alive", "transfer-encoding", "x-amz-crc32"}
_SLOW_DOWN = b"<Error><Code>SlowDown</Code><Message>Please reduce your rate.</Message></Error>"
# Each so-and-so-manieth request that a fault can hit.
TURNS = {
    "transaction conflict": 3,
    "unprocessed keys": 2,
    "throttle of the table": 29,
    "500 of the table": 31,
    "reply of the table lost": 23,
    "throttle of a bucket": 11,
    "reply of a bucket lost": 13,
}

Answer = tuple[int, list[tuple[str, str]], bytes]


class FaultyWire:
    """``hits`` counts the faults; nothing fails unless ``fails``."""

    def __init__(self, engine: str, buckets: str) -> None:
        """Requests to the table go to ``engine``, those to buckets to ``buckets``; both URLs."""
        self.fails = False
        self.hits: Counter[str] = Counter()
        self._turns: Counter[str] = Counter()
        self._lock = threading.Lock()
        wire = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, format: str, *args: Any) -> None:
                pass

            def _pass_on(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                operation = self.headers.get("X-Amz-Target", "").removeprefix(_OF_DYNAMODB)
                to = engine if operation else buckets
                answer = wire.answer(self, urlsplit(to).netloc, operation, body)
                if answer is None:
                    self.close_connection = True
                    return
                status, headers, content = answer
                self.send_response_only(status)
                for name, value in headers:
                    if name.lower() not in _NOT_PASSED_ON | {"content-length"}:
                        self.send_header(name, value)
                length = dict(headers).get("Content-Length", "0")
                size = length if self.command == "HEAD" else str(len(content))
                self.send_header("Content-Length", size)
                self.end_headers()
                with suppress(OSError):
                    self.wfile.write(content)

            do_GET = do_PUT = do_POST = do_HEAD = do_DELETE = _pass_on  # noqa: N815

        self._server = ThreadingHTTPServer((HOST, 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://{HOST}:{self._server.server_port}"

    def start(self) -> None:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def stop(self) -> None:
        self._server.shutdown()
        self._server.server_close()

    def answer(
        self, asked: BaseHTTPRequestHandler, to: str, operation: str, body: bytes
    ) -> Answer | None:
        """What the function gets; None: its connection breaks, after all was done."""
        fault = self._fault(operation)
        match fault:
            case "throttle of the table":
                return _refusal(400, "ProvisionedThroughputExceededException")
            case "500 of the table":
                return _refusal(500, "InternalServerError")
            case "transaction conflict":
                reasons = [
                    {"Code": "TransactionConflict"} for _ in json.loads(body)["TransactItems"]
                ]
                return _refusal(400, "TransactionCanceledException", CancellationReasons=reasons)
            case "throttle of a bucket":
                return 503, [("Content-Type", "application/xml")], _SLOW_DOWN
            case _:
                pass
        answer = _sent(asked, to, body)
        if fault == "unprocessed keys":
            return _half(answer)
        return None if fault.endswith("lost") else answer

    def _fault(self, operation: str) -> str:
        where = "of the table" if operation else "of a bucket"
        able = [name for name in TURNS if where in name]
        able += ["transaction conflict"] * (operation == "TransactWriteItems")
        able += ["unprocessed keys"] * (operation == "BatchGetItem")
        with self._lock:
            for name in sorted(able, key=TURNS.__getitem__) if self.fails else ():
                self._turns[name] += 1
                if self._turns[name] % TURNS[name] == 0:
                    self.hits[name] += 1
                    return name
        return ""


def _sent(asked: BaseHTTPRequestHandler, to: str, body: bytes) -> Answer:
    connection = http.client.HTTPConnection(to, timeout=60)
    try:
        connection.putrequest(asked.command, asked.path, skip_host=True, skip_accept_encoding=True)
        for name, value in asked.headers.items():
            if name.lower() not in _NOT_PASSED_ON:
                connection.putheader(name, value)
        connection.endheaders(body)
        reply = connection.getresponse()
        return reply.status, reply.getheaders(), reply.read()
    finally:
        connection.close()


def _refusal(status: int, code: str, **more: Any) -> Answer:
    content = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **more}
    return status, [("Content-Type", "application/x-amz-json-1.0")], json.dumps(content).encode()


def _half(answer: Answer) -> Answer:
    """The first half of a batch's items; the others are to be asked for again."""
    status, headers, content = answer
    told = json.loads(content)
    for table, items in told.get("Responses", {}).items():
        kept = len(items) // 2
        left = [{"PK": item["PK"], "SK": item["SK"]} for item in items[kept:]]
        if left:
            told["Responses"][table] = items[:kept]
            told["UnprocessedKeys"] = {table: {"Keys": left, "ConsistentRead": True}}
    return status, headers, json.dumps(told).encode()
