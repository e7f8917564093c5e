"""What a session may use: time and steps; and how it is cancelled."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

from knarr.services.application_catalog.language.errors import Cancelled, LimitReached


class Limits:
    """A budget. `seconds` of time, `steps` of instructions, `depth` of calls; None is without end."""

    def __init__(
        self, seconds: float | None = None, steps: int | None = 10_000_000, depth: int | None = 100
    ) -> None:
        self.seconds = seconds
        self.steps = steps
        self.depth = depth
        self._end = None if seconds is None else time.monotonic() + seconds
        self._taken = 0
        self._cancelled = threading.Event()
        self._watchers: list[Callable[[], None]] = []

    def cancel(self) -> None:
        """Have the session end at its next instruction."""
        self._cancelled.set()
        for watcher in tuple(self._watchers):
            watcher()

    def on_cancel(self, watcher: Callable[[], None]) -> None:
        """Have this called when the session is cancelled: for what waits elsewhere."""
        self._watchers.append(watcher)
        if self._cancelled.is_set():
            watcher()

    def step(self) -> None:
        """Count an instruction. Raises Cancelled or LimitReached."""
        if self._cancelled.is_set():
            raise Cancelled("the session was cancelled")
        self._taken += 1
        if self.steps is not None and self._taken > self.steps:
            raise LimitReached(f"more than {self.steps} instructions were executed")
        if self._end is not None and time.monotonic() > self._end:
            raise LimitReached(f"the session took longer than {self.seconds} seconds")

    def sleep(self, seconds: float) -> None:
        """Wait, but not past a cancellation or the end of the time."""
        if self._end is not None:
            seconds = min(seconds, max(0.0, self._end - time.monotonic()) + 0.001)
        self._cancelled.wait(max(0.0, seconds))
        self.step()
