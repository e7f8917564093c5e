"""Quotas of projects and quota classes."""

from __future__ import annotations

from typing import Any

from knarr.kernel.errors import BadRequest, Forbidden
from knarr.kernel.request import Request
from knarr.services.container.schemas import QuotaUpdate
from knarr.services.container.usage import CPU, shown, to_counted

MAX_PROJECT_ID, MAX_CLASS = 64, 255


def _check_length(what: str, name: str, most: int) -> None:
    """The columns hold no more, and some databases say so with an error."""
    if len(name) > most:
        raise BadRequest(f"The {what} has {len(name)} characters; {most} is the most.")


def _own(req: Request, project_id: str) -> None:
    _check_length("project id", project_id, MAX_PROJECT_ID)
    if project_id != req.ctx.project_id and not req.ctx.is_admin:
        raise Forbidden("Quotas of another project are shown to administrators only.")


def show(req: Request, project_id: str) -> dict[str, Any]:
    _own(req, project_id)
    quotas = req.runtime.quotas("container")
    with req.db.read() as session:
        limits = shown(quotas.limits(session, project_id))
        if not req.query.usages:
            return limits
        used = shown(quotas.usage(session, project_id))
    return {name: {"limit": limit, "in_use": used[name]} for name, limit in limits.items()}


def defaults(req: Request, project_id: str) -> dict[str, Any]:
    _own(req, project_id)
    with req.db.read() as session:
        return shown(req.runtime.quotas("container").class_limits(session))


def _wanted(body: QuotaUpdate) -> dict[str, int]:
    names = {"containers": "containers", "memory": "memory", "cpu": CPU, "disk": "disk"}
    given = {name: getattr(body, name) for name in names}
    return {names[name]: to_counted(name, limit) for name, limit in given.items() if limit is not None}


def update(req: Request, project_id: str) -> dict[str, Any]:
    """PUT /v1/quotas/{project}. As upstream, nobody asks the identity service whether there is such a
    project."""
    _check_length("project id", project_id, MAX_PROJECT_ID)
    quotas = req.runtime.quotas("container")
    with req.db.write() as session:
        quotas.set_limits(session, project_id, _wanted(req.body))
        return shown(quotas.limits(session, project_id))


def reset(req: Request, project_id: str) -> None:
    with req.db.write() as session:
        req.runtime.quotas("container").reset(session, project_id)


def class_show(req: Request, name: str) -> dict[str, Any]:
    with req.db.read() as session:
        return shown(req.runtime.quotas("container").class_limits(session, name))


def class_update(req: Request, name: str) -> dict[str, Any]:
    _check_length("name of the quota class", name, MAX_CLASS)
    quotas = req.runtime.quotas("container")
    with req.db.write() as session:
        quotas.set_class_limits(session, _wanted(req.body), name)
        return shown(quotas.class_limits(session, name))
