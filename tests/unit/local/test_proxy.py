"""The proxy before a server that tells what it got."""

import gzip
import http.client
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from local.deviations import API_ID
from local.proxy import Proxy
from tests.ports import free_port


class Told(BaseHTTPRequestHandler):
    """Answers with what it was asked, gzip-labelled and as a redirect: both must pass untouched."""

    protocol_version = "HTTP/1.1"

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.do_GET(body)

    def do_GET(self, body: bytes = b"") -> None:
        told = {"path": self.path, "headers": dict(self.headers.items()), "body": body.hex()}
        answer = json.dumps(told).encode()
        self.send_response(302)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(answer)))
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, format: str, *args: object) -> None:
        """Says nothing."""


@pytest.fixture
def proxy() -> Iterator[Proxy]:
    engine = ThreadingHTTPServer(("127.0.0.1", 0), Told)
    threading.Thread(target=engine.serve_forever, daemon=True).start()
    proxy = Proxy(free_port(), f"http://127.0.0.1:{engine.server_port}")
    proxy.start()
    yield proxy
    proxy.stop()
    engine.shutdown()
    engine.server_close()


def ask(
    proxy: Proxy, method: str, path: str, body: bytes | None = None, **headers: str
) -> tuple[http.client.HTTPResponse, bytes]:
    connection = http.client.HTTPConnection("127.0.0.1", proxy.port, timeout=10)
    connection.request(method, path, body=body, headers=headers)
    response = connection.getresponse()
    content = response.read()
    connection.close()
    return response, content


def test_api_paths_pass_byte_for_byte(proxy: Proxy) -> None:
    path = "/chats/a%2Fb%23%F0%9F%98%80%25?x=%2F&y=a+b"
    response, content = ask(proxy, "GET", path)
    told = json.loads(content)
    assert told["path"] == f"/_aws/execute-api/{API_ID}/$default{path}"
    assert told["headers"]["Host"] == f"127.0.0.1:{proxy.port}"
    assert told["headers"]["X-Forwarded-Proto"] == "https"
    assert (response.status, response.headers["Location"]) == (302, "/elsewhere")
    assert response.headers["Content-Encoding"] == "gzip"


def test_bucket_paths_go_to_the_bucket(proxy: Proxy) -> None:
    proxy.buckets = {"exports-1"}
    for path in ("/exports-1/a%20b?X-Amz-Signature=1", "/exports-1?uploads"):
        assert json.loads(ask(proxy, "GET", path)[1])["path"] == path
    assert "execute-api" in json.loads(ask(proxy, "GET", "/exports-12/a")[1])["path"]


def test_bodies_pass_and_nobody_waits_to_send_one(proxy: Proxy) -> None:
    _, content = ask(proxy, "PUT", "/x", "😀".encode(), Expect="100-continue")
    told = json.loads(content)
    assert bytes.fromhex(told["body"]).decode() == "😀"
    assert "Expect" not in told["headers"]


@pytest.mark.parametrize(
    "body", [gzip.compress(b"{}" * 1000, mtime=0), b"not gzip at all"], ids=["gzip", "other"]
)
def test_what_is_called_gzip_passes_as_it_is(proxy: Proxy, body: bytes) -> None:
    response, content = ask(proxy, "PUT", "/x", body, **{"Content-Encoding": "gzip"})
    told = json.loads(content)
    assert response.status == 302
    assert bytes.fromhex(told["body"]) == body
    assert told["headers"]["Content-Encoding"] == "gzip"
    assert told["headers"]["Content-Length"] == str(len(body))


def test_health_waits_until_all_is_ready(proxy: Proxy) -> None:
    assert ask(proxy, "GET", "/health")[0].status == 503
    proxy.ready.set()
    assert json.loads(ask(proxy, "GET", "/health")[1])["path"].endswith("/health")


def test_an_engine_that_is_gone_is_a_bad_gateway() -> None:
    proxy = Proxy(free_port(), f"http://127.0.0.1:{free_port()}")
    proxy.start()
    assert ask(proxy, "GET", "/chats")[0].status == 502
    proxy.stop()


def test_a_taken_port_is_said(proxy: Proxy) -> None:
    another = Proxy(proxy.port, "http://127.0.0.1:1")
    with pytest.raises(OSError, match="in use"):
        another.start()
    another.stop()
