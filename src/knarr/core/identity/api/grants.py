"""Roles of users and groups on projects, domains and the system, one by one.

The same five calls stand under every pair of target and actor, so they are made from a table (`ROUTES`):

    /v3/{projects,domains}/ID/{users,groups}/ID/roles[/ID]
    /v3/OS-INHERIT/{projects,domains}/ID/{users,groups}/ID/roles[/ID]/inherited_to_projects
    /v3/system/{users,groups}/ID/roles[/ID]
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.identity.api import roles
from knarr.core.identity.api.common import (
    View,
    collection,
    missing,
    writing,
)
from knarr.core.identity.models import NO_DOMAIN, SYSTEM, Assignment, Group, Project, Role, User
from knarr.core.identity.policies import SIGNED_IN
from knarr.kernel.errors import Forbidden, NotFound
from knarr.kernel.routing import Route
from knarr.kernel.web import Request


@dataclass(frozen=True)
class Kind:
    """One family of grants:

    what they are on, whose they are, and whether they are handed down to projects.
    """

    target: str  # project, domain, system
    actor: str  # user, group
    inherited: bool = False

    @property
    def base(self) -> str:
        if self.target == "system":
            return f"/v3/system/{self.actor}s/{{{self.actor}_id}}/roles"
        root = "/v3/OS-INHERIT" if self.inherited else "/v3"
        return f"{root}/{self.target}s/{{{self.target}_id}}/{self.actor}s/{{{self.actor}_id}}/roles"

    @property
    def tail(self) -> str:
        return "/inherited_to_projects" if self.inherited else ""

    def rule(self, action: str) -> str:
        if self.target == "system":
            noun = "grants" if action == "list" else "grant"
            return f"identity:{action}_system_{noun}_for_{self.actor}"
        return f"identity:{action}_{'grants' if action == 'list' else 'grant'}"


@dataclass(frozen=True)
class Parts:
    """What one call speaks of; `role` is None for a list."""

    actor: User | Group
    target_id: str
    role: Role | None

    def key(self, kind: Kind) -> tuple[str, str, str, str, bool]:
        """The primary key of the assignment."""
        assert self.role is not None
        return (self.actor.id, self.target_id, self.role.id, kind.target, kind.inherited)


def list_grants(kind: Kind, req: Request, ids: dict[str, str]) -> View:
    with req.db.read() as session:
        parts = _parts(kind, req, session, ids, "list")
        stmt = (
            select(Role)
            .join(Assignment, Assignment.role_id == Role.id)
            .where(
                Assignment.actor_id == parts.actor.id,
                Assignment.target_type == kind.target,
                Assignment.target_id == parts.target_id,
                Assignment.inherited.is_(kind.inherited),
            )
        )
        rows = session.scalars(stmt.order_by(Role.name)).all()
    path = kind.base.format(**ids).removeprefix("/v3/") + kind.tail
    return collection(req, "roles", [roles.view(req, row) for row in rows], path)


def check_grant(kind: Kind, req: Request, ids: dict[str, str]) -> None:
    with req.db.read() as session:
        parts = _parts(kind, req, session, ids, "check")
        if session.get(Assignment, parts.key(kind)) is None:
            raise _no_grant(parts)


def create_grant(kind: Kind, req: Request, ids: dict[str, str]) -> None:
    """204, also if the role was there already."""
    with writing(req, "role assignment") as session:
        parts = _parts(kind, req, session, ids, "create")
        _check_role_fits(session, kind, parts)
        actor_id, target_id, role_id, target_type, inherited = parts.key(kind)
        if session.get(Assignment, parts.key(kind)) is None:
            session.add(
                Assignment(
                    actor_id=actor_id,
                    actor_type=kind.actor,
                    target_id=target_id,
                    target_type=target_type,
                    role_id=role_id,
                    inherited=inherited,
                )
            )


def revoke_grant(kind: Kind, req: Request, ids: dict[str, str]) -> None:
    """204; tokens lose the role at once. 404 if there was none."""
    with writing(req, "role assignment") as session:
        parts = _parts(kind, req, session, ids, "revoke")
        row = session.get(Assignment, parts.key(kind))
        if row is None:
            raise _no_grant(parts)
        session.delete(row)


KINDS = (
    *(
        Kind(target, actor, inherited)
        for inherited in (False, True)
        for target in ("project", "domain")
        for actor in ("user", "group")
    ),
    Kind("system", "user"),
    Kind("system", "group"),
)

# (method, whether a role stands in the path, what is done, success status)
CALLS = (
    ("GET", False, list_grants, 200),
    ("GET", True, check_grant, 204),
    ("PUT", True, create_grant, 204),
    ("DELETE", True, revoke_grant, 204),
)


def routes() -> Iterator[Route]:
    for kind in KINDS:
        for method, has_role, call, status in CALLS:
            path = kind.base + ("/{role_id}" if has_role else "") + kind.tail
            handler = _handler(kind, call)
            yield Route(method, path, handler, SIGNED_IN, status=status, summary=_summary(kind, call))


def _handler(kind: Kind, call: Callable[..., Any]) -> Callable[..., Any]:
    def handler(req: Request, **ids: str) -> Any:
        return call(kind, req, ids)

    handler.__name__ = f"{call.__name__}_of_{kind.actor}_on_{kind.target}"
    handler.__doc__ = call.__doc__
    return handler


def _summary(kind: Kind, call: Callable[..., Any]) -> str:
    verb = call.__name__.partition("_")[0]
    what = "inherited role" if kind.inherited else "role"
    return f"{verb.capitalize()} a {kind.actor}'s {what} on a {kind.target}"


def _parts(kind: Kind, req: Request, session: Session, ids: dict[str, str], action: str) -> Parts:
    """What the path names, once the rule allows the action on it; NotFound for what does not exist."""
    actor_id = ids[f"{kind.actor}_id"]
    actor: Any = session.get(User if kind.actor == "user" else Group, actor_id)
    target = None if kind.target == "system" else session.get(Project, ids[f"{kind.target}_id"])
    if kind.target == "domain" and target is not None and not target.is_domain:
        target = None
    role = session.get(Role, ids["role_id"]) if "role_id" in ids else None
    req.authorize(kind.rule(action), _policy_target(actor, target, role))
    if kind.target != "system" and target is None:
        raise missing(kind.target, ids[f"{kind.target}_id"])
    if actor is None:
        raise missing(kind.actor, actor_id)
    if "role_id" in ids and role is None:
        raise missing("role", ids["role_id"])
    return Parts(actor, SYSTEM if target is None else target.id, role)


def _policy_target(actor: User | Group | None, target: Project | None, role: Role | None) -> dict[str, Any]:
    values = {
        "target.actor.domain_id": actor.domain_id if actor else None,
        "target.domain_id": (target.domain_id or target.id) if target else None,
        "target.role.name": role.name if role and role.domain_id == NO_DOMAIN else None,
    }
    return {name: value for name, value in values.items() if value is not None}


def _check_role_fits(session: Session, kind: Kind, parts: Parts) -> None:
    """A role of one domain is for the projects of that domain only."""
    role = parts.role
    if role is None or role.domain_id == NO_DOMAIN:
        return
    target = session.get(Project, parts.target_id)
    if kind.target == "system" or target is None or role.domain_id not in (target.domain_id, target.id):
        raise Forbidden(f"The role {role.id} belongs to domain {role.domain_id} and can be used in it only.")


def _no_grant(parts: Parts) -> NotFound:
    role_id = parts.role.id if parts.role else ""
    return NotFound(
        f"Could not find role assignment with role: {role_id}, user or group: {parts.actor.id}, "
        f"project, domain, or system: {parts.target_id}."
    )
