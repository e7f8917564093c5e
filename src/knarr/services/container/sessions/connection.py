"""One WebSocket: the handshake and the frames, over a socket that never blocks for long.

The protocol itself is the library's; the bytes are ours. No pings are sent: the official client answers one
and then waits for output, deaf to the keyboard. A peer that is gone is found out by TCP's keepalive.
"""

from __future__ import annotations

import base64
import binascii
import logging
import select
import socket
import ssl
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from websockets.http11 import Request
    from websockets.server import ServerProtocol
    from websockets.typing import Subprotocol

CHUNK = 65536
# Seconds for the handshakes, for a peer to take what is sent, and for its part of the closing.
OPEN_SECONDS, STALL_SECONDS, CLOSE_SECONDS = 10.0, 60.0, 2.0
KEEPALIVE = ((socket.TCP_KEEPIDLE, 60), (socket.TCP_KEEPINTVL, 15), (socket.TCP_KEEPCNT, 4))
NORMAL, GOING_AWAY, INVALID_DATA, POLICY = 1000, 1001, 1007, 1008


class Gone(Exception):  # noqa: N818
    """The peer is not there any more, or does not follow the protocol."""


class Connection:
    """A connection from its first byte to its end. One thread reads; any may send."""

    def __init__(self, sock: socket.socket, max_frame: int) -> None:
        from websockets.server import ServerProtocol

        self._sock = sock
        self._io = threading.Lock()  # TLS does not stand two threads at once
        self._order = threading.Lock()
        self._protocol: ServerProtocol = ServerProtocol(
            select_subprotocol=_subprotocol, max_size=max_frame, logger=_quiet()
        )
        self._base64 = False
        self._text = b""
        sock.setblocking(False)
        if sock.family in (socket.AF_INET, socket.AF_INET6):
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            for option, value in KEEPALIVE:
                sock.setsockopt(socket.IPPROTO_TCP, option, value)

    # the handshake

    def request(self) -> Request:
        """The client's request. Raises Gone if none comes in time."""
        from websockets.http11 import Request

        until = time.monotonic() + OPEN_SECONDS
        while True:
            if not self._receive(until - time.monotonic()):
                raise Gone
            for event in self._protocol.events_received():
                if isinstance(event, Request):
                    return event
            if self._protocol.close_expected():
                raise Gone  # this is no HTTP

    def asks_for_websocket(self, request: Request) -> bool:
        """Whether `accept` would accept it. If not, it has been refused."""
        from websockets.exceptions import InvalidHandshake

        try:
            self._protocol.process_request(request)
        except InvalidHandshake:
            self.accept(request)
            return False
        return True

    def accept(self, request: Request) -> None:
        """Answer as the protocol wants it."""
        with self._turn():
            self._protocol.send_response(self._protocol.accept(request))
        self._base64 = self._protocol.subprotocol == "base64"

    def reject(self, status: int, text: str) -> None:
        with self._turn():
            self._protocol.send_response(self._protocol.reject(status, text + "\n"))

    # data

    def receive(self, seconds: float | None) -> list[bytes] | None:
        """What came within so many seconds (None: however long). None: nothing came. Raises Gone at the end
        of the connection."""
        if not self._receive(seconds):
            return None
        pieces = [piece for event in self._protocol.events_received() for piece in self._payload(event)]
        if not pieces and self._protocol.close_expected():
            raise Gone
        return pieces

    def _payload(self, event: object) -> Iterator[bytes]:
        from websockets.frames import Frame, Opcode

        if not isinstance(event, Frame) or event.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            return
        if not self._base64:
            yield bytes(event.data)
            return
        self._text += bytes(event.data)
        if event.fin:
            text, self._text = self._text, b""
            try:
                yield base64.b64decode(text, validate=True)
            except binascii.Error:
                self.close(INVALID_DATA, "not base64")
                raise Gone from None

    def send(self, data: bytes) -> None:
        """Raises Gone if the peer does not take it."""
        if not data:
            return
        from websockets.protocol import State

        with self._turn():
            if self._protocol.state is not State.OPEN:
                raise Gone
            if self._base64:
                self._protocol.send_text(base64.b64encode(data))
            else:
                self._protocol.send_binary(data)

    # the end

    def close(self, code: int, reason: str) -> None:
        """Say goodbye; whoever reads sees the end when the peer has answered."""
        from websockets.protocol import State

        with suppress(Gone), self._turn():
            if self._protocol.state is State.OPEN:
                self._protocol.send_close(code, reason[:120])

    def finish(self) -> None:
        """Wait a moment for the peer's goodbye, and hang up."""
        until = time.monotonic() + CLOSE_SECONDS
        with suppress(Gone):
            while (left := until - time.monotonic()) > 0 and self._protocol.close_expected():
                self._receive(left)
        self.abort()
        self._sock.close()

    def abort(self) -> None:
        """From any thread: whoever reads or sends finds the end at once."""
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)

    # bytes

    def _receive(self, seconds: float | None) -> bool:
        """Feed the protocol with what comes. False if nothing came in time; Gone at the end of the stream."""
        data = self._read()
        if data is None:
            if not _ready(self._sock, select.POLLIN, seconds):
                return False
            data = self._read()
            if data is None:
                return False
        if not data:
            raise Gone
        with self._turn():  # which sends the answers to pings and to a closing
            self._protocol.receive_data(data)
        return True

    def _read(self) -> bytes | None:
        """None: nothing yet. b"" at the end."""
        with self._io:
            try:
                return self._sock.recv(CHUNK)
            except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return None
            except OSError:
                return b""

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time lets the protocol write, and sends it, so that frames keep their order."""
        with self._order:
            yield
            for data in self._protocol.data_to_send():
                if data:
                    self._write(data)
                else:
                    self._end_output()

    def _write(self, data: bytes) -> None:
        view = memoryview(data)
        while view:
            with self._io:
                try:
                    sent = self._sock.send(view)
                except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
                    sent = 0
                except OSError:
                    raise Gone from None
            if not sent and not _ready(self._sock, select.POLLOUT, STALL_SECONDS):
                raise Gone
            view = view[sent:]

    def _end_output(self) -> None:
        if not isinstance(self._sock, ssl.SSLSocket):
            with suppress(OSError):
                self._sock.shutdown(socket.SHUT_WR)


def _quiet() -> logging.Logger:
    """At lower levels the library writes requests with their tokens, and what people type."""
    logger = logging.getLogger(f"{__name__}.protocol")
    logger.setLevel(logging.WARNING)
    return logger


def _ready(sock: socket.socket, events: int, seconds: float | None) -> bool:
    """Whether it can be read or written within the time. Raises Gone if it is closed here."""
    if seconds is not None and seconds <= 0:
        return False
    number = sock.fileno()
    if number < 0:
        raise Gone
    poll = select.poll()
    poll.register(number, events)
    return bool(poll.poll(None if seconds is None else seconds * 1000))


def _subprotocol(_protocol: ServerProtocol, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """Raw bytes if the client can; no subprotocol is raw bytes as well."""
    from websockets.exceptions import NegotiationError

    for name in ("binary", "base64"):
        for known in offered:
            if known == name:
                return known
    if offered:
        raise NegotiationError("the subprotocols here are binary and base64")
    return None
