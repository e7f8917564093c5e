"""The address of interactive sessions: takes connections, with TLS or without, and hands each to a thread."""

from __future__ import annotations

import logging
import select
import socket
import ssl
import threading
from collections.abc import Callable
from contextlib import suppress

from knarr.services.container.sessions.connection import OPEN_SECONDS

LOG = logging.getLogger(__name__)

BACKLOG = 64
# Connections beyond the sessions that may be open: they are on their way to be one, or to be refused.
SPARE = 32
TLS_HANDSHAKE = b"\x16"


class Listener:
    """A bound address. The thread that waits costs nothing until somebody connects.

    `context` speaks TLS with clients that begin so; with `ssl_only` the others are hung up on.
    """

    def __init__(
        self,
        address: tuple[str, int],
        serve: Callable[[socket.socket], None],
        most: int,
        context: ssl.SSLContext | None = None,
        ssl_only: bool = False,
    ) -> None:
        self._serve = serve
        self._context = context
        self._ssl_only = ssl_only
        self._slots = threading.BoundedSemaphore(most + SPARE)
        self._closed = False
        family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
        self._sock = socket.create_server(address, family=family, backlog=BACKLOG)
        self.port: int = self._sock.getsockname()[1]
        self._thread = threading.Thread(target=self._accept, name="sessions", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Take no more connections; those that there are go on."""
        self._closed = True
        with suppress(OSError):
            self._sock.shutdown(socket.SHUT_RDWR)  # wakes the thread
        self._sock.close()
        self._thread.join(OPEN_SECONDS)

    def _accept(self) -> None:
        while not self._closed:
            try:
                sock, _ = self._sock.accept()
            except OSError as error:
                if not self._closed:
                    LOG.warning("a connection for a session could not be taken: %s", error)
                    threading.Event().wait(0.2)
                continue
            if not self._slots.acquire(blocking=False):
                LOG.warning("too many connections for sessions: one was refused")
                sock.close()
                continue
            threading.Thread(target=self._one, args=(sock,), name="session", daemon=True).start()

    def _one(self, sock: socket.socket) -> None:
        try:
            ready = self._secured(sock)
            if ready is not None:
                self._serve(ready)
        except Exception:  # the end of a thread: what strangers send must leave more than a line on stderr
            LOG.exception("a session failed")
        finally:
            with suppress(OSError):
                sock.close()
            self._slots.release()

    def _secured(self, sock: socket.socket) -> socket.socket | None:
        """The connection as it is to be used; None if it is none of ours."""
        if self._context is None:
            return sock
        sock.settimeout(OPEN_SECONDS)
        try:
            if not self._begins_tls(sock):
                return None if self._ssl_only else sock
            return self._context.wrap_socket(sock, server_side=True)
        except OSError:  # no TLS after all, or too slow
            return None

    @staticmethod
    def _begins_tls(sock: socket.socket) -> bool:
        select.select([sock], [], [], OPEN_SECONDS)
        return sock.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT) == TLS_HANDSHAKE
