"""Limits of single projects and domains: /v3/limits. The model is flat: no limit depends on another."""

from __future__ import annotations

from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from knarr.core.identity.api import registered_limits
from knarr.core.identity.api.common import (
    View,
    apply,
    check_domain,
    collection,
    linked,
    load,
    matching,
    missing,
    page,
    writing,
)
from knarr.core.identity.models import Limit, Project, RegisteredLimit
from knarr.kernel.errors import BadRequest, Conflict, Forbidden
from knarr.kernel.web import Request

FILTERS = {
    "id": Limit.id,
    "service_id": RegisteredLimit.service_id,
    "region_id": RegisteredLimit.region_id,
    "resource_name": RegisteredLimit.resource_name,
    "project_id": Limit.project_id,
    "domain_id": Limit.domain_id,
}

MODEL = {
    "name": "flat",
    "description": "Limit enforcement and validation does not take project hierarchy into consideration.",
}


def show_model(req: Request) -> View:
    return {"model": MODEL}


def view(req: Request, row: Limit, registered: RegisteredLimit) -> View:
    body: View = {
        "id": row.id,
        "service_id": registered.service_id,
        "region_id": registered.region_id or None,
        "resource_name": registered.resource_name,
        "project_id": row.project_id or None,
        "domain_id": row.domain_id or None,
        "resource_limit": row.resource_limit,
        "description": row.description,
    }
    return linked(req, body, "limits", row.id)


def list_limits(req: Request) -> View:
    """All for who may see all, else those of the project or domain of the caller's token."""
    joined = RegisteredLimit.id == Limit.registered_limit_id
    stmt = matching(select(Limit).join(RegisteredLimit, joined), req, FILTERS)
    if not req.allows("identity:get_limit", {}):
        project_id, domain_id = req.ctx.project_id or "", req.ctx.domain_id or ""
        stmt = stmt.where(
            or_(
                (Limit.project_id == project_id) & (Limit.project_id != ""),
                (Limit.domain_id == domain_id) & (Limit.domain_id != ""),
            )
        )
    with req.db.read() as session:
        rows, following = page(req, session, stmt, Limit)
        ids = {row.registered_limit_id for row in rows}
        found = session.scalars(select(RegisteredLimit).where(RegisteredLimit.id.in_(ids)))
        registered = {row.id: row for row in found}
    views = [view(req, row, registered[row.registered_limit_id]) for row in rows]
    return collection(req, "limits", views, "limits", following)


def show_limit(req: Request, limit_id: str) -> View:
    with req.db.read() as session:
        row = session.get(Limit, limit_id)
        req.authorize("identity:get_limit", {} if row is None else _target(session, row))
        if row is None:
            raise missing("limit", limit_id)
        return {"limit": view(req, row, load(session, RegisteredLimit, row.registered_limit_id, "limit"))}


def create_limits(req: Request) -> View:
    """201 {limits} of all that were asked for, or of none. 403 where nothing is registered to be limited."""
    views = []
    with writing(req, "limit") as session:
        for number, asked in enumerate(req.body.limits):
            where = f"limits[{number}]."
            _check_owner(session, asked, where)
            registered_limits.check_place(req, session, asked.service_id, asked.region_id, where)
            registered = registered_limits.of_key(
                session, asked.service_id, asked.region_id, asked.resource_name
            )
            if registered is None:
                raise Forbidden(
                    f"Unable to create a limit that has no corresponding registered limit: "
                    f"{where}resource_name {asked.resource_name}."
                )
            row = Limit(
                registered_limit_id=registered.id,
                project_id=asked.project_id or "",
                domain_id=asked.domain_id or "",
                resource_limit=asked.resource_limit,
                description=asked.description,
            )
            _refuse_second(session, row)
            session.add(row)
            session.flush()
            views.append(view(req, row, registered))
    return {"limits": views}


def update_limit(req: Request, limit_id: str) -> View:
    with writing(req, "limit") as session:
        row = load(session, Limit, limit_id, "limit")
        apply(row, req.body, ("resource_limit", "description"))
        registered = load(session, RegisteredLimit, row.registered_limit_id, "registered limit")
    return {"limit": view(req, row, registered)}


def delete_limit(req: Request, limit_id: str) -> None:
    with writing(req, "limit") as session:
        session.delete(load(session, Limit, limit_id, "limit"))


def _target(session: Session, row: Limit) -> dict[str, Any]:
    """What the rule compares with the caller's token: the project or domain, and the project's domain."""
    domain_id = row.domain_id
    if row.project_id:
        project = session.get(Project, row.project_id)
        domain_id = project.domain_id if project else ""
    values = {"target.limit.project_id": row.project_id, "target.limit.domain_id": domain_id}
    return {name: value for name, value in values.items() if value}


def _check_owner(session: Session, asked: Any, where: str) -> None:
    if (asked.project_id is None) == (asked.domain_id is None):
        raise BadRequest(f"{where}project_id or {where}domain_id must be given, and not both.")
    if asked.domain_id is not None:
        check_domain(session, asked.domain_id)
        return
    if load(session, Project, asked.project_id, "project").is_domain:
        raise BadRequest(f"{where}project_id is a domain: name it as domain_id.")


def _refuse_second(session: Session, row: Limit) -> None:
    stmt = select(Limit.id).where(
        Limit.registered_limit_id == row.registered_limit_id,
        Limit.project_id == row.project_id,
        Limit.domain_id == row.domain_id,
    )
    if session.scalar(stmt):
        raise Conflict("Conflict occurred attempting to store limit - Duplicate entry found.")
