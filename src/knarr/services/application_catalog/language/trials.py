"""Processes in which regular expressions are tried on texts, and ended when that takes too long.

Each thread that tries takes an idle process, or starts one: none waits for another's pattern. Few are kept.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import json
import os
import selectors
import subprocess
import sys
import threading
from typing import Any

from knarr.services.application_catalog.language.errors import LimitReached

KEPT = 2
START_SECONDS = 10.0

WORKER = """
import json, re, sys
try:
    import resource
    resource.setrlimit(resource.RLIMIT_AS, (1 << 28, 1 << 28))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))
except (ImportError, ValueError, OSError):
    pass
for line in sys.stdin:
    pattern, flags, text = json.loads(line)
    try:
        for _ in re.finditer(pattern, text, flags):
            pass
        good = True
    except (MemoryError, RecursionError, re.error):
        good = False
    print(int(good), flush=True)
"""


class Worker:
    """A process that matches what it is sent, line by line."""

    def __init__(self) -> None:
        self._owner = os.getpid()
        self.process: subprocess.Popen[bytes] = subprocess.Popen(
            [sys.executable, "-I", "-S", "-c", WORKER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env={},
        )
        self.ask(["", 0, ""], START_SECONDS)  # the time of starting is not the pattern's

    @property
    def is_own(self) -> bool:
        """Whether this process started it: one that was forked since has to leave it alone."""
        return self._owner == os.getpid()

    @property
    def has_ended(self) -> bool:
        return self.process.poll() is not None

    def ask(self, match: list[Any], seconds: float) -> bool | None:
        """Whether the match ended well and in time; None if there is no process any more."""
        source: Any = self.process.stdin
        target: Any = self.process.stdout
        try:
            source.write(json.dumps(match).encode() + b"\n")
            source.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(target, selectors.EVENT_READ)
            if not selector.select(seconds):
                self.stop()
                return False
        answer = target.readline().strip()
        return answer == b"1" if answer else None

    def stop(self) -> None:
        """End the process. Once more does no harm."""
        self.process.kill()
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()


class Workers:
    """The processes that are idle."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self.idle: list[Worker] = []

    def ends(self, pattern: str, flags: int, text: str, seconds: float) -> bool:
        """Whether matching all over the text ends within the time."""
        for _ in range(2):  # a process that ended while it was idle is replaced once
            worker = self._taken()
            answer = worker.ask([pattern, flags, text], seconds)
            if answer is not None:
                self._put(worker)
                return answer
            worker.stop()
        return False

    def _taken(self) -> Worker:
        with self._mutex:
            while self.idle:
                worker = self.idle.pop()
                if worker.is_own:
                    return worker
        return Worker()

    def _put(self, worker: Worker) -> None:
        with self._mutex:
            if not worker.has_ended and len(self.idle) < KEPT:
                self.idle.append(worker)
                return
        worker.stop()

    def close(self) -> None:
        """End those of this process."""
        with self._mutex:
            idle, self.idle = self.idle, []
        for worker in idle:
            if worker.is_own:
                worker.stop()


workers = Workers()
atexit.register(workers.close)


def tried(pattern: str, flags: int, text: str, seconds: float) -> None:
    """Match in another process. Raises LimitReached if that does not end in time."""
    if not workers.ends(pattern, flags, text, seconds):
        raise LimitReached(
            f"the regular expression {pattern[:80]!r} takes too long on a text of {len(text)} characters"
        )


# What was good once need not be tried again.
tried_once = functools.lru_cache(maxsize=512)(tried)
