"""Registered limits: /v3/registered_limits, what every project may have of a service's resource."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.api.common import (
    View,
    apply,
    identity,
    linked,
    listed,
    load,
    matching,
    writing,
)
from knarr.core.identity.models import Limit, Region, RegisteredLimit
from knarr.kernel.errors import BadRequest, Conflict, Forbidden
from knarr.kernel.web import Request

FILTERS = {
    "id": RegisteredLimit.id,
    "service_id": RegisteredLimit.service_id,
    "region_id": RegisteredLimit.region_id,
    "resource_name": RegisteredLimit.resource_name,
}

# What a limit of a project refers to: once there is one, these stay as they are.
KEY = ("service_id", "region_id", "resource_name")


def view(req: Request, row: RegisteredLimit) -> View:
    body: View = {
        "id": row.id,
        "service_id": row.service_id,
        "region_id": row.region_id or None,
        "resource_name": row.resource_name,
        "default_limit": row.default_limit,
        "description": row.description,
    }
    return linked(req, body, "registered_limits", row.id)


def list_limits(req: Request) -> View:
    stmt = matching(select(RegisteredLimit), req, FILTERS)
    return listed(req, "registered_limits", stmt, RegisteredLimit, view, sortable=FILTERS)


def show_limit(req: Request, limit_id: str) -> View:
    with req.db.read() as session:
        return {"registered_limit": view(req, load(session, RegisteredLimit, limit_id, "registered limit"))}


def create_limits(req: Request) -> View:
    """201 {registered_limits} of all that were asked for, or of none."""
    rows = []
    with writing(req, "registered_limit") as session:
        for number, asked in enumerate(req.body.registered_limits):
            where = f"registered_limits[{number}]."
            check_place(req, session, asked.service_id, asked.region_id, where)
            row = RegisteredLimit(
                service_id=asked.service_id,
                region_id=asked.region_id or "",
                resource_name=asked.resource_name,
                default_limit=asked.default_limit,
                description=asked.description,
            )
            _refuse_second(session, row)
            session.add(row)
            session.flush()
            rows.append(row)
    return {"registered_limits": [view(req, row) for row in rows]}


def update_limit(req: Request, limit_id: str) -> View:
    """200 {registered_limit}. 403 for another service, region or resource while projects have limits."""
    body = req.body
    with writing(req, "registered_limit") as session:
        row = load(session, RegisteredLimit, limit_id, "registered limit")
        before = _key(row)
        apply(row, body, ("service_id", "resource_name", "default_limit", "description"))
        if body.region_id is not UNSET:
            row.region_id = body.region_id or ""
        if _key(row) != before:
            with session.no_autoflush:
                _check_unused(session, limit_id, "update")
                check_place(req, session, row.service_id, row.region_id or None)
                _refuse_second(session, row)
    return {"registered_limit": view(req, row)}


def delete_limit(req: Request, limit_id: str) -> None:
    """204. 403 while projects have limits of it."""
    with writing(req, "registered_limit") as session:
        row = load(session, RegisteredLimit, limit_id, "registered limit")
        _check_unused(session, limit_id, "delete")
        session.delete(row)


def check_place(
    req: Request, session: Session, service_id: str, region_id: str | None, where: str = ""
) -> None:
    """Raise BadRequest for a service or region that does not exist."""
    if all(entry.id != service_id for entry in identity(req).catalogue().services):
        raise BadRequest(f"{where}service_id: there is no service {service_id}.")
    if region_id is not None and session.get(Region, region_id) is None:
        raise BadRequest(f"{where}region_id: there is no region {region_id}.")


def of_key(session: Session, service_id: str, region_id: str | None, resource: str) -> RegisteredLimit | None:
    stmt = select(RegisteredLimit).where(
        RegisteredLimit.service_id == service_id,
        RegisteredLimit.region_id == (region_id or ""),
        RegisteredLimit.resource_name == resource,
    )
    return session.scalar(stmt)


def _key(row: RegisteredLimit) -> tuple[Any, ...]:
    return tuple(getattr(row, name) for name in KEY)


def _refuse_second(session: Session, row: RegisteredLimit) -> None:
    other = of_key(session, *_key(row))
    if other is not None and other is not row:
        raise Conflict(
            "Conflict occurred attempting to store registered_limit - Duplicate entry found with "
            f"service, region and resource_name {row.resource_name}."
        )


def _check_unused(session: Session, limit_id: str, verb: str) -> None:
    if session.scalar(select(Limit.id).where(Limit.registered_limit_id == limit_id).limit(1)):
        raise Forbidden(
            f"Unable to {verb} registered limit {limit_id}: there are limits of projects associated with it."
        )
