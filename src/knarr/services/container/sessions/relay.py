"""Bytes between a WebSocket and a terminal, until one of them ends."""

from __future__ import annotations

import threading
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from knarr.services.container.sessions.connection import (
    CLOSE_SECONDS,
    GOING_AWAY,
    NORMAL,
    POLICY,
    Connection,
    Gone,
)
from knarr.services.container.sessions.keystrokes import Characters, Escape

if TYPE_CHECKING:
    from knarr.services.container.drivers.base import Terminal


class Relay:
    """Two threads: the caller's takes what the client types, one of its own brings what the terminal shows.

    Each waits for the slower side before it reads on, so that nothing piles up.
    """

    def __init__(self, connection: Connection, terminal: Terminal, idle_timeout: float, escape: bool) -> None:
        self._connection = connection
        self._terminal = terminal
        self._idle = idle_timeout
        self._escape = Escape() if escape else None
        self._last = time.monotonic()
        self._over = threading.Event()

    def run(self) -> None:
        """Returns when the session has ended, with the terminal closed."""
        output = threading.Thread(target=self._show, name="session-output", daemon=True)
        output.start()
        try:
            self._take()
        except (Gone, OSError, ValueError):
            pass  # the client went, or the terminal did: the other thread says goodbye
        finally:
            self._over.set()
            self._terminal.close()
            self._connection.finish()
            output.join(CLOSE_SECONDS)

    def stop(self, reason: str) -> None:
        """From any thread."""
        self._connection.close(GOING_AWAY, reason)
        self._terminal.close()

    def _take(self) -> None:
        while True:
            left = self._left()
            if left is not None and left <= 0:
                self._connection.close(POLICY, f"nothing was said for {self._idle:g} seconds")
                return
            for data in self._connection.receive(left) or ():
                self._last = time.monotonic()
                typed, leaves = self._escape.feed(data) if self._escape else (data, False)
                if typed:
                    self._terminal.write(typed)
                if leaves:
                    self._connection.close(NORMAL, "left by ~.")
                    return

    def _left(self) -> float | None:
        """Seconds until the session was idle for too long; None if it may be so for ever."""
        return self._last + self._idle - time.monotonic() if self._idle else None

    def _show(self) -> None:
        cut = Characters()
        with suppress(Gone, OSError):
            while data := self._terminal.read():
                self._last = time.monotonic()
                self._connection.send(cut.feed(data))
            self._connection.send(cut.rest())
        self._connection.close(NORMAL, "the process in the container ended")
        if not self._over.wait(CLOSE_SECONDS):
            self._connection.abort()
