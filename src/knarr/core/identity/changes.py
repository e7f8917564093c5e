"""How a validated token is forgotten in time: a counter of changes.

Every write to identity goes through `changing()`, which counts one row up in the same transaction. What was
computed from the tables (a token's body, the roles, the catalogue) is kept with the count that was read
*before* computing it and holds while that is the current count. A writer's own process sees its change at
once; other processes look at the row when they are asked for something and have not looked for `interval`
seconds: one indexed read a second at most, and none when idle.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.core.identity.models import ChangeCounter
from knarr.kernel.db import Database, after_commit

ROW = 1


class Changes:
    """The current count, `interval` seconds old at most (0: looked up each time)."""

    def __init__(self, db: Database, interval: float = 1.0) -> None:
        self._db = db
        self._interval = interval
        self._mutex = threading.Lock()
        self._value = -1
        self._next_look = 0.0

    def current(self) -> int:
        if time.monotonic() >= self._next_look:
            self._look()
        return self._value

    @contextmanager
    def changing(self) -> Iterator[Session]:
        """A `db.write()` session at whose end everything that was computed from the tables is outdated."""
        with self._db.write() as session:
            yield session
            count(session)
            value = session.scalar(select(ChangeCounter.value).where(ChangeCounter.id == ROW)) or 0
            after_commit(session, lambda: self._seen(value))

    def _look(self) -> None:
        # Set first: threads that come meanwhile do not all look.
        self._next_look = time.monotonic() + self._interval
        with self._db.read() as session:
            self._seen(session.scalar(select(ChangeCounter.value).where(ChangeCounter.id == ROW)) or 0)

    def _seen(self, value: int) -> None:
        with self._mutex:
            # Never backwards: a look may have been overtaken by a change of this process.
            self._value = max(self._value, value)


def count(session: Session) -> None:
    """Count a change in this transaction."""
    result = session.execute(
        update(ChangeCounter).where(ChangeCounter.id == ROW).values(value=ChangeCounter.value + 1)
    )
    if result.rowcount == 0:  # type: ignore[attr-defined]
        session.add(ChangeCounter(id=ROW, value=1))
        session.flush()
