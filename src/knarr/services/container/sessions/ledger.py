"""Who may open a session: rows with tokens that are used once.

A session's row is written when its address is asked for and goes when it ends. What a killed process left
behind is found by its host's name.
"""

from __future__ import annotations

import hashlib
import hmac
import uuid
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING

from sqlalchemy import delete, select, update

from knarr.kernel.db import affected, utcnow
from knarr.services.container.models import Container
from knarr.services.container.sessions.models import ContainerSession

if TYPE_CHECKING:
    from knarr.kernel.db import Database

# Addresses of one container that wait to be used; beyond, the oldest are forgotten.
MAX_WAITING = 16


@dataclass(frozen=True)
class Leave:
    """A session that may now be opened, or that was asked for and never was."""

    uuid: str
    container_uuid: str
    project_id: str
    exec_id: str | None
    height: int | None = None
    width: int | None = None


class Ledger:
    """The rows of one host."""

    def __init__(self, db: Database, host: str) -> None:
        self._db = db
        self._host = host

    def grant(self, container_uuid: str, exec_id: str | None, ttl: int) -> tuple[str, list[Leave]]:
        """A new token, and what it pushed out: waiting sessions that are now forgotten."""
        token = str(uuid.uuid4())
        with self._db.write() as session:
            project = session.execute(
                select(Container.project_id).where(Container.uuid == container_uuid)
            ).scalar_one()
            waiting = session.scalars(
                select(ContainerSession)
                .where(
                    ContainerSession.container_uuid == container_uuid,
                    ContainerSession.connected_at.is_(None),
                )
                .order_by(ContainerSession.expires_at)
            ).all()
            pushed = waiting[: max(0, len(waiting) - MAX_WAITING + 1)]
            for row in pushed:
                session.delete(row)
            session.add(
                ContainerSession(
                    container_uuid=container_uuid,
                    project_id=project,
                    host=self._host,
                    exec_id=exec_id,
                    token_digest=_digest(token),
                    expires_at=utcnow() + timedelta(seconds=ttl),
                )
            )
            return token, [_leave(row) for row in pushed]

    def redeem(self, container_uuid: str, exec_id: str | None, token: str) -> Leave | None:
        """The session that the token opens, which it does once; None if it opens none."""
        wanted, now = _digest(token), utcnow()
        with self._db.write() as session:
            rows = session.scalars(
                select(ContainerSession).where(
                    ContainerSession.container_uuid == container_uuid,
                    ContainerSession.exec_id.is_(None)
                    if exec_id is None
                    else ContainerSession.exec_id == exec_id,
                    ContainerSession.host == self._host,
                    ContainerSession.connected_at.is_(None),
                    ContainerSession.expires_at > now,
                )
            ).all()
            found = None
            for row in rows:  # all of them, so that the time tells nothing
                if hmac.compare_digest(row.token_digest, wanted):
                    found = row
            if found is None:
                return None
            stmt = update(ContainerSession).where(
                ContainerSession.uuid == found.uuid, ContainerSession.connected_at.is_(None)
            )
            taken = affected(
                session, stmt.values(connected_at=now).execution_options(synchronize_session=False)
            )
            return _leave(found) if taken else None

    def resize(self, container_uuid: str, exec_id: str, height: int, width: int) -> bool | None:
        """Note the window of an exec. True if it is open already, None if the container has no such exec."""
        with self._db.write() as session:
            row = session.scalars(
                select(ContainerSession).where(
                    ContainerSession.container_uuid == container_uuid, ContainerSession.exec_id == exec_id
                )
            ).first()
            if row is None:
                return None
            row.height, row.width = height, width
            return row.connected_at is not None

    def end(self, ident: str) -> None:
        with self._db.write() as session:
            session.execute(delete(ContainerSession).where(ContainerSession.uuid == ident))

    def overdue(self) -> list[Leave]:
        """Those that nobody opened in time, or whose container is gone; their rows are gone now."""
        known = select(Container.uuid)
        return self._remove(
            ContainerSession.connected_at.is_(None)
            & ((ContainerSession.expires_at <= utcnow()) | ContainerSession.container_uuid.not_in(known))
        )

    def left_behind(self) -> list[Leave]:
        """All of this host: what a former process had."""
        return self._remove(ContainerSession.uuid.is_not(None))

    def _remove(self, condition: object) -> list[Leave]:
        with self._db.read() as session:
            rows: Iterable[ContainerSession] = session.scalars(
                select(ContainerSession).where(ContainerSession.host == self._host, condition)  # type: ignore[arg-type]
            ).all()
            found = [_leave(row) for row in rows]
        if found:
            with self._db.write() as session:
                gone = [leave.uuid for leave in found]
                session.execute(delete(ContainerSession).where(ContainerSession.uuid.in_(gone)))
        return found


def _digest(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()


def _leave(row: ContainerSession) -> Leave:
    return Leave(row.uuid, row.container_uuid, row.project_id, row.exec_id, row.height, row.width)
