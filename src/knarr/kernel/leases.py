"""The SQL of the engine: claiming operations, keeping the claims, and writing down how they went.

Every change of a running operation names its lease, so an engine that was taken for dead and comes
back cannot overwrite what its successor did.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, exists, func, or_, select, update
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.kernel.db import Database, affected, retry_on_conflict, utcnow
from knarr.kernel.operations import QUEUED, RUNNING, UNFINISHED, Operation, OperationKind

TABLE: Any = Operation.__table__
OTHER: Any = TABLE.alias("other")

# An operation must wait for another one of its resource that is under way, or that comes before it. One
# that is
# under way itself (and waits to be tried again) waits for none.
BLOCKED = exists().where(
    OTHER.c.resource_type == TABLE.c.resource_type,
    OTHER.c.resource_id == TABLE.c.resource_id,
    OTHER.c.state.in_(UNFINISHED),
    OTHER.c.sequence != TABLE.c.sequence,
    or_(OTHER.c.holds.is_not(None), and_(OTHER.c.sequence < TABLE.c.sequence, TABLE.c.holds.is_(None))),
)

# How many candidates one look at the table brings; several engines may be after the same ones.
CANDIDATES = 8


@dataclass(frozen=True)
class Claim:
    """An operation that this engine now holds, and whether there is more to do for another worker."""

    row: Row[Any]
    more: bool


@dataclass(frozen=True)
class Leases:
    """The claims of one engine. `owner` is host/engine/run; `seconds` is how long a lease lasts unrenewed."""

    db: Database
    owner: str
    host: str
    kinds: dict[str, OperationKind]
    seconds: float

    def claim(self) -> Claim | None:
        """The first operation in order that may start now, marked as running and ours; None if there is
        none."""
        with self.db.read() as session:
            rows = session.execute(self._candidates(utcnow())).all()
        for position, row in enumerate(rows):
            if self._take(row):
                return Claim(row, more=position + 1 < len(rows))
        return None

    def renew(self, running: Collection[int]) -> dict[int, bool]:
        """Prolong the leases of these operations (by sequence). Those that are still ours, with whether their
        end is asked for."""
        expires = utcnow() + timedelta(seconds=self.seconds)
        ours = and_(
            TABLE.c.state == RUNNING, TABLE.c.lease_owner == self.owner, TABLE.c.sequence.in_(running)
        )

        def transaction() -> dict[int, bool]:
            with self.db.write() as session:
                session.execute(update(TABLE).where(ours).values(lease_expires=expires))
                rows = session.execute(select(TABLE.c.sequence, TABLE.c.cancel_requested).where(ours))
                return {row.sequence: row.cancel_requested for row in rows}

        return retry_on_conflict(transaction)

    def change(self, sequence: int, values: dict[str, Any], session: Session | None = None) -> bool:
        """Change an operation that we hold; False if it is ours no longer."""
        statement = (
            update(TABLE)
            .where(TABLE.c.sequence == sequence, TABLE.c.state == RUNNING, TABLE.c.lease_owner == self.owner)
            .values(values)
        )
        if session is not None:
            return bool(affected(session, statement))

        def transaction() -> bool:
            with self.db.write() as own:
                return bool(affected(own, statement))

        return retry_on_conflict(transaction)

    def take_over(self, former: str) -> int:
        """Queue what runs under leases that begin with `former`; their holder is known to be gone."""
        return self._queue_again(TABLE.c.lease_owner.startswith(former, autoescape=True))

    def reclaim_expired(self, running: Collection[int]) -> int:
        """Queue what runs under leases that ran out, on whichever host, if it may run here.

        `running` is left alone: what this engine still works on, although it could not renew the lease.
        """
        expired = and_(TABLE.c.lease_expires < utcnow(), TABLE.c.sequence.not_in(running))
        return self._queue_again(and_(expired, self._ours_to_run()))

    def next_due(self) -> datetime | None:
        """When there will be something to do: a pause ends, or the lease of another engine runs out."""
        now = utcnow()
        pause = select(func.min(TABLE.c.not_before)).where(
            TABLE.c.state == QUEUED, TABLE.c.not_before > now, self._ours_to_run()
        )
        lease = select(func.min(TABLE.c.lease_expires)).where(
            TABLE.c.state == RUNNING, TABLE.c.lease_owner != self.owner, self._ours_to_run()
        )
        with self.db.read() as session:
            times = [session.scalar(pause), session.scalar(lease)]
        return min((time for time in times if time), default=None)

    def _ours_to_run(self) -> Any:
        here = or_(TABLE.c.host.is_(None), TABLE.c.host == self.host)
        return and_(here, TABLE.c.kind.in_(list(self.kinds)))

    def _candidates(self, now: datetime) -> Select[Any]:
        return (
            select(TABLE)
            .where(TABLE.c.state == QUEUED, TABLE.c.not_before <= now, self._ours_to_run(), ~BLOCKED)
            .order_by(TABLE.c.sequence)
            .limit(CANDIDATES)
        )

    def _take(self, row: Row[Any]) -> bool:
        now = utcnow()
        values: dict[str, Any] = {
            "state": RUNNING,
            "attempts": row.attempts + 1,
            "step": row.step or self.kinds[row.kind].steps[0].name,
            "lease_owner": self.owner,
            "lease_expires": now + timedelta(seconds=self.seconds),
            "holds": f"{row.resource_type}:{row.resource_id}",
        }
        if row.started_at is None:
            deadline = self.kinds[row.kind].deadline
            values["started_at"] = now
            values["deadline"] = now + timedelta(seconds=deadline) if deadline else None
        unchanged = (
            TABLE.c.sequence == row.sequence,
            TABLE.c.state == QUEUED,
            TABLE.c.attempts == row.attempts,
            TABLE.c.cancel_requested == row.cancel_requested,
        )

        def transaction() -> bool:
            with self.db.write() as session:
                return bool(affected(session, update(TABLE).where(*unchanged).values(values)))

        try:
            return retry_on_conflict(transaction)
        except IntegrityError:
            return False  # another operation of the resource was quicker; its end wakes us up again

    def _queue_again(self, condition: Any) -> int:
        statement = (
            update(TABLE)
            .where(TABLE.c.state == RUNNING, condition)
            .values(state=QUEUED, lease_owner=None, lease_expires=None, not_before=utcnow())
        )

        def transaction() -> int:
            with self.db.write() as session:
                return affected(session, statement)

        return retry_on_conflict(transaction)
