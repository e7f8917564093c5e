"""Domains: /v3/domains. One must be disabled before it can be deleted, and takes all that is in it along."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from msgspec import UNSET
from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.api import groups, projects, users
from knarr.core.identity.api.common import (
    View,
    add,
    check_domain,
    keep_extra,
    linked,
    listed,
    matching,
    missing,
    refuse_duplicate,
    writing,
)
from knarr.core.identity.api.roles import forget_roles
from knarr.core.identity.models import DEFAULT_DOMAIN, NO_DOMAIN, Group, Project, Role, User, hex_id
from knarr.core.identity.options import check_may_change, check_may_delete, merged
from knarr.kernel.errors import Conflict, Forbidden
from knarr.kernel.web import Request

Shown = Callable[[Request, Project], View]

FILTERS = {"id": Project.id, "name": Project.name, "enabled": Project.enabled}


def view(req: Request, domain: Project) -> View:
    body: View = {
        **(domain.extra or {}),
        "id": domain.id,
        "name": domain.name,
        "enabled": domain.enabled,
        "description": domain.description,
        "tags": domain.tags,
        "options": domain.options,
    }
    return linked(req, body, "domains", domain.id)


def list_domains(req: Request) -> View:
    """All domains for who may see all; the own one for a domain's reader."""
    stmt = matching(select(Project).where(Project.is_domain.is_(True)), req, FILTERS)
    if not req.allows("identity:list_domains", {}):
        own = {"target.domain.id": req.ctx.domain_id} if req.ctx.domain_id else {}
        req.authorize("identity:list_domains", own)
        stmt = stmt.where(Project.id == req.ctx.domain_id)
    return listed(req, "domains", stmt, Project, view)


def show_domain(req: Request, domain_id: str) -> View:
    with req.db.read() as session:
        return {"domain": view(req, _found(req, session, domain_id, "identity:get_domain"))}


def create_domain(req: Request) -> View:
    wanted = req.body.explicit_domain_id
    with writing(req, "domain") as session:
        domain = added(req, session, req.body, view, None if wanted is UNSET else wanted)
    return {"domain": view(req, domain)}


def added(req: Request, session: Session, body: Any, shown: Shown, ident: str | None = None) -> Project:
    """The new domain of the body, which is one of a domain or of a project."""
    refuse_duplicate(session, Project, "domain", body.name, NO_DOMAIN)
    if ident is not None and session.get(Project, ident) is not None:
        raise Conflict(f"Conflict occurred attempting to store domain - Duplicate ID, {ident}.")
    domain = Project(
        id=ident or hex_id(),
        name=body.name,
        domain_id=NO_DOMAIN,
        is_domain=True,
        enabled=body.enabled,
        description=body.description or "",
        tags=list(dict.fromkeys(body.tags)),
        options=merged({}, body.options),
    )
    add(req, session, domain, body, shown)
    return domain


def update_domain(req: Request, domain_id: str) -> View:
    """200 {domain}. Disabling revokes all tokens for it, for its projects and of its users."""
    with writing(req, "domain") as session:
        domain = _found(req, session, domain_id, "identity:update_domain")
        shown = view(req, domain)
        check_may_change("domain", domain, req.body)
        if req.body.name is not UNSET:
            refuse_duplicate(session, Project, "domain", req.body.name, NO_DOMAIN, but=domain.id)
        if domain.id == DEFAULT_DOMAIN and req.body.enabled is False:
            raise Forbidden("The default domain holds the administrators and the services: it stays enabled.")
        projects.change(domain, req.body)
        keep_extra(domain, req.body, shown)
    return {"domain": view(req, domain)}


def delete_domain(req: Request, domain_id: str) -> None:
    """204. 403 while it is enabled. Its users, groups, projects and roles go with it."""
    with writing(req, "domain") as session:
        domain = _found(req, session, domain_id, "identity:delete_domain")
        check_may_delete("domain", domain)
        if domain.enabled:
            raise Forbidden("Cannot delete a domain that is enabled, please disable it first.")
        users.forget_users(session, _in(session, User, domain_id))
        groups.forget_groups(session, _in(session, Group, domain_id))
        forget_roles(session, _in(session, Role, domain_id))
        projects.forget_projects(session, [*_in(session, Project, domain_id), domain_id])


def target(domain: Project) -> dict[str, Any]:
    return {"target.domain.id": domain.id}


def _found(req: Request, session: Session, domain_id: str, rule: str) -> Project:
    domain = session.get(Project, domain_id)
    known = domain is not None and domain.is_domain
    req.authorize(rule, target(domain) if domain is not None and known else {})
    if not known:
        raise missing("domain", domain_id)
    return check_domain(session, domain_id)


def _in(session: Session, model: Any, domain_id: str) -> list[str]:
    return list(session.scalars(select(model.id).where(model.domain_id == domain_id)))
