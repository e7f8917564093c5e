"""What comes of another service's answers, and of none."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from keystoneauth1.adapter import Adapter
from keystoneauth1.noauth import NoAuth
from keystoneauth1.session import Session

from knarr.kernel.errors import BadRequest, NotFound, OverQuota, ServiceUnavailable
from knarr.services.container import rest


class Says(BaseHTTPRequestHandler):
    """Another service that answers every request alike."""

    said: ClassVar[tuple[int, bytes]] = (200, b"{}")

    def do_GET(self) -> None:
        status, body = self.said
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args: Any) -> None:
        """Into the air."""


@pytest.fixture(scope="module")
def server() -> Iterator[HTTPServer]:
    made = HTTPServer(("127.0.0.1", 0), Says)
    threading.Thread(target=made.serve_forever, args=(0.01,), daemon=True).start()
    yield made
    made.shutdown()
    made.server_close()


def client(port: int) -> Adapter:
    endpoint = f"http://127.0.0.1:{port}"
    return Adapter(Session(NoAuth(endpoint=endpoint)), endpoint_override=endpoint, raise_exc=False)


@pytest.mark.parametrize(
    ("status", "body", "kind", "words"),
    [
        (400, b'{"NeutronError": {"message": "no such net"}}', BadRequest, "no such net"),
        (404, b'{"error": {"message": "gone"}}', NotFound, "gone"),
        (403, b'{"error": {"message": "Quota exceeded"}}', OverQuota, "Quota exceeded"),
        (500, b"oops", ServiceUnavailable, "GET /v2.0/ports answered 500: oops"),
        (200, b"<html>", ServiceUnavailable, "GET /v2.0/ports was answered with something else than JSON"),
    ],
)
def test_its_errors_are_ours_in_its_words(
    server: HTTPServer, status: int, body: bytes, kind: type[Exception], words: str
) -> None:
    Says.said = status, body
    with pytest.raises(kind, match=words):
        rest.get(client(server.server_port), "/v2.0/ports", [("id", "x")])


def test_what_does_not_answer_is_503() -> None:
    with pytest.raises(ServiceUnavailable, match="could not be reached"):
        rest.call(client(1), "GET", "/v2.0/ports")


def test_a_mistake_of_ours_is_not_called_the_network(server: HTTPServer) -> None:
    with pytest.raises(TypeError):
        rest.call(client(server.server_port), "GET", "/v2.0/ports", {"not": {"json"}})
