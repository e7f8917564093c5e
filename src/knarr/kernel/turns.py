"""Turns: how many requests are worked on at once, however many clients keep a thread waiting for them.

A thread that reads a body waits for its sender, one that sends an answer for its reader. Neither works, so
neither keeps a turn: slow clients take threads, of which there are many, and not turns, which are few.
Some threads are always left to those that do not wait.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any

from knarr.kernel.errors import ServiceUnavailable

# Threads of the server. They are made when there is need and end when idle.
THREADS = 512
# As many of them may wait for clients.
PATIENT = THREADS - 64

WsgiApp = Callable[[dict[str, Any], Any], Iterable[bytes]]


class Turns:
    """A WSGI app that lets `count` requests at once into another one; bodies are waited for outside."""

    def __init__(self, app: WsgiApp, count: int, patient: int = PATIENT) -> None:
        self._app = app
        self.turns = threading.Semaphore(count)
        self.patient = threading.Semaphore(patient)

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["wsgi.input"] = _Input(environ["wsgi.input"], self)
        with self.turns:
            answer = self._app(environ, start_response)
        # What is there already is sent without a thread of ours.
        return answer if isinstance(answer, list) else _Output(answer, self)

    def wait_for_client(self) -> None:
        """Count a thread that is about to wait. Raises ServiceUnavailable if too many do."""
        if not self.patient.acquire(blocking=False):
            raise ServiceUnavailable(
                "Too many clients are sending or reading slowly; try again later.",
                headers={"Retry-After": "5"},
            )


class _Input:
    """A request's body, of which every read gives the turn back while it waits."""

    __slots__ = ("_of", "_stream")

    def __init__(self, stream: Any, of: Turns) -> None:
        self._stream = stream
        self._of = of

    def read(self, *size: int) -> bytes:
        return self._waiting(self._stream.read, *size)

    def readline(self, *size: int) -> bytes:
        return self._waiting(self._stream.readline, *size)

    def readlines(self, *hint: int) -> list[bytes]:
        lines: list[bytes] = self._waiting(self._stream.readlines, *hint)
        return lines

    def __iter__(self) -> Iterator[bytes]:
        while line := self.readline():
            yield line

    def _waiting(self, read: Callable[..., Any], *arguments: int) -> Any:
        of = self._of
        of.wait_for_client()
        of.turns.release()
        try:
            return read(*arguments)
        finally:
            of.turns.acquire()
            of.patient.release()


class _Output:
    """An answer that is made piece by piece, while its reader takes it."""

    def __init__(self, pieces: Iterable[bytes], of: Turns) -> None:
        self._pieces = pieces
        self._iterator = iter(pieces)
        self._of: Turns | None = of
        # Its status is decided already: who cannot be refused any more is counted if there is room.
        if not of.patient.acquire(blocking=False):
            self._of = None

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._iterator)

    def close(self) -> None:
        of, self._of = self._of, None
        if of is not None:
            of.patient.release()
        close = getattr(self._pieces, "close", None)
        if close:
            close()

    def __del__(self) -> None:
        with suppress(Exception):
            self.close()
