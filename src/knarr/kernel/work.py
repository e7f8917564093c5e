"""What a step gets to work with: the operation, its data, and the questions whether it may go on."""

from __future__ import annotations

import threading
import time
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import Row
from sqlalchemy.orm import Session

from knarr.kernel.db import Database, utcnow
from knarr.kernel.operations import Cancelled, OperationKind, TimedOut

if TYPE_CHECKING:
    from knarr.kernel.leases import Leases

# Progress is written down at most this often (seconds), however often a step reports it.
PROGRESS_INTERVAL = 0.5


class Interrupted(BaseException):
    """The engine stops: the step ends here and is run again by the next engine.

    Not an Exception, so that no `except Exception` of a step takes it for a failure of its work.
    """


class LeaseLost(Interrupted):
    """Another engine took the operation over, because this one did not renew its lease in time."""


class Work:
    """One operation under way. The engine makes it; steps use it from the engine's thread."""

    def __init__(self, runtime: Any, kind: OperationKind, row: Row[Any], leases: Leases) -> None:
        self.runtime = runtime
        self.definition = kind
        self.id: str = row.id
        self.sequence: int = row.sequence
        self.resource_type: str = row.resource_type
        self.resource_id: str = row.resource_id
        self.project_id: str | None = row.project_id
        self.user_id: str | None = row.user_id
        self.request_id: str | None = row.request_id
        self.host: str | None = row.host
        self.data: dict[str, Any] = row.data or {}
        self.step: str = row.step or kind.steps[0].name
        self.attempt: int = row.attempts + 1
        self.outcome: str | None = row.outcome
        self.error: str | None = row.error
        self.reason: Exception | None = None
        self.started = time.monotonic()
        self._deadline = row.deadline or _first_deadline(kind, row)
        self._leases = leases
        self._lease_until = time.monotonic() + leases.seconds
        self._progress: dict[str, Any] = {}
        self._progress_written = 0.0
        self._wake = threading.Event()
        self._cancel = bool(row.cancel_requested)
        self._interrupt: type[Interrupted] | None = None
        self._ctx: Any = None

    @property
    def kind(self) -> str:
        return self.definition.name

    @property
    def db(self) -> Database:
        return self._leases.db

    @property
    def ctx(self) -> Any:
        """A RequestContext of the service itself (roles admin and service) that carries the original
        request's id."""
        if self._ctx is None:
            from knarr.kernel.context import RequestContext

            # overwrite=False: it must not become the current context of a thread that serves others next.
            self._ctx = RequestContext(
                project_id=self.project_id,
                request_id=self.request_id,
                roles=["admin", "service"],
                is_admin=True,
                overwrite=False,
            )
        return self._ctx

    @property
    def undoing(self) -> bool:
        """Whether the operation has failed or was cancelled, and is now being undone."""
        return self.outcome is not None

    def save(self, session: Session | None = None, /, **values: Any) -> None:
        """Add values to `data` and persist them at once, or in the transaction of `session` if one is
        given."""
        self.data = {**self.data, **values}
        self.record({"data": self.data}, session)

    def progress(self, done: float, total: float | None = None, text: str = "") -> None:
        """Record how far the operation is, in any unit. Cheap enough to be called for every block of a
        download."""
        self._progress = {"progress_done": done, "progress_total": total, "progress_text": text[:255]}
        now = time.monotonic()
        if now - self._progress_written < PROGRESS_INTERVAL and done != total:
            return
        self._progress_written = now
        self.record({})

    def check(self) -> None:
        """Return if the step may go on. Call it between parts of long work; it costs no query.

        Raises Cancelled if the operation is to be cancelled, TimedOut past its deadline, Interrupted if
        the engine stops. While an operation is being undone, only Interrupted is raised.
        """
        if self._interrupt:
            raise self._interrupt
        if time.monotonic() > self._lease_until:
            raise LeaseLost
        if self.undoing:
            return
        if self._cancel:
            raise Cancelled("The operation was cancelled.")
        if self._deadline and utcnow() > self._deadline:
            raise TimedOut(f"The operation did not end within {self.definition.deadline:g} seconds.")

    def wait(self, seconds: float) -> None:
        """Sleep, but not past a cancellation, the deadline or the end of the engine; raises what
        `check()` does."""
        until = time.monotonic() + seconds
        if self._deadline and not self.undoing:
            until = min(until, time.monotonic() + (self._deadline - utcnow()).total_seconds() + 0.001)
        self.check()
        while (left := until - time.monotonic()) > 0:
            self._wake.wait(left)
            self._wake.clear()
            self.check()
        self.check()

    def record(self, values: dict[str, Any], session: Session | None = None) -> None:
        """Change the row, with the latest progress. Raises LeaseLost if the operation is ours no longer."""
        pending, self._progress = self._progress, {}
        if not self._leases.change(self.sequence, {**pending, **values}, session):
            raise LeaseLost

    # From here on: what the engine tells the work, from other threads.

    def renewed(self) -> None:
        self._lease_until = time.monotonic() + self._leases.seconds

    def ask_to_cancel(self) -> None:
        self._cancel = True
        self._wake.set()

    def interrupt(self, how: type[Interrupted]) -> None:
        self._interrupt = how
        self._wake.set()


def _first_deadline(kind: OperationKind, row: Row[Any]) -> Any:
    """The deadline of an operation that was claimed for the first time a moment ago (the row is from
    before)."""
    if row.started_at is not None or not kind.deadline:
        return None
    return utcnow() + timedelta(seconds=kind.deadline)
