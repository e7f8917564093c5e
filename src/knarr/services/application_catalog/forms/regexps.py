"""Regular expressions of package authors on texts of users, with an end.

Python's `re` backtracks, holds the interpreter while it does and cannot be stopped. So what may take long is
tried first in a process of its own, which is ended when the time is over; expressions that are simple enough
on short texts are matched at once.
"""

from __future__ import annotations

import atexit
import json
import os
import re
import selectors
import subprocess
import sys
import threading
from dataclasses import dataclass
from typing import Any

from knarr.services.application_catalog.forms.faults import BudgetExceeded

LONGEST_PATTERN = 2048
SHORT_TEXT = 256
SIMPLE_REPEATS = 2
START_SECONDS = 10.0
_DELIMITED = re.compile(r"/(.*)/([A-Za-z]*)\Z", re.DOTALL)
_REPEATED_GROUP = re.compile(r"\)\s*[*+{]")
_FLAGS = {"I": re.I, "M": re.M, "S": re.S, "X": re.X, "A": re.A, "U": re.U}

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
        count = sum(1 for _ in zip(range(100000), re.finditer(pattern, text, flags)))
    except (MemoryError, RecursionError, re.error):
        count = -1
    print(count, flush=True)
"""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A regular expression as an author wrote it: plain, or between slashes with flags behind."""

    text: str
    source: str
    flags: int

    def search(self, value: str, seconds: float) -> bool:
        """Whether it is found in the value. Raises BudgetExceeded."""
        compiled = re.compile(self.source, self.flags)
        bound(compiled, value, seconds)
        return compiled.search(value) is not None

    def match(self, value: str, seconds: float) -> bool:
        """Whether the value begins with it. Raises BudgetExceeded."""
        compiled = re.compile(self.source, self.flags)
        bound(compiled, value, seconds)
        return compiled.match(value) is not None


def pattern(text: str) -> Pattern:
    """The pattern that a text says. Raises ValueError with what is wrong."""
    if len(text) > LONGEST_PATTERN:
        raise ValueError(f"a regular expression may have {LONGEST_PATTERN} characters, not {len(text)}")
    source, flags = text, 0
    delimited = _DELIMITED.match(text)
    if delimited:
        source, letters = delimited.groups()
        for letter in letters.upper():
            if letter not in _FLAGS:
                raise ValueError(
                    f"there is no flag {letter!r} of regular expressions: use {', '.join(_FLAGS)}"
                )
            flags |= int(_FLAGS[letter])
    try:
        re.compile(source, flags)
    except (re.error, OverflowError, RecursionError, ValueError) as error:
        raise ValueError(f"{text[:80]!r} is no regular expression: {error}") from None
    return Pattern(text, source, flags)


def bound(compiled: re.Pattern[str], value: str, seconds: float) -> None:
    """Make sure that matching all over the value ends within the time. Raises BudgetExceeded."""
    if len(compiled.pattern) > LONGEST_PATTERN:
        raise BudgetExceeded(f"a regular expression is longer than {LONGEST_PATTERN} characters")
    if len(value) <= SHORT_TEXT and _simple(compiled.pattern):
        return
    if not _trial.ends(compiled.pattern, compiled.flags, value, seconds):
        raise BudgetExceeded(
            f"the regular expression {compiled.pattern[:80]!r} takes too long on a text of "
            f"{len(value)} characters"
        )


def _simple(source: str) -> bool:
    repeats = sum(source.count(sign) for sign in "*+{")
    return repeats <= SIMPLE_REPEATS and not _REPEATED_GROUP.search(source)


class _Trial:
    """The process in which matches are tried, started when it is first needed. One trial at a time."""

    def __init__(self) -> None:
        self._mutex = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._owner = 0

    def ends(self, source: str, flags: int, value: str, seconds: float) -> bool:
        with self._mutex:
            for _ in range(2):  # a process that ended while idle is replaced once
                process = self._process if self._owner == os.getpid() else None
                process = process or self._start()
                answer = self._ask(process, [source, int(flags), value], seconds)
                if answer is not None:
                    return answer
                self._stop(process)
            return False

    def _start(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-I", "-S", "-c", WORKER]
        made = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env={}
        )
        self._process = made
        if self._owner != os.getpid():
            self._owner = os.getpid()
            atexit.register(self.close)
        self._ask(made, ["", 0, ""], START_SECONDS)
        return made

    def _ask(self, process: subprocess.Popen[bytes], match: list[Any], seconds: float) -> bool | None:
        """True if it ended well, False if not in time, None if there is no process any more."""
        line = json.dumps(match).encode() + b"\n"
        source: Any = process.stdin
        target: Any = process.stdout
        try:
            source.write(line)
            source.flush()
        except OSError:
            return None
        with selectors.DefaultSelector() as selector:
            selector.register(target, selectors.EVENT_READ)
            if not selector.select(seconds):
                self._stop(process)
                return False
        answer = target.readline()
        return int(answer) >= 0 if answer.strip() else None

    def close(self) -> None:
        """End the process, unless it belongs to the one that this was forked from."""
        if self._process is not None and self._owner == os.getpid():
            self._stop(self._process)

    def _stop(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        process.wait()
        for stream in (process.stdin, process.stdout):
            if stream is not None:
                try:
                    stream.close()
                except OSError:
                    continue
        self._process = None


_trial = _Trial()
