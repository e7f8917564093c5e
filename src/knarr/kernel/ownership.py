"""Who sees what: rows of a project are its own, administrators see all, shared ones show to everybody.

One place for all services. What a caller may not see does not exist for it (404, never 403).
"""

from __future__ import annotations

import uuid
from typing import Any, TypeVar

from sqlalchemy import ColumnElement, Select, or_, select
from sqlalchemy.orm import Session

from knarr.kernel.context import RequestContext
from knarr.kernel.errors import Conflict, NotFound

E = TypeVar("E")


def owned(
    stmt: Select[Any],
    model: Any,
    ctx: RequestContext,
    all_projects: bool = False,
    shared: ColumnElement[bool] | None = None,
) -> Select[Any]:
    """The statement narrowed to what the caller sees. `all_projects` counts only for administrators;
    `shared` is a condition that makes others' rows visible.
    """
    if all_projects and ctx.is_admin:
        return stmt
    mine = model.project_id == ctx.project_id
    return stmt.where(mine if shared is None else or_(mine, shared))


def find(
    session: Session,
    model: type[E],
    ident: str,
    ctx: RequestContext,
    *,
    what: str,
    all_projects: bool | None = None,
    shared: ColumnElement[bool] | None = None,
    by_name: bool = True,
    not_found: str | None = None,
    ambiguous: str | None = None,
) -> E:
    """The row that `ident` (an id, or a name) means to the caller.

    Administrators see the rows of all projects unless `all_projects` is False. Raises NotFound, or Conflict
    when a name means several; `not_found` and `ambiguous` are upstream's codes of these errors.
    """
    m: Any = model
    key = m.uuid if hasattr(m, "uuid") else m.id
    everywhere = bool(ctx.is_admin) if all_projects is None else all_projects
    stmt = owned(select(model), model, ctx, everywhere, shared)
    if not by_name or _is_uuid(ident):
        row = session.scalars(stmt.where(key == ident)).first()
        if row is not None or not by_name:
            return _or_not_found(row, what, ident, not_found)
    rows = session.scalars(stmt.where(m.name == ident).limit(2)).all()
    if len(rows) > 1:
        raise Conflict(f"Multiple {what}s have the name '{ident}': use the id instead.", code=ambiguous)
    return _or_not_found(rows[0] if rows else None, what, ident, not_found)


def _or_not_found(row: E | None, what: str, ident: str, code: str | None) -> E:
    if row is None:
        raise NotFound(f"{what[0].upper()}{what[1:]} {ident[:255]} could not be found.", code=code)
    return row


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True
