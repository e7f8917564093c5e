"""The plans that wait, run or are to be answered: a folder on disk, so that a reboot loses nothing.

Each plan has a folder, named by the order in which it is run:

    message   as it arrived
    running   once it was begun: how often, and by which process
    lock      held by that process for as long as it lives
    result    the answer, until it is sent

Folders appear and files change by renaming only: a crash leaves one state or the other.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import logging
import os
import shutil
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from knarr_agent import atomic
from knarr_agent.errors import MalformedPlan
from knarr_agent.message import Message
from knarr_agent.plan import stamp_of

LOG = logging.getLogger(__name__)

# How many ids of answered plans are remembered, at least; twice as many at most.
REMEMBERED = 2000


@dataclass(frozen=True)
class Running:
    """A plan was begun: for the how manieth time, by which process, under which boot of the machine."""

    attempt: int
    pid: int
    boot: str


@dataclass(frozen=True)
class Stored:
    """A plan's folder."""

    folder: Path

    @property
    def message(self) -> Message:
        return Message.unpack((self.folder / "message").read_bytes())

    @property
    def running(self) -> Running | None:
        """None if it was never begun."""
        try:
            data = json.loads((self.folder / "running").read_bytes())
            return Running(int(data["attempt"]), int(data["pid"]), str(data["boot"]))
        except FileNotFoundError:
            return None
        except (KeyError, TypeError, ValueError):
            return Running(1, 0, "")

    @property
    def result(self) -> Message | None:
        """The answer, if it is there."""
        try:
            return Message.unpack((self.folder / "result").read_bytes())
        except FileNotFoundError:
            return None

    def begin(self, attempt: int, pid: int) -> None:
        data = {"attempt": attempt, "pid": pid, "boot": boot_id()}
        atomic.write(self.folder / "running", json.dumps(data).encode())

    def finish(self, answer: str) -> None:
        """Keep the answer. The first one stays."""
        if not (self.folder / "result").exists():
            asked = self.message
            atomic.write(self.folder / "result", Message(answer, asked.id, asked.reply_to).pack())

    def is_held(self) -> bool:
        """Whether the process that runs it lives: only it holds the lock."""
        with self._lock_file() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    @contextmanager
    def held(self) -> Iterator[bool]:
        """Hold the lock. Yields False if another process has it."""
        with self._lock_file() as stream:
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield False
            else:
                yield True

    def _lock_file(self) -> IO[bytes]:
        return (self.folder / "lock").open("ab")


class PlanStore:
    """All plans of this machine. One process at a time uses it: the agent."""

    def __init__(self, storage: Path) -> None:
        self.folder = storage / "plans"
        self.folder.mkdir(parents=True, exist_ok=True)
        self.folder.chmod(0o700)
        for left in self.folder.glob(".*"):  # of a crash before anything was promised
            shutil.rmtree(left, ignore_errors=True) if left.is_dir() else left.unlink(missing_ok=True)
        self._answered = self._load_answered()
        self._waiting: dict[str, Stored] = {}
        for stored in self.all():
            try:
                ident = stored.message.id
            except ValueError as error:
                LOG.warning("A plan on the disk is damaged and is given up: %s: %s", stored.folder, error)
                ident = None
            if ident is None or ident in self._answered:  # answered, but not removed before a crash
                shutil.rmtree(stored.folder, ignore_errors=True)
            else:
                self._waiting[ident] = stored

    def all(self) -> list[Stored]:
        """Every plan, in the order of running."""
        return [Stored(path) for path in sorted(self.folder.iterdir()) if (path / "message").is_file()]

    def __len__(self) -> int:
        return len(self._waiting)

    def put(self, message: Message) -> bool:
        """Keep the plan: it is on the disk when this returns. False if its id is known already."""
        if message.id in self._waiting or message.id in self._answered:
            return False
        order = f"{_order(message.body):019d}-{uuid.uuid4().hex[:12]}"
        new = self.folder / f".{order}"
        new.mkdir(mode=0o700)
        atomic.write(new / "message", message.pack())
        new.rename(self.folder / order)
        atomic.sync_folder(self.folder)
        self._waiting[message.id] = Stored(self.folder / order)
        return True

    def next(self) -> Stored | None:
        """The plan to run now: one that was interrupted, else the one with the smallest Stamp."""
        open_ones = [stored for stored in self.all() if not (stored.folder / "result").exists()]
        begun = [stored for stored in open_ones if (stored.folder / "running").exists()]
        return next(iter(begun + open_ones), None)

    def finished(self) -> list[Stored]:
        """The plans whose answers are still to be sent."""
        return [stored for stored in self.all() if (stored.folder / "result").exists()]

    def forget(self, stored: Stored) -> None:
        """The answer is sent: remember the id only."""
        ident = stored.message.id
        self._answered[ident] = None
        if len(self._answered) > 2 * REMEMBERED:
            self._write_answered(list(self._answered)[-REMEMBERED:])
        else:
            with (self.folder / "answered").open("a") as stream:
                stream.write(json.dumps(ident) + "\n")
                stream.flush()
                os.fsync(stream.fileno())
        self._waiting.pop(ident, None)
        shutil.rmtree(stored.folder, ignore_errors=True)

    @property
    def last_stamp(self) -> int:
        """The Stamp of the plan that was begun last; -1 if there was none."""
        try:
            return int((self.folder / "stamp").read_text())
        except (FileNotFoundError, ValueError):
            return -1

    def advance(self, stamp: int | None) -> None:
        """A plan with this Stamp begins. Raises MalformedPlan unless it is later than all before it."""
        if stamp is None:
            return
        if stamp <= self.last_stamp:
            raise MalformedPlan(
                f"{stamp} is not later than {self.last_stamp}, that of a plan run before: an old plan, or a "
                "repetition",
                "Stamp",
            )
        atomic.write(self.folder / "stamp", str(stamp).encode())

    def _load_answered(self) -> dict[str, None]:
        path = self.folder / "answered"
        try:
            written = path.read_text()
        except FileNotFoundError:
            return {}
        known = dict.fromkeys(_idents(written))
        if len(known) > 2 * REMEMBERED or not written.endswith("\n"):  # long, or cut off by a crash
            self._write_answered(list(known)[-REMEMBERED:])
            return self._answered
        return known

    def _write_answered(self, idents: list[str]) -> None:
        text = "".join(f"{json.dumps(ident)}\n" for ident in idents)
        atomic.write(self.folder / "answered", text.encode())
        self._answered = dict.fromkeys(idents)


def _idents(written: str) -> Iterator[str]:
    for line in written.splitlines():
        with contextlib.suppress(ValueError):
            yield str(json.loads(line))


def boot_id() -> str:
    """What tells one boot of this machine from the next."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return ""


def _order(body: str) -> int:
    """The Stamp; for a plan without one the time in the same unit, a tenth of a millisecond."""
    try:
        data: Any = json.loads(body)
        stamp = stamp_of(data) if isinstance(data, dict) else None
    except (ValueError, RecursionError, MalformedPlan):
        stamp = None
    return min(stamp if stamp is not None else int(time.time() * 10_000), 10**19 - 1)
