"""What /healthcheck answers: whether the parts of this process work.

As with oslo.middleware's healthcheck, an operator takes a process out of its load balancer by making a file.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

# A check returns or raises: None is healthy, a text says what is wrong.
Check = Callable[[], "str | None"]

# Free bytes below which a change of the database fails, or the one after it.
LEAST_FREE = 1 << 20


@dataclass(frozen=True)
class CheckResult:
    name: str
    error: str | None
    seconds: float

    def view(self) -> dict[str, Any]:
        return {"ok": self.error is None, "error": self.error, "seconds": round(self.seconds, 4)}


@dataclass(frozen=True)
class Report:
    """The outcome of all checks. `status` is the HTTP status: 200, or 503 if one failed or the file is
    there."""

    status: int
    reason: str
    checks: tuple[CheckResult, ...] = ()

    def view(self) -> dict[str, Any]:
        """{"status": "OK", "checks": {"database": {"ok": true, "error": null, "seconds": 0.001}}}"""
        return {"status": self.reason, "checks": {check.name: check.view() for check in self.checks}}


@dataclass
class Health:
    """The checks of a process by name."""

    disable_file: Path | None = None
    checks: dict[str, Check] = field(default_factory=dict)

    def add(self, name: str, check: Check) -> None:
        self.checks[name] = check

    def report(self) -> Report:
        if self.disable_file and self.disable_file.exists():
            return Report(503, "DISABLED BY FILE")
        results = tuple(_run(name, check) for name, check in self.checks.items())
        failed = [result for result in results if result.error is not None]
        return Report(503, "FAILED", results) if failed else Report(200, "OK", results)


def database_check(db: Any) -> Check:
    """Whether the database answers."""

    def check() -> None:
        from sqlalchemy import text

        with db.read() as session:
            session.execute(text("SELECT 1"))

    return check


def disk_check(directory: Path) -> Check:
    """Whether the file system of the directory takes more data and more files."""

    def check() -> str | None:
        found = os.statvfs(directory)
        if found.f_flag & os.ST_RDONLY:
            return "read-only"
        if found.f_bavail * found.f_frsize < LEAST_FREE:
            return "full: less than 1 MiB is free"
        # Some file systems make inodes as they need them, and count none.
        return "full: no more files can be made" if found.f_files and not found.f_favail else None

    return check


def _run(name: str, check: Check) -> CheckResult:
    began = time.perf_counter()
    try:
        error = check()
    except Exception as problem:
        # The class only: the text of a database's error holds its address, and this page is public.
        error = f"failed ({type(problem).__name__})"
    return CheckResult(name, error, time.perf_counter() - began)
