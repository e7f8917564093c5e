"""Who may use what belongs to others: RBAC entries, and the `shared` flags that stand for entries for all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, select
from sqlalchemy.orm import Session

from knarr.core.network.models import Rbac
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id

ALL = "*"
SHARED, EXTERNAL = "access_as_shared", "access_as_external"


def granted(
    model: Any, object_type: str, project_id: str | None, actions: tuple[str, ...] = (SHARED,)
) -> ColumnElement[bool]:
    """The condition that an entry lets the project use the row."""
    entries = select(Rbac.object_id).where(
        Rbac.target_project == (project_id or ""),
        Rbac.object_type == object_type,
        Rbac.action.in_(actions),
    )
    found: ColumnElement[bool] = model.id.in_(entries)
    return found


def seen_as_shared(session: Session, ctx: RequestContext, rows: Sequence[Any], object_type: str) -> set[str]:
    """Ids of the rows that are shared with the caller, as their `shared` says. One query, and only if there
    is something of others that is not shared with all.
    """
    shared = {row.id for row in rows if row.shared}
    others = [row.id for row in rows if not row.shared and row.project_id != ctx.project_id]
    if others and ctx.project_id:
        stmt = select(Rbac.object_id).where(
            Rbac.target_project == ctx.project_id,
            Rbac.object_type == object_type,
            Rbac.action == SHARED,
            Rbac.object_id.in_(others),
        )
        shared.update(session.scalars(stmt))
    return shared


def entries_seen(session: Session, ctx: RequestContext, ids: Sequence[str]) -> set[str]:
    """As `seen_as_shared`, for objects without a flag of their own."""
    stmt = select(Rbac.object_id).where(
        Rbac.object_id.in_(ids),
        Rbac.action == SHARED,
        Rbac.target_project.in_((ALL, ctx.project_id or ALL)),
    )
    return set(session.scalars(stmt))


def share(
    session: Session, project_id: str, object_type: str, object_id: str, on: bool, action: str = SHARED
) -> None:
    """Write down or forget that all may use the object; its flag is the caller's to set."""
    same = (Rbac.object_id == object_id, Rbac.action == action, Rbac.target_project == ALL)
    if not on:
        session.execute(delete(Rbac).where(*same))
    elif session.scalar(select(Rbac.id).where(*same)) is None:
        entry = {
            "id": new_id(),
            "project_id": project_id,
            "object_type": object_type,
            "object_id": object_id,
            "action": action,
            "target_project": ALL,
        }
        session.execute(insert(Rbac), [entry])
