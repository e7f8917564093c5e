"""All role assignments:

GET /v3/role_assignments, as they were made or (`effective`) as they work out for users.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from sqlalchemy import Select, and_, false, or_, select
from sqlalchemy.orm import Session

from knarr.core.identity import grants
from knarr.core.identity.api import projects
from knarr.core.identity.api.common import (
    View,
    collection,
    flag,
    identity,
    link,
    one,
    visible_domain,
)
from knarr.core.identity.grants import RoleBook
from knarr.core.identity.models import Assignment, Group, Membership, Project, User
from knarr.kernel.errors import BadRequest
from knarr.kernel.web import Request

INHERITED_TO = "scope.OS-INHERIT:inherited_to"


@dataclass(frozen=True)
class Row:
    """An assignment, or what one works out to. `via_group` names the group that it came from, `above` the
    kind and id of the target that handed it down, `prior_role` the role that implies this one.
    """

    actor_type: str
    actor_id: str
    target_type: str
    target_id: str
    role_id: str
    inherited: bool = False
    via_group: str | None = None
    above: tuple[str, str] | None = field(default=None, compare=False)
    prior_role: str | None = field(default=None, compare=False)


@dataclass(frozen=True)
class Wanted:
    """The filters of the query."""

    user: str | None
    group: str | None
    role: str | None
    project: str | None
    domain: str | None
    system: bool
    inherited: bool
    effective: bool
    names: bool
    subtree: bool

    @classmethod
    def of(cls, req: Request) -> Wanted:
        wanted = cls(
            user=one(req, "user.id"),
            group=one(req, "group.id"),
            role=one(req, "role.id"),
            project=one(req, "scope.project.id"),
            domain=one(req, "scope.domain.id"),
            system=one(req, "scope.system") is not None,
            inherited=one(req, INHERITED_TO) is not None,
            effective=flag(req, "effective"),
            names=flag(req, "include_names"),
            subtree=flag(req, "include_subtree"),
        )
        wanted.check()
        return wanted

    def check(self) -> None:
        if sum(map(bool, (self.project, self.domain, self.system))) > 1:
            raise BadRequest("Specify one of scope.project.id, scope.domain.id and scope.system only.")
        if self.user and self.group:
            raise BadRequest("Specify user.id or group.id, not both.")
        if self.effective and self.group:
            raise BadRequest("effective and group.id cannot be combined: groups are resolved to their users.")
        if self.subtree and not self.project:
            raise BadRequest("include_subtree needs scope.project.id.")


def list_assignments(req: Request) -> View:
    """{role_assignments: [{role, user|group, scope, links}]}; `include_names` adds names and domains."""
    wanted = Wanted.of(req)
    domain_id = visible_domain(req, "identity:list_role_assignments")
    with req.db.read() as session:
        rows = _rows(req, session, wanted)
        if domain_id is not None:
            rows = _within(session, rows, domain_id)
        names = Names.read(session, rows) if wanted.names else None
    views = [_view(req, row, names) for row in rows]
    return collection(req, "role_assignments", views, "role_assignments")


def _rows(req: Request, session: Session, wanted: Wanted) -> list[Row]:
    stmt = _on_targets(session, select(Assignment), wanted)
    if wanted.inherited:
        stmt = stmt.where(Assignment.inherited.is_(True))
    if not wanted.effective:
        actor = wanted.user or wanted.group
        stmt = stmt if actor is None else stmt.where(Assignment.actor_id == actor)
        stmt = stmt if wanted.role is None else stmt.where(Assignment.role_id == wanted.role)
    elif wanted.user:
        stmt = stmt.where(grants.held_by(wanted.user))
    rows = [
        Row(a.actor_type, a.actor_id, a.target_type, a.target_id, a.role_id, a.inherited)
        for a in session.scalars(stmt)
    ]
    if wanted.effective:
        rows = _effective(req, session, rows, wanted)
    return sorted(rows, key=lambda r: (r.target_type, r.target_id, r.actor_id, r.role_id, r.inherited))


def _on_targets(session: Session, stmt: Select[Any], wanted: Wanted) -> Select[Any]:
    if wanted.system:
        return stmt.where(Assignment.target_type == "system")
    if wanted.domain:
        stmt = stmt.where(Assignment.target_type == "domain", Assignment.target_id == wanted.domain)
        return stmt.where(Assignment.inherited.is_(False)) if wanted.effective else stmt
    if not wanted.project:
        return stmt
    project = session.get(Project, wanted.project)
    if project is None:
        return stmt.where(false())
    targets = _targets(session, project.id, wanted.subtree)
    here = and_(Assignment.target_type == "project", Assignment.target_id.in_(targets))
    if not wanted.effective:
        return stmt.where(here)
    above = grants.ancestors(session, project.id, project.parent_id, project.domain_id)
    return stmt.where(or_(here, and_(Assignment.target_id.in_(above), Assignment.inherited.is_(True))))


def _targets(session: Session, project_id: str, subtree: bool) -> set[str]:
    below = projects.below(session, project_id) if subtree else ()
    return {project_id, *(row.id for row in below)}


def _effective(req: Request, session: Session, rows: list[Row], wanted: Wanted) -> list[Row]:
    """Groups resolved to users, inherited roles to projects, and roles to all that they imply."""
    rows = _resolve_inherited(session, _resolve_groups(session, rows))
    book = identity(req).role_book()
    found: dict[Row, Row] = {}
    for row in rows:
        for role_id in book.expand({row.role_id}):
            if role_id == row.role_id:
                found[row] = row
            else:
                implied = replace(row, role_id=role_id, prior_role=row.role_id)
                found.setdefault(implied, implied)
    targets = _targets(session, wanted.project, wanted.subtree) if wanted.project else None
    return [
        row
        for row in found.values()
        if (targets is None or row.target_id in targets)
        and wanted.user in (None, row.actor_id)
        and wanted.role in (None, row.role_id)
    ]


def _resolve_groups(session: Session, rows: list[Row]) -> list[Row]:
    group_ids = {row.actor_id for row in rows if row.actor_type == "group"}
    members: dict[str, list[str]] = {}
    if group_ids:
        stmt = select(Membership.group_id, Membership.user_id).where(Membership.group_id.in_(group_ids))
        for group_id, user_id in session.execute(stmt):
            members.setdefault(group_id, []).append(user_id)
    direct = [row for row in rows if row.actor_type == "user"]
    resolved = [
        replace(row, actor_type="user", actor_id=user_id, via_group=row.actor_id)
        for row in rows
        if row.actor_type == "group"
        for user_id in members.get(row.actor_id, [])
    ]
    return direct + resolved


def _resolve_inherited(session: Session, rows: list[Row]) -> list[Row]:
    plain = [row for row in rows if not row.inherited]
    handed_down = [row for row in rows if row.inherited]
    if not handed_down:
        return plain
    parents = session.execute(select(Project.id, Project.parent_id).where(Project.is_domain.is_(False))).all()
    children: dict[str | None, list[str]] = {}
    for ident, parent in parents:
        children.setdefault(parent, []).append(ident)
    resolved = [
        replace(row, target_type="project", target_id=project_id, above=(row.target_type, row.target_id))
        for row in handed_down
        for project_id in _all_below(children, row.target_id)
    ]
    return plain + resolved


def _all_below(children: dict[str | None, list[str]], root: str) -> Iterable[str]:
    edge = list(children.get(root, []))
    while edge:
        ident = edge.pop()
        yield ident
        edge.extend(children.get(ident, []))


def _within(session: Session, rows: list[Row], domain_id: str) -> list[Row]:
    """The rows on a domain and on its projects: all that a domain's reader may see."""
    inside = set(session.scalars(select(Project.id).where(Project.domain_id == domain_id))) | {domain_id}
    return [row for row in rows if row.target_id in inside]


@dataclass(frozen=True)
class Names:
    """Names of all that a list speaks of, from one query per kind."""

    actors: dict[str, dict[str, Any]]
    projects: dict[str, dict[str, Any]]
    domains: dict[str, dict[str, Any]]

    @classmethod
    def read(cls, session: Session, rows: list[Row]) -> Names:
        domains = {
            row.id: {"id": row.id, "name": row.name}
            for row in session.execute(select(Project.id, Project.name).where(Project.is_domain.is_(True)))
        }
        actor_ids = {row.actor_id for row in rows}
        actors: dict[str, dict[str, Any]] = {}
        for model in (User, Group):
            stmt: Any = select(model.id, model.name, model.domain_id).where(model.id.in_(actor_ids))
            for actor in session.execute(stmt):
                actors[actor.id] = {
                    "id": actor.id,
                    "name": actor.name,
                    "domain": domains.get(actor.domain_id),
                }
        target_ids = {row.target_id for row in rows}
        stmt = select(Project.id, Project.name, Project.domain_id).where(Project.id.in_(target_ids))
        targets = {
            row.id: {"id": row.id, "name": row.name}
            | ({"domain": domains.get(row.domain_id)} if row.domain_id else {})
            for row in session.execute(stmt)
        }
        return cls(actors, targets, domains)


def _view(req: Request, row: Row, names: Names | None) -> View:
    actor: View = {"id": row.actor_id}
    target: View = {"id": row.target_id}
    role: View = {"id": row.role_id}
    if names is not None:
        actor = names.actors.get(row.actor_id, actor)
        target = names.projects.get(row.target_id, target)
        role |= _role_names(identity(req).role_book(), row.role_id, names)
    scope: View = {"system": {"all": True}} if row.target_type == "system" else {row.target_type: target}
    if row.inherited:
        scope["OS-INHERIT:inherited_to"] = "projects"
    links = {"assignment": _assignment_link(req, row)}
    if row.via_group:
        links["membership"] = link(req, "groups", row.via_group, "users", row.actor_id)
    return {"role": role, row.actor_type: actor, "scope": scope, "links": links}


def _role_names(book: RoleBook, role_id: str, names: Names) -> View:
    """A role of one domain shows it."""
    own: View = {"name": book.names.get(role_id)}
    domain = names.domains.get(book.domains.get(role_id, ""))
    return own | ({"domain": domain} if domain else {})


def _assignment_link(req: Request, row: Row) -> str:
    """Of the assignment that was made, whatever it works out to."""
    kind, ident = row.above or (row.target_type, row.target_id)
    where = ["system"] if kind == "system" else [f"{kind}s", ident]
    actor = ["groups", row.via_group] if row.via_group else [f"{row.actor_type}s", row.actor_id]
    parts = [*where, *actor, "roles", row.prior_role or row.role_id]
    if row.inherited:
        parts = ["OS-INHERIT", *parts, "inherited_to_projects"]
    return link(req, *parts)
