"""Answers that tell how an operation ended: what the API does at once although a host does it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import select

from knarr.kernel.operations import FINISHED, TOPIC_FINISHED, Operation


class Outcome:
    """Ends of operations, from the moment on that it was made."""

    def __init__(self, runtime: Any) -> None:
        self._db = runtime.db
        self._ended: set[str] = set()
        self._news = threading.Condition()

    def told(self, payload: dict[str, Any]) -> None:
        with self._news:
            self._ended.add(payload["id"])
            self._news.notify_all()

    def of(self, operation_id: str, seconds: float) -> Operation | None:
        """The operation once it has ended; None if it has not within so many seconds. An announcement may be
        lost, so the table is looked at in the end."""
        with self._news:
            self._news.wait_for(lambda: operation_id in self._ended, seconds)
        with self._db.read() as session:
            found = session.scalar(select(Operation).where(Operation.id == operation_id))
        return found if found is not None and found.state in FINISHED else None


@contextmanager
def awaiting(runtime: Any) -> Iterator[Outcome]:
    """Enter it before the operation is enqueued, so that its end is not missed."""
    outcome = Outcome(runtime)
    end = runtime.bus.subscribe(TOPIC_FINISHED, outcome.told)
    try:
        yield outcome
    finally:
        end()
