"""A pool of threads that never keeps a process from ending.

concurrent.futures waits at exit for every thread it ever made; a call into a hung container engine
would then keep a stopped program alive. The threads here are daemons, are made when there is need, and
idle ones are used first.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable

LOG = logging.getLogger(__name__)


class Pool:
    """At most `size` threads that run what is submitted, in order of submission."""

    def __init__(self, name: str, size: int) -> None:
        self._name = name
        self._size = size
        self._tasks: deque[Callable[[], None]] = deque()
        self._change = threading.Condition()
        self._threads: list[threading.Thread] = []
        self._idle = 0
        self._closed = False

    def submit(self, task: Callable[[], None]) -> bool:
        """Have the task run soon. False if the pool is closed. What a task raises is logged."""
        with self._change:
            if self._closed:
                return False
            self._tasks.append(task)
            if self._idle >= len(self._tasks) or len(self._threads) >= self._size:
                self._change.notify()
                return True
            name = f"{self._name}-{len(self._threads) + 1}"
            thread = threading.Thread(target=self._serve, name=name, daemon=True)
            self._threads.append(thread)
        thread.start()
        return True

    def close(self, timeout: float = 0.0) -> None:
        """Take no more tasks, drop those that have not begun, and wait `timeout` seconds for the others."""
        with self._change:
            self._closed = True
            self._tasks.clear()
            self._change.notify_all()
        for thread in self._threads:
            if thread is not threading.current_thread():
                thread.join(timeout / len(self._threads))

    def _serve(self) -> None:
        while task := self._next():
            try:
                task()
            except Exception:  # the thread outlives its tasks
                LOG.exception("a task of the pool %s failed", self._name)

    def _next(self) -> Callable[[], None] | None:
        with self._change:
            self._idle += 1
            while not self._tasks and not self._closed:
                self._change.wait()
            self._idle -= 1
            return self._tasks.popleft() if self._tasks else None
