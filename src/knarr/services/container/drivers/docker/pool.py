"""Sandboxes kept ready, so that a container does not wait for one to start.

Making one costs the host as much as starting a container. So new ones are made only while no container is
on its way from its sandbox to its start; whoever comes when none is left makes one for itself, or waits for
the one that is just being made.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from knarr.services.container.drivers.base import EngineError

LOG = logging.getLogger(__name__)

# A container that claimed its sandbox and never started holds the refilling up no longer than this.
HOLD_SECONDS = 3.0
# After an error of the engine
PAUSE_SECONDS = 5.0
WAIT_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class Ready:
    """A running sandbox. ``netns``: inode of its namespace, 0 where we cannot see it."""

    id: str
    name: str
    pid: int
    hostname: str
    netns: int = 0


class SandboxPool:
    def __init__(self, make: Callable[[], Ready], remove: Callable[[Ready], None], size: int) -> None:
        self._make = make
        self._remove = remove
        self._size = size
        self._ready: deque[Ready] = deque()
        self._on_the_way: dict[str, float] = {}
        self._making = 0
        self._waiting = 0
        self._closed = False
        self._thread: threading.Thread | None = None
        self._changed = threading.Condition()

    def start(self) -> None:
        """Begins to fill the pool in the background."""
        with self._changed:
            if self._thread or self._closed or not self._size:
                return
            self._thread = threading.Thread(target=self._keep_full, name="sandbox-pool", daemon=True)
            self._thread.start()

    def add(self, ready: Ready) -> None:
        """One that a former process left behind."""
        with self._changed:
            self._ready.append(ready)
            self._changed.notify_all()

    def take(self) -> Ready | None:
        """A ready one, if need be the one that is just being made; None: make one yourself."""
        with self._changed:
            if not self._ready and self._making > self._waiting:
                self._waiting += 1
                try:
                    self._changed.wait_for(lambda: self._ready or not self._making, WAIT_SECONDS)
                finally:
                    self._waiting -= 1
            return self._ready.popleft() if self._ready else None

    def on_the_way(self, uuid: str) -> None:
        """A container has got its sandbox and will start soon."""
        with self._changed:
            self._on_the_way[uuid] = time.monotonic()

    def at_rest(self, uuid: str) -> None:
        """It started, or failed to."""
        with self._changed:
            if self._on_the_way.pop(uuid, None) is not None:
                self._changed.notify_all()

    def busy(self, uuid: str) -> bool:
        with self._changed:
            since = self._on_the_way.get(uuid)
            return since is not None and time.monotonic() - since < HOLD_SECONDS

    @property
    def count(self) -> int:
        return len(self._ready)

    def close(self) -> list[Ready]:
        """Ends the refilling; gives what nobody claimed."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
            thread = self._thread
        if thread:
            thread.join(WAIT_SECONDS)
        with self._changed:
            left = list(self._ready)
            self._ready.clear()
        return left

    def _keep_full(self) -> None:
        while self._wait_for_room():
            try:
                made = self._make()
            except Exception as error:  # the thread keeps the pool full until it is closed
                LOG.warning(
                    "no sandbox could be made ready, next try in %.0f s: %s",
                    PAUSE_SECONDS,
                    error,
                    exc_info=not isinstance(error, EngineError),
                )
                with self._changed:
                    self._making -= 1
                    self._changed.notify_all()
                    self._changed.wait_for(lambda: self._closed, PAUSE_SECONDS)
                continue
            with self._changed:
                self._making -= 1
                self._ready.append(made)
                self._changed.notify_all()

    def _wait_for_room(self) -> bool:
        """True once one is missing and no container is on its way; False at the end."""
        with self._changed:
            while not self._closed:
                patience = self._calm_in()
                if len(self._ready) < self._size and patience == 0:
                    self._making += 1
                    return True
                self._changed.wait(patience or None)
            return False

    def _calm_in(self) -> float:
        now = time.monotonic()
        for uuid, since in list(self._on_the_way.items()):
            if now - since >= HOLD_SECONDS:
                del self._on_the_way[uuid]
        if not self._on_the_way:
            return 0
        return max(0.001, HOLD_SECONDS - (now - min(self._on_the_way.values())))
