"""Streams of the engine over a connection of their own: hijacked ones (attach, exec) and endless answers
(logs, events).

The SDK takes the socket from below a buffered reader, which may keep the first bytes of the output for
itself, and gives no way to end a read from another thread. Here the socket is ours.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
import struct
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

from knarr.services.container.drivers.base import EngineTimeout
from knarr.services.container.drivers.docker.connection import Connection
from knarr.services.container.drivers.docker.errors import from_answer, translated

HEAD_LIMIT = 65536
WRITE_SECONDS = 60
# Stream type and length before each piece of output without a TTY
FRAME = struct.Struct(">BxxxL")


def connect(connection: Connection, timeout: float | None) -> socket.socket:
    parts = urlsplit(connection.url)
    if connection.local:
        sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        sock.settimeout(timeout)
        sock.connect(parts.path)
        return sock
    sock = socket.create_connection((parts.hostname or "localhost", parts.port or 2375), timeout)
    context = _tls(connection)
    return context.wrap_socket(sock, server_hostname=parts.hostname) if context else sock


def _tls(connection: Connection) -> ssl.SSLContext | None:
    settings = connection.settings
    if not (settings.ca_file or settings.cert_file):
        return None
    context = ssl.create_default_context(cafile=settings.ca_file)
    if not settings.ca_file:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    if settings.cert_file:
        context.load_cert_chain(settings.cert_file, settings.key_file)
    return context


class Hijacked:
    """The two-way stream of an attach or exec. ``framed``: without a TTY the engine marks each piece."""

    def __init__(self, sock: socket.socket, rest: bytes, framed: bool) -> None:
        self._sock = sock
        self._buffer = rest
        self._framed = framed
        self._left = 0

    def read(self, size: int = 65536) -> bytes:
        """Blocks for at least one byte; b"" at the end."""
        if not self._framed:
            return self._some(size)
        while self._left == 0:
            head = self._exactly(FRAME.size)
            if len(head) < FRAME.size:
                return b""
            self._left = FRAME.unpack(head)[1]
        data = self._some(min(size, self._left))
        self._left -= len(data)
        return data

    def read_all(self, deadline: float) -> bytes:
        """Until the end; EngineTimeout past the ``deadline`` (time.monotonic)."""
        pieces: list[bytes] = []
        while True:
            left = deadline - time.monotonic()
            if left <= 0:
                raise EngineTimeout("no end in time")
            self._sock.settimeout(left)
            try:
                data = self.read()
            except TimeoutError:
                raise EngineTimeout("no end in time") from None
            if not data:
                return b"".join(pieces)
            pieces.append(data)

    def write(self, data: bytes) -> None:
        self._sock.sendall(data)

    def end_input(self) -> None:
        """The process sees the end of its standard input; its output goes on."""
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()

    def fileno(self) -> int:
        return self._sock.fileno()

    def _some(self, size: int) -> bytes:
        if self._buffer:
            data, self._buffer = self._buffer[:size], self._buffer[size:]
            return data
        try:
            return self._sock.recv(size)
        except TimeoutError:
            raise
        except OSError:  # closed by another thread
            return b""

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            piece = self._some(size - len(data))
            if not piece:
                break
            data += piece
        return data


def hijack(
    connection: Connection, path: str, body: dict[str, Any] | None, framed: bool, what: str
) -> Hijacked:
    """POSTs and takes the connection over. ``path`` begins behind the version."""
    payload = json.dumps(body).encode() if body is not None else b""
    head = (
        f"POST /v{connection.api_version}{path} HTTP/1.1\r\nHost: engine\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(payload)}\r\n"
        "Connection: Upgrade\r\nUpgrade: tcp\r\n\r\n"
    )
    with translated(what, connection.url):
        sock = connect(connection, connection.settings.default_timeout)
        try:
            sock.sendall(head.encode() + payload)
            status, rest = _answer(sock)
            if status >= 400:
                raise from_answer(status, _message(sock, rest), what)  # noqa: TRY301
        except BaseException:
            sock.close()
            raise
    sock.settimeout(None)
    # A process that does not read what is typed to it must not hold a session for ever.
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", WRITE_SECONDS, 0))
    return Hijacked(sock, rest, framed)


def _answer(sock: socket.socket) -> tuple[int, bytes]:
    data = b""
    while b"\r\n\r\n" not in data:
        piece = sock.recv(4096)
        if not piece or len(data) > HEAD_LIMIT:
            raise ConnectionError("the engine ended the connection")
        data += piece
    head, rest = data.split(b"\r\n\r\n", 1)
    return int(head.split(None, 2)[1]), rest


def _message(sock: socket.socket, rest: bytes) -> str:
    sock.settimeout(1.0)
    with contextlib.suppress(OSError):
        while len(rest) < HEAD_LIMIT and not rest.rstrip().endswith(b"}"):
            piece = sock.recv(4096)
            if not piece:
                break
            rest += piece
    found = rest[rest.find(b"{") : rest.rfind(b"}") + 1]
    try:
        return str(json.loads(found)["message"])
    except (ValueError, KeyError):
        return rest.decode("utf-8", "replace").strip()


class Answer:
    """An endless answer to a GET; iterates over its bytes. ``close`` from any thread ends the iteration."""

    def __init__(self, sock: socket.socket, response: http.client.HTTPResponse) -> None:
        self._sock = sock
        self._response = response
        self.broken = False
        """Whether it ended before its end: closed by another thread, or the engine went away."""

    def __iter__(self) -> Iterator[bytes]:
        while True:
            try:
                data = self._response.read1(65536)
            except (OSError, http.client.HTTPException, ValueError, AttributeError):
                self.broken = True
                return
            if not data:
                return
            yield data

    def header(self, name: str) -> str:
        return self._response.headers.get(name, "")

    def close(self) -> None:
        with contextlib.suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)
        self._sock.close()


def stream(connection: Connection, path: str, query: dict[str, Any], what: str) -> Answer:
    """GETs something that does not end by itself."""
    with translated(what, connection.url):
        version = connection.api_version
        sock = connect(connection, connection.settings.default_timeout)
        try:
            client = http.client.HTTPConnection("engine")
            client.sock = sock
            client.request("GET", f"/v{version}{path}?{urlencode(query)}")
            # The engine of an idle stream may send its headers only with the first line.
            sock.settimeout(None)
            response = client.getresponse()
            if response.status >= 400:
                words = _text(response.read(HEAD_LIMIT))
                raise from_answer(response.status, words, what)  # noqa: TRY301
        except BaseException:
            sock.close()
            raise
    return Answer(sock, response)


def _text(body: bytes) -> str:
    try:
        return str(json.loads(body)["message"])
    except (ValueError, KeyError, TypeError):
        return body.decode("utf-8", "replace")


def unframed(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """The payloads of framed output, whatever the cuts between the pieces."""
    buffer = b""
    for piece in pieces:
        buffer += piece
        while len(buffer) >= FRAME.size:
            length = FRAME.unpack_from(buffer)[1]
            if len(buffer) < FRAME.size + length:
                break
            yield buffer[FRAME.size : FRAME.size + length]
            buffer = buffer[FRAME.size + length :]
