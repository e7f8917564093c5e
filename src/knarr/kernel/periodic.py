"""Work that comes again and again: one thread that waits for the next time, a few that do it."""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from knarr.kernel.pool import Pool

LOG = logging.getLogger(__name__)

THREADS = 4
SPREAD = 0.1  # of the interval, by which the first run is put off so that tasks do not all start together


@dataclass(frozen=True)
class Periodic:
    """A task that runs every `interval` seconds, or every as many as the option "group.name" says.

    0 or less turns it off. It never overlaps with itself: while it runs, its next time does not come.
    `fn(runtime)`; what it raises is logged, and it runs again the next time.
    """

    name: str
    interval: float | str
    fn: Callable[[Any], None]
    run_at_start: bool = False

    def seconds(self, conf: Any) -> float:
        if not isinstance(self.interval, str):
            return self.interval
        value = conf
        for part in self.interval.split("."):
            value = getattr(value, part)
        return float(value)


class Scheduler:
    """Runs the periodic tasks of a process."""

    def __init__(self, runtime: Any, tasks: Iterable[Periodic], threads: int = THREADS) -> None:
        self._runtime = runtime
        self._intervals = {task: task.seconds(runtime.conf) for task in tasks}
        self._next: dict[Periodic, float] = {}  # monotonic; a task that runs has no next time yet
        self._change = threading.Condition()
        self._stopping = False
        self._pool = Pool("periodic", threads)
        self._thread = threading.Thread(target=self._loop, name="periodic", daemon=True)

    def start(self) -> None:
        now = time.monotonic()
        for task, interval in self._intervals.items():
            if interval > 0:
                wait = 0.0 if task.run_at_start else interval * (1 + random.uniform(0, SPREAD))  # noqa: S311
                self._next[task] = now + wait
        self._thread.start()

    def stop(self, timeout: float = 2.0) -> None:
        """Start no more tasks; wait `timeout` seconds at most for those that run."""
        with self._change:
            self._stopping = True
            self._change.notify_all()
        self._pool.close(timeout)

    def run_now(self, name: str) -> bool:
        """Have the task of this name run as soon as may be; False if it runs already or there is none."""
        with self._change:
            for task in self._next:
                if task.name == name:
                    self._next[task] = 0.0
                    self._change.notify_all()
                    return True
        return False

    def _loop(self) -> None:
        with self._change:
            while not self._stopping:
                now = time.monotonic()
                for task in [task for task, due in self._next.items() if due <= now]:
                    del self._next[task]
                    self._pool.submit(lambda task=task: self._run(task))  # type: ignore[misc]
                soonest = min(self._next.values(), default=None)
                self._change.wait(None if soonest is None else max(0.0, soonest - now))

    def _run(self, task: Periodic) -> None:
        began = time.monotonic()
        try:
            task.fn(self._runtime)
        except Exception:  # a task that fails has its next turn all the same
            LOG.exception("the periodic task %s failed", task.name)
        ended = time.monotonic()
        with self._change:
            # Its rhythm is kept; times that passed while it ran are left out.
            self._next[task] = max(began + self._intervals[task], ended)
            self._change.notify_all()
