"""Clients that keep a connection open and send, or read, nothing: others are served all the while."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from tests.e2e.support import alone
from tests.e2e.support.server import Knarr

# Far more than work is done for at once (`threads`).
CLIENTS = 40
SIZE = 8 << 20


@pytest.fixture(scope="module")
def knarr(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Knarr]:
    with alone.started(tmp_path_factory.mktemp("slow"), DEFAULT={"threads": "4"}) as made:
        yield made


def connect(knarr: Knarr, head: str, body: bytes = b"") -> socket.socket:
    host, _, port = knarr.listen.rpartition(":")
    made = socket.create_connection((host, int(port)), timeout=20)
    made.sendall(f"{head}\r\nHost: {knarr.listen}\r\n\r\n".encode() + body)
    return made


def new_image(knarr: Knarr, token: str) -> str:
    body = {"name": "data", "disk_format": "raw", "container_format": "bare"}
    return str(knarr.call("POST", "/image/v2/images", body, token=token).json["id"])


def serves(knarr: Knarr, token: str) -> bool:
    """Whether a request with a body and one without are answered."""
    made = knarr.call("POST", "/container/v1/containers", {"image": "busybox"}, token=token)
    return made.status == 202 and knarr.call("GET", "/healthcheck").status == 200


@pytest.mark.parametrize("path", ["/container/v1/containers", "/identity/v3/auth/tokens"])
def test_bodies_that_do_not_come_keep_nobody_waiting(knarr: Knarr, path: str) -> None:
    token = knarr.token()
    head = f"POST {path} HTTP/1.1\r\nX-Auth-Token: {token}\r\nContent-Length: 100"
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            stack.enter_context(connect(knarr, head, b'{"'))
        assert serves(knarr, token)
    assert serves(knarr, token)


def test_uploads_that_stop_keep_nobody_waiting(knarr: Knarr) -> None:
    token = knarr.token()
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            head = f"PUT /image/v2/images/{new_image(knarr, token)}/file HTTP/1.1\r\nX-Auth-Token: {token}"
            head += "\r\nContent-Type: application/octet-stream\r\nContent-Length: 100"
            stack.enter_context(connect(knarr, head, b"half"))
        assert serves(knarr, token)


def test_downloads_that_are_not_read_keep_nobody_waiting(knarr: Knarr) -> None:
    token = knarr.token()
    path = f"/image/v2/images/{new_image(knarr, token)}/file HTTP/1.1\r\nX-Auth-Token: {token}"
    upload = f"PUT {path}\r\nContent-Type: application/octet-stream\r\nContent-Length: {SIZE}"
    with connect(knarr, upload, bytes(SIZE)) as sent:
        assert sent.recv(12) == b"HTTP/1.1 204"
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            assert stack.enter_context(connect(knarr, f"GET {path}")).recv(12) == b"HTTP/1.1 200"
        assert serves(knarr, token)


@pytest.mark.parametrize("path", ["/", "/healthcheck", "/metrics"])
def test_the_kernel_s_pages_are_read_only(knarr: Knarr, path: str) -> None:
    answer = knarr.call("DELETE", path)
    assert (answer.status, answer.headers["allow"]) == (405, "GET, HEAD")
