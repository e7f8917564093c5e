"""Quotas: how much of each resource a project may use, and how much it does.

A limit is looked up for the project, then for the quota class "default", then among the service's own
defaults;
-1 is no limit. Usage is counted in rows that are changed by conditional updates, so that two requests
at the same instant cannot both take the last unit, on any of the databases.

    QUOTAS = Quotas("container", {"containers": 40, "memory": -1})
    with db.write() as session:
        QUOTAS.charge(session, project_id, {"containers": 1, "memory": 512})   # and -1, -512 at the end
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import BigInteger, String, case, delete, or_, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from knarr.kernel.db import Base, affected, insert_if_missing
from knarr.kernel.errors import OverQuota

UNLIMITED = -1
DEFAULT_CLASS = "default"
PROJECT, CLASS = "project", "class"


class QuotaLimit(Base):
    """A limit that was set: for a project (scope_id is its id) or for a quota class (scope_id is its
    name)."""

    __tablename__ = "quota_limit"

    service: Mapped[str] = mapped_column(String(64), primary_key=True)
    scope: Mapped[str] = mapped_column(String(16), primary_key=True)
    scope_id: Mapped[str] = mapped_column(String(255), primary_key=True)
    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    limit: Mapped[int] = mapped_column(BigInteger)


class QuotaUsage(Base):
    """What a project uses of a resource now."""

    __tablename__ = "quota_usage"

    service: Mapped[str] = mapped_column(String(64), primary_key=True)
    project_id: Mapped[str] = mapped_column(String(64), primary_key=True)
    resource: Mapped[str] = mapped_column(String(64), primary_key=True)
    used: Mapped[int] = mapped_column(BigInteger, default=0)


LIMIT: Any = QuotaLimit.__table__
USAGE: Any = QuotaUsage.__table__


@dataclass(frozen=True)
class Quotas:
    """The quotas of one service. `defaults` are limits by resource, or a function of the configuration
    to such."""

    service: str
    defaults: Mapping[str, int] | Callable[[Any], Mapping[str, int]]
    conf: Any = None

    def default_limits(self) -> dict[str, int]:
        """The limits of the service itself, before classes and projects change them."""
        return dict(self.defaults(self.conf) if callable(self.defaults) else self.defaults)

    def limits(self, session: Session, project_id: str) -> dict[str, int]:
        """The limits that hold for the project, by resource."""
        return self._limits(session, ((CLASS, DEFAULT_CLASS), (PROJECT, project_id)))

    def class_limits(self, session: Session, name: str = DEFAULT_CLASS) -> dict[str, int]:
        """The limits of a quota class, by resource. "default" holds for all projects without limits of
        their own."""
        return self._limits(session, ((CLASS, name),))

    def usage(self, session: Session, project_id: str) -> dict[str, int]:
        """What the project uses, by resource."""
        rows = session.execute(
            select(USAGE.c.resource, USAGE.c.used).where(
                USAGE.c.service == self.service, USAGE.c.project_id == project_id
            )
        )
        return {**dict.fromkeys(self.default_limits(), 0), **{row.resource: row.used for row in rows}}

    def set_limits(self, session: Session, project_id: str, limits: Mapping[str, int]) -> None:
        """Set limits of a project. Raises ValueError for a resource the service does not know or a
        limit below -1."""
        self._set_limits(session, PROJECT, project_id, limits)

    def set_class_limits(
        self, session: Session, limits: Mapping[str, int], name: str = DEFAULT_CLASS
    ) -> None:
        """Set limits of a quota class. Raises ValueError as `set_limits` does."""
        self._set_limits(session, CLASS, name, limits)

    def reset(self, session: Session, project_id: str) -> None:
        """Let the project have the default limits again."""
        session.execute(
            delete(LIMIT).where(
                LIMIT.c.service == self.service, LIMIT.c.scope == PROJECT, LIMIT.c.scope_id == project_id
            )
        )

    def charge(self, session: Session, project_id: str, deltas: Mapping[str, int]) -> None:
        """Take what is positive, give back what is negative, in the transaction of the session.

        Raises OverQuota that names each resource that is over, its limit and use; then the transaction
        must be rolled back, as it is if the error leaves the block of `db.write()`.
        """
        takes = any(delta > 0 for delta in deltas.values())
        limits = self.limits(session, project_id) if takes else {}
        over: list[str] = []
        # In one order everywhere: two transactions then wait for each other's rows but never in a circle.
        for resource, delta in sorted(deltas.items()):
            limit = limits.get(resource, UNLIMITED)
            if delta and not self._charge(session, project_id, resource, delta, limit):
                over.append(resource)
        if over:
            used = self.usage(session, project_id)
            parts = (f"{r} (requested {deltas[r]}, in use {used[r]}, limit {limits[r]})" for r in over)
            raise OverQuota(f"Quota exceeded for {', '.join(parts)}.")

    def recount(self, session: Session, fn: Callable[[Session], Mapping[str, Mapping[str, int]]]) -> int:
        """Set usage to what is really there; how many rows were wrong.

        `fn(session)` counts and returns {project_id: {resource: used}}; what it does not name counts as 0.
        """
        recorded = select(USAGE).where(USAGE.c.service == self.service).with_for_update()
        before = {(row.project_id, row.resource): row.used for row in session.execute(recorded)}
        found = {
            (project_id, resource): used
            for project_id, resources in fn(session).items()
            for resource, used in resources.items()
        }
        wrong = {
            key: found.get(key, 0)
            for key in sorted(before.keys() | found.keys())
            if before.get(key, 0) != found.get(key, 0)
        }
        for (project_id, resource), used in wrong.items():
            self._ensure_row(session, project_id, resource)
            session.execute(update(USAGE).where(*self._row(project_id, resource)).values(used=used))
        return len(wrong)

    def _limits(self, session: Session, scopes: tuple[tuple[str, str], ...]) -> dict[str, int]:
        """The service's defaults, changed by the scopes in this order."""
        limits = self.default_limits()
        wanted = or_(*((LIMIT.c.scope == scope) & (LIMIT.c.scope_id == name) for scope, name in scopes))
        statement = select(LIMIT.c.scope, LIMIT.c.resource, LIMIT.c.limit)
        rows = session.execute(statement.where(LIMIT.c.service == self.service, wanted)).all()
        for scope, _ in scopes:
            limits.update({row.resource: row.limit for row in rows if row.scope == scope})
        return limits

    def _set_limits(self, session: Session, scope: str, scope_id: str, limits: Mapping[str, int]) -> None:
        known = self.default_limits()
        for resource, limit in sorted(limits.items()):
            if resource not in known:
                raise ValueError(f"unknown resource {resource}: use one of {', '.join(sorted(known))}")
            if limit < UNLIMITED:
                raise ValueError(f"the limit of {resource} must be -1 (no limit) or more")
            key = {"service": self.service, "scope": scope, "scope_id": scope_id, "resource": resource}
            insert_if_missing(session, LIMIT, {**key, "limit": limit})
            same = [LIMIT.c[column] == value for column, value in key.items()]
            session.execute(update(LIMIT).where(*same).values(limit=limit))

    def _charge(self, session: Session, project_id: str, resource: str, delta: int, limit: int) -> bool:
        """Change one usage row; False if that would exceed the limit."""
        used = USAGE.c.used + delta
        statement = update(USAGE).where(*self._row(project_id, resource))
        if delta < 0:
            # A row that drifted must not become negative; recount() puts it right.
            session.execute(statement.values(used=case((used < 0, 0), else_=used)))
            return True
        if limit != UNLIMITED:
            statement = statement.where(used <= limit)
        if affected(session, statement.values(used=used)):
            return True
        self._ensure_row(session, project_id, resource)
        return bool(affected(session, statement.values(used=used)))

    def _ensure_row(self, session: Session, project_id: str, resource: str) -> None:
        row = {"service": self.service, "project_id": project_id, "resource": resource, "used": 0}
        insert_if_missing(session, USAGE, row)

    def _row(self, project_id: str, resource: str) -> tuple[Any, ...]:
        key = {"service": self.service, "project_id": project_id, "resource": resource}
        return tuple(USAGE.c[column] == value for column, value in key.items())
