"""The parent of the worker: it owns nothing but the duty to replace a worker that was killed, and to say so.

What a killed worker had under way is in the database, so another one goes on with it (see the kernel's
operations). One that ends by itself has said why, and would only end again: then the parent ends too.
"""

from __future__ import annotations

import signal
import sys
import time
from collections import deque
from typing import Any

from granian.server.mp import MPServer

# As many workers may be killed within so many seconds; one more, and the parent gives up.
DEATHS, SECONDS = 3, 60.0

# The status of a worker that has told what is wrong itself.
SAID_WHY = 1


class Supervisor(MPServer):
    """Granian's parent with one worker. `serve` raises SystemExit(1) if the worker is gone for good."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._deaths: deque[float] = deque(maxlen=DEATHS)

    # Granian would start a second worker beside the first, which the lock of the engine forbids. A terminal
    # that is closed is to end us.
    def signal_handler_reload(self, *args: Any, **kwargs: Any) -> None:
        self.signal_handler_interrupt(*args, **kwargs)

    def _serve_loop(self, spawn_target: Any, target_loader: Any) -> None:
        """Wait for a signal to us or the end of the worker. Leaves `interrupt_children` as it is to fail."""
        while True:
            self.main_loop_interrupt.wait()
            if self.interrupt_signal or not self._is_to_be_replaced():
                return
            self.interrupt_children.clear()
            self.main_loop_interrupt.clear()
            self._respawn_workers([0], spawn_target, target_loader)

    def _is_to_be_replaced(self) -> bool:
        process = self.wrks[0].inner
        status = process.exitcode or 0
        if status >= 0:
            if status != SAID_WHY:
                _say(f"the worker (pid {process.pid}) has ended with status {status}")
            return False
        number = -status
        what = f"the worker (pid {process.pid}) was killed by signal {number} ({_name(number)})"
        now = time.monotonic()
        if len(self._deaths) == DEATHS and now - self._deaths[0] < SECONDS:
            _say(f"{what}, the {DEATHS + 1}th within {SECONDS:.0f} s: giving up")
            return False
        self._deaths.append(now)
        _say(f"{what}; another one takes over")
        return True


def _name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return "?"


def _say(text: str) -> None:
    print(f"knarr: {text}", file=sys.stderr, flush=True)
