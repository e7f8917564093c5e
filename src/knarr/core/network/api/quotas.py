"""Quotas of projects: limits, and limits with their use."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from knarr.core.network import resources
from knarr.kernel.errors import BadRequest
from knarr.kernel.quota import LIMIT, PROJECT, Quotas
from knarr.kernel.request import Request


def _quotas(req: Request, project_id: str, rule: str) -> Quotas:
    req.authorize(rule, resources.target(project_id))
    return req.runtime.quotas("network")


def show_own_project(req: Request) -> dict[str, Any]:
    """Neutron names the project of the token this way."""
    return {"tenant": {"tenant_id": req.ctx.project_id, "project_id": req.ctx.project_id}}


def list_quotas(req: Request) -> dict[str, Any]:
    """The limits of projects that have some of their own. For administrators: nobody else is the target."""
    quotas = _quotas(req, "", "get_quota")
    stmt = select(LIMIT.c.scope_id, LIMIT.c.resource, LIMIT.c.limit).where(
        LIMIT.c.service == quotas.service, LIMIT.c.scope == PROJECT
    )
    found: dict[str, dict[str, Any]] = {}
    with req.db.read() as session:
        common = quotas.class_limits(session)
        for row in session.execute(stmt.order_by(LIMIT.c.scope_id)):
            ids = {"project_id": row.scope_id, "tenant_id": row.scope_id}
            found.setdefault(row.scope_id, {**common, **ids})[row.resource] = row.limit
    return {"quotas": resources.only_fields(req, list(found.values()))}


def show_quota(req: Request, project_id: str) -> dict[str, Any]:
    quotas = _quotas(req, project_id, "get_quota")
    with req.db.read() as session:
        return {"quota": quotas.limits(session, project_id)}


def show_defaults(req: Request, project_id: str) -> dict[str, Any]:
    quotas = _quotas(req, project_id, "get_quota")
    with req.db.read() as session:
        return {"quota": {**quotas.default_limits(), **quotas.class_limits(session)}}


def show_details(req: Request, project_id: str) -> dict[str, Any]:
    quotas = _quotas(req, project_id, "get_quota")
    with req.db.read() as session:
        limits, used = quotas.limits(session, project_id), quotas.usage(session, project_id)
    details = {name: {"limit": limits[name], "used": used[name], "reserved": 0} for name in limits}
    return {"quota": details}


def update_quota(req: Request, project_id: str) -> dict[str, Any]:
    quotas = _quotas(req, project_id, "update_quota")
    limits = resources.given(req.body, quotas.default_limits())
    try:
        with req.db.write() as session:
            if req.body.check_limit and not req.body.force:
                _check_use(quotas.usage(session, project_id), limits)
            quotas.set_limits(session, project_id, limits)
    except (ValueError, OverflowError) as error:
        raise BadRequest(f"Invalid quota: {error}.") from None
    return show_quota(req, project_id)


def _check_use(used: dict[str, int], limits: dict[str, int]) -> None:
    """What the client asks for with `check_limit`: no limit below what is in use."""
    below = [name for name, limit in limits.items() if 0 <= limit < used[name]]
    if below:
        why = ", ".join(f"{name} ({used[name]} in use)" for name in below)
        raise BadRequest(
            f"Invalid quota: the limit is below what is in use for {why}.", code="InvalidQuotaValue"
        )


def delete_quota(req: Request, project_id: str) -> None:
    quotas = _quotas(req, project_id, "delete_quota")
    with req.db.write() as session:
        quotas.reset(session, project_id)
