"""Operations as people see them: list, show, retry, cancel, count, and forgetting the old ones."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, delete, func, select, update
from sqlalchemy.orm import Session

from knarr.kernel.db import Database, affected, after_commit, utcnow
from knarr.kernel.errors import Conflict, NotFound
from knarr.kernel.operations import (
    CANCELLED,
    FAILED,
    FINISHED,
    QUEUED,
    TOPIC_CANCEL,
    UNFINISHED,
    Operation,
    Operations,
)
from knarr.kernel.periodic import Periodic

TABLE: Any = Operation.__table__

# Rows that one transaction deletes, so that others get their turn in between.
PRUNE_BATCH = 500

VIEW = (
    "id", "kind", "resource_type", "resource_id", "project_id", "user_id", "request_id", "host", "state",
    "outcome", "step", "attempts", "progress_done", "progress_total", "progress_text", "error", "not_before",
    "deadline", "cancel_requested", "created_at", "started_at", "finished_at",
)  # fmt: skip
COLUMNS = [TABLE.c[name] for name in VIEW]


@dataclass(frozen=True)
class StateCount:
    """How many operations of a kind are in a state; `oldest` is when the oldest was made."""

    kind: str
    state: str
    count: int
    oldest: datetime


def list_operations(
    session: Session,
    *,
    state: str | None = None,
    kind: str | None = None,
    resource_type: str | None = None,
    resource_id: str | None = None,
    project_id: str | None = None,
    unfinished: bool = False,
    limit: int = 100,
) -> list[dict[str, Any]]:
    """The newest operations first, as `show_operation` gives them, that match all of what is given."""
    filters = {
        "state": state, "kind": kind, "resource_type": resource_type, "resource_id": resource_id,
        "project_id": project_id,
    }  # fmt: skip
    statement = select(*COLUMNS).order_by(TABLE.c.sequence.desc()).limit(limit)
    for column, value in filters.items():
        if value is not None:
            statement = statement.where(TABLE.c[column] == value)
    if unfinished:
        statement = statement.where(TABLE.c.state.in_(UNFINISHED))
    return [dict(row._mapping) for row in session.execute(statement)]


def show_operation(session: Session, operation_id: str) -> dict[str, Any]:
    """The operation by the names in VIEW (times naive UTC). Raises NotFound."""
    return dict(_find(session, operation_id)._mapping)


def retry_operation(session: Session, operation_id: str) -> None:
    """Run a failed or cancelled operation again from its first step, or a waiting one now.

    What went before was undone and its data is kept, so the steps look what is there, as always.
    Raises NotFound, or Conflict if it runs or is done.
    """
    row = _find(session, operation_id)
    values: dict[str, Any] = {"state": QUEUED, "not_before": utcnow()}
    if row.state in (FAILED, CANCELLED):
        values.update(
            outcome=None, step=None, attempts=0, cancel_requested=False, error=None, started_at=None,
            deadline=None, finished_at=None, progress_done=None, progress_total=None, progress_text=None,
        )  # fmt: skip
    elif row.state != QUEUED:
        raise Conflict(f"Operation {operation_id} is {row.state}; failed or waiting ones can be run again.")
    statement = update(TABLE).where(TABLE.c.id == operation_id, TABLE.c.state == row.state).values(values)
    if not affected(session, statement):
        raise Conflict(f"Operation {operation_id} has just changed; look again.")
    _registry(session).announce(session, row.host)


def cancel_operation(session: Session, operation_id: str) -> None:
    """Ask for the end of an operation; what it did so far is undone. It may still finish first.

    Raises NotFound, or Conflict if it is finished or being undone already.
    """
    row = _find(session, operation_id)
    if row.state in FINISHED or row.outcome:
        raise Conflict(f"Operation {operation_id} is {row.outcome or row.state} and cannot be cancelled.")
    asked = update(TABLE).where(TABLE.c.id == operation_id, TABLE.c.state.in_(UNFINISHED))
    session.execute(asked.values(cancel_requested=True))
    session.execute(asked.where(TABLE.c.state == QUEUED).values(not_before=utcnow()))
    operations = _registry(session)
    after_commit(session, lambda: operations.bus.publish(TOPIC_CANCEL, {"id": operation_id}))
    operations.announce(session, row.host)


def count_operations(session: Session, *, finished: bool = False) -> list[StateCount]:
    """Operations by kind and state with the age of the oldest, in one query; unfinished ones unless told."""
    states = (*UNFINISHED, *FINISHED) if finished else UNFINISHED
    statement = (
        select(TABLE.c.kind, TABLE.c.state, func.count(), func.min(TABLE.c.created_at))
        .where(TABLE.c.state.in_(states))
        .group_by(TABLE.c.kind, TABLE.c.state)
    )
    return [StateCount(*row) for row in session.execute(statement)]


def prune(db: Database, older_than: timedelta) -> int:
    """Forget operations that ended longer ago than this; how many there were."""
    before = utcnow() - older_than
    total = 0
    while True:
        with db.write() as session:
            old = select(TABLE.c.sequence).where(TABLE.c.finished_at < before).limit(PRUNE_BATCH)
            sequences = session.scalars(old).all()
            if sequences:
                session.execute(delete(TABLE).where(TABLE.c.sequence.in_(sequences)))
        total += len(sequences)
        if len(sequences) < PRUNE_BATCH:
            return total


def prune_history(runtime: Any) -> None:
    """Forget what ended more than `[operations] history_days` ago."""
    prune(runtime.db, timedelta(days=runtime.conf.operations.history_days))


PERIODICS = (Periodic("operation.history", 3600.0, prune_history),)


def _find(session: Session, operation_id: str) -> Row[Any]:
    row = session.execute(select(*COLUMNS).where(TABLE.c.id == operation_id)).one_or_none()
    if row is None:
        raise NotFound(f"There is no operation {operation_id}.")
    return row


def _registry(session: Session) -> Operations:
    return session.info["operations"]
