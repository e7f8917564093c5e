"""Roles and what they imply: /v3/roles, /v3/role_inferences."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import delete, or_, select
from sqlalchemy.orm import Session

from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    check_domain,
    identity,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    refuse_duplicate,
    writing,
)
from knarr.core.identity.models import NO_DOMAIN, Assignment, ImpliedRole, Role
from knarr.core.identity.options import check_may_change, check_may_delete, merged
from knarr.kernel.errors import Forbidden, NotFound
from knarr.kernel.web import Request

FILTERS = {"id": Role.id, "name": Role.name, "domain_id": Role.domain_id, "description": Role.description}

# Upstream forbids to imply it (`prohibited_implied_role`): whoever could, would make administrators.
NEVER_IMPLIED = "admin"


def view(req: Request, role: Role) -> View:
    body: View = {
        **(role.extra or {}),
        "id": role.id,
        "name": role.name,
        "domain_id": role.domain_id or None,
        "description": role.description,
        "options": role.options,
    }
    return linked(req, body, "roles", role.id)


def list_roles(req: Request) -> View:
    """Roles for all domains, or with `domain_id` those of one domain."""
    stmt = matching(select(Role), req, FILTERS)
    if "domain_id" not in req.params:
        stmt = stmt.where(Role.domain_id == NO_DOMAIN)
    return listed(req, "roles", stmt, Role, view)


def show_role(req: Request, role_id: str) -> View:
    with req.db.read() as session:
        return {"role": view(req, load(session, Role, role_id, "role"))}


def create_role(req: Request) -> View:
    body = req.body
    domain_id = body.domain_id or NO_DOMAIN
    with writing(req, "role") as session:
        if domain_id:
            check_domain(session, domain_id)
        refuse_duplicate(session, Role, "role", body.name, domain_id)
        role = Role(
            name=body.name,
            domain_id=domain_id,
            description=body.description,
            options=merged({}, body.options),
        )
        add(req, session, role, body, view)
    return {"role": view(req, role)}


def update_role(req: Request, role_id: str) -> View:
    with writing(req, "role") as session:
        role = load(session, Role, role_id, "role")
        shown = view(req, role)
        check_may_change("role", role, req.body)
        if req.body.name is not UNSET:
            refuse_duplicate(session, Role, "role", req.body.name, role.domain_id, but=role.id)
        apply(role, req.body, ("name", "description"))
        role.options = merged(role.options, req.body.options)
        keep_extra(role, req.body, shown)
    return {"role": view(req, role)}


def delete_role(req: Request, role_id: str) -> None:
    """204; whoever had the role has it no more, in tokens already issued as well."""
    with writing(req, "role") as session:
        check_may_delete("role", load(session, Role, role_id, "role"))
        forget_roles(session, [role_id])


def list_implied(req: Request, role_id: str) -> View:
    with req.db.read() as session:
        prior = load(session, Role, role_id, "role")
        rows = session.scalars(
            select(Role)
            .join(ImpliedRole, ImpliedRole.implied_role_id == Role.id)
            .where(ImpliedRole.prior_role_id == role_id)
            .order_by(Role.name)
        ).all()
    body = {"role_inference": {"prior_role": _short(req, prior), "implies": [_short(req, r) for r in rows]}}
    return linked(req, body, "roles", role_id, "implies")


def show_implied(req: Request, role_id: str, implied_id: str) -> View:
    with req.db.read() as session:
        prior, implied = _pair(session, role_id, implied_id)
        _check_implies(session, role_id, implied_id)
    return _inference(req, prior, implied)


def check_implied(req: Request, role_id: str, implied_id: str) -> None:
    with req.db.read() as session:
        _pair(session, role_id, implied_id)
        _check_implies(session, role_id, implied_id)


def create_implied(req: Request, role_id: str, implied_id: str) -> View:
    """201. 403 if the implied role is `admin`."""
    with writing(req, "role_inference") as session:
        prior, implied = _pair(session, role_id, implied_id)
        if implied.name == NEVER_IMPLIED and implied.domain_id == NO_DOMAIN:
            raise Forbidden(f"{implied.id} cannot be an implied role: it is the role {NEVER_IMPLIED}.")
        if prior.domain_id == NO_DOMAIN and implied.domain_id != NO_DOMAIN:
            raise Forbidden(f"{implied.id} cannot be implied by a role of all domains: it belongs to one.")
        if session.get(ImpliedRole, (role_id, implied_id)) is None:
            session.add(ImpliedRole(prior_role_id=role_id, implied_role_id=implied_id))
    return _inference(req, prior, implied)


def delete_implied(req: Request, role_id: str, implied_id: str) -> None:
    with writing(req, "role_inference") as session:
        _pair(session, role_id, implied_id)
        session.delete(_check_implies(session, role_id, implied_id))


def list_inferences(req: Request) -> View:
    """{role_inferences: [{prior_role, implies: [...]}]} of all roles that imply others."""
    with req.db.read() as session:
        roles = {role.id: role for role in session.scalars(select(Role))}
        pairs = session.execute(select(ImpliedRole.prior_role_id, ImpliedRole.implied_role_id)).all()
    implies: dict[str, list[View]] = {}
    for prior, implied in pairs:
        implies.setdefault(prior, []).append(_short(req, roles[implied]))
    rows = [{"prior_role": _short(req, roles[prior]), "implies": which} for prior, which in implies.items()]
    return linked(req, {"role_inferences": rows}, "role_inferences")


def forget_roles(session: Session, role_ids: list[str]) -> None:
    """Delete roles with their assignments and implications."""
    session.execute(delete(Assignment).where(Assignment.role_id.in_(role_ids)))
    either = or_(ImpliedRole.prior_role_id.in_(role_ids), ImpliedRole.implied_role_id.in_(role_ids))
    session.execute(delete(ImpliedRole).where(either))
    session.execute(delete(Role).where(Role.id.in_(role_ids)))


def names(req: Request) -> dict[str, str]:
    """The name of every role by its id."""
    return identity(req).role_book().names


def _pair(session: Session, role_id: str, implied_id: str) -> tuple[Role, Role]:
    return load(session, Role, role_id, "role"), load(session, Role, implied_id, "role")


def _check_implies(session: Session, role_id: str, implied_id: str) -> ImpliedRole:
    row = session.get(ImpliedRole, (role_id, implied_id))
    if row is None:
        raise NotFound(f"{role_id} does not imply {implied_id}.")
    return row


def _short(req: Request, role: Role) -> dict[str, Any]:
    return linked(req, {"id": role.id, "name": role.name}, "roles", role.id)


def _inference(req: Request, prior: Role, implied: Role) -> View:
    body = {"role_inference": {"prior_role": _short(req, prior), "implies": _short(req, implied)}}
    return linked(req, body, "roles", prior.id, "implies", implied.id)
