"""Processes: the file that names the running one, and a child that does not outlive its parent."""

from __future__ import annotations

import ctypes
import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from knarr.cli.problem import Problem

FILE = "knarr.pid"
PR_SET_PDEATHSIG = 1
START_FIELD = (
    19  # of /proc/PID/stat after the name in brackets: field 22, the start in clock ticks since boot
)


def started_at(pid: int) -> str | None:
    """When a process started. Together with the id it names one process for good; None if it is gone."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    fields = text.rpartition(")")[2].split()
    return None if fields[0] == "Z" else fields[START_FIELD]


def running(state_dir: Path) -> int | None:
    """The id of the `knarr up` on this state directory, None if there is none (whatever the file says)."""
    try:
        pid, started, *_ = (state_dir / FILE).read_text().split()
        return int(pid) if started_at(int(pid)) == started else None
    except (OSError, ValueError):
        return None


def listens(state_dir: Path) -> str | None:
    """The ADDRESS:PORT that the file names."""
    try:
        return (state_dir / FILE).read_text().split()[2]
    except (OSError, IndexError):
        return None


@contextmanager
def noted(state_dir: Path, listen: str) -> Iterator[None]:
    """Have the file name this process and its address. Raises Problem if another one runs.

    A stale file is ignored.
    """
    other = running(state_dir)
    if other:
        raise Problem(f"Knarr runs already on {state_dir} (pid {other})")
    file, own = state_dir / FILE, os.getpid()
    try:
        file.write_text(f"{own} {started_at(own)} {listen}\n")
    except OSError as error:
        raise Problem(f"the state directory cannot be written: {error}") from None
    try:
        yield
    finally:
        if os.getpid() == own:  # not in a forked child that ends
            file.unlink(missing_ok=True)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent` ends in whatever way; end now if it has already."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        os._exit(1)
