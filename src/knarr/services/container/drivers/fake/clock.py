"""One thread for all that happens by itself: programs that end, restarts, health checks."""

from __future__ import annotations

import heapq
import itertools
import logging
import threading
import time
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Clock:
    """Calls functions at their time (seconds since the epoch), one after another. The thread starts with
    the first."""

    def __init__(self) -> None:
        self._due: list[tuple[float, int, Callable[[], None]]] = []
        self._number = itertools.count()
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None
        self._closed = False

    def at(self, when: float, action: Callable[[], None]) -> None:
        with self._changed:
            if self._closed:
                return
            heapq.heappush(self._due, (when, next(self._number), action))
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="fake-engine-clock", daemon=True)
                self._thread.start()
            elif self._due[0][0] == when:
                self._changed.notify()

    def _run(self) -> None:
        while action := self._next():
            try:
                action()
            except Exception:  # what is due next is not late for it
                LOG.exception("something that was due in the fake engine failed")

    def _next(self) -> Callable[[], None] | None:
        with self._changed:
            while not self._closed:
                wait = self._due[0][0] - time.time() if self._due else None
                if wait is not None and wait <= 0:
                    return heapq.heappop(self._due)[2]
                self._changed.wait(wait)
            return None

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()
            thread = self._thread
        if thread and thread is not threading.current_thread():
            thread.join(2)
