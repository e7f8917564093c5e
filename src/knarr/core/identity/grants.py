"""Who has which role where: direct assignments, those of groups, inherited ones, and what roles imply."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, Select, and_, or_, select
from sqlalchemy.orm import Session, aliased

from knarr.core.identity.models import (
    NO_DOMAIN,
    SYSTEM,
    Assignment,
    ImpliedRole,
    Membership,
    Project,
    Role,
)

# Roles imply one another in a chain of this length at most; a longer one is a circle.
MAX_DEPTH = 32


@dataclass(frozen=True)
class RoleBook:
    """All roles and what they imply, as read at one time. There are a handful, so they are read together."""

    names: dict[str, str]
    domains: dict[str, str]
    implied: dict[str, frozenset[str]] = field(default_factory=dict)

    @classmethod
    def read(cls, session: Session) -> RoleBook:
        rows = session.execute(select(Role.id, Role.name, Role.domain_id)).all()
        pairs = session.execute(select(ImpliedRole.prior_role_id, ImpliedRole.implied_role_id)).all()
        direct: dict[str, set[str]] = {}
        for prior, implied in pairs:
            direct.setdefault(prior, set()).add(implied)
        return cls(
            names={row.id: row.name for row in rows},
            domains={row.id: row.domain_id for row in rows},
            implied={prior: _closure(prior, direct) for prior in direct},
        )

    def expand(self, role_ids: set[str]) -> set[str]:
        """The roles and all that they imply, without those that belong to one domain (services know none
        of them).
        """
        everything = set(role_ids)
        for role_id in role_ids:
            everything |= self.implied.get(role_id, frozenset())
        return {role_id for role_id in everything if self.domains.get(role_id) == NO_DOMAIN}

    def view(self, role_ids: set[str]) -> list[dict[str, str]]:
        """[{id, name}] as it stands in a token, sorted by name."""
        return sorted(({"id": i, "name": self.names[i]} for i in role_ids), key=lambda role: role["name"])


def _closure(start: str, direct: dict[str, set[str]]) -> frozenset[str]:
    found: set[str] = set()
    edge = direct.get(start, set())
    while edge:
        found |= edge
        edge = {implied for role in edge for implied in direct.get(role, set())} - found
    return frozenset(found - {start})


def actors(user_id: str) -> Select[str]:
    """The groups of a user, as a subquery for `actor_id`; ids of users and groups never meet."""
    return select(Membership.group_id).where(Membership.user_id == user_id)


def held_by(user_id: str) -> ColumnElement[bool]:
    """The condition that an assignment is the user's own or one of a group that the user is in."""
    return or_(Assignment.actor_id == user_id, Assignment.actor_id.in_(actors(user_id)))


def on_project(
    session: Session, user_id: str, project_id: str, parent_id: str | None, domain_id: str
) -> set[str]:
    """The ids of the user's assigned roles on a project, inherited ones included."""
    above = ancestors(session, project_id, parent_id, domain_id)
    direct = and_(
        Assignment.target_type == "project",
        Assignment.target_id == project_id,
        Assignment.inherited.is_(False),
    )
    inherited = and_(Assignment.target_id.in_([project_id, *above]), Assignment.inherited.is_(True))
    stmt = select(Assignment.role_id).where(held_by(user_id), or_(direct, inherited))
    rows = session.execute(stmt.add_columns(Assignment.target_id, Assignment.inherited)).all()
    # What a project hands down holds below it, not on itself.
    return {row.role_id for row in rows if not (row.inherited and row.target_id == project_id)}


def on_domain(session: Session, user_id: str, domain_id: str) -> set[str]:
    """The ids of the user's assigned roles on a domain."""
    return _on(session, user_id, "domain", domain_id)


def on_system(session: Session, user_id: str) -> set[str]:
    """The ids of the user's assigned roles on the deployment as a whole."""
    return _on(session, user_id, "system", SYSTEM)


def _on(session: Session, user_id: str, target_type: str, target_id: str) -> set[str]:
    stmt = select(Assignment.role_id).where(
        held_by(user_id),
        Assignment.target_type == target_type,
        Assignment.target_id == target_id,
        Assignment.inherited.is_(False),
    )
    return set(session.scalars(stmt))


def ancestors(session: Session, project_id: str, parent_id: str | None, domain_id: str) -> list[str]:
    """The ids of all projects above one, its domain included, from one query (none for a top-level
    project).
    """
    if parent_id in (None, domain_id):
        return [domain_id] if domain_id else []
    chain = select(Project.id, Project.parent_id).where(Project.id == parent_id).cte("chain", recursive=True)
    above = aliased(Project)
    chain = chain.union_all(select(above.id, above.parent_id).where(above.id == chain.c.parent_id))
    return list(dict.fromkeys([*session.scalars(select(chain.c.id)), domain_id]))


def projects_of(user_id: str) -> Select[str]:
    """The ids of projects on which the user has a role by assignment on the project, as a subquery."""
    return select(Assignment.target_id).where(
        held_by(user_id), Assignment.target_type == "project", Assignment.inherited.is_(False)
    )


def domains_of(user_id: str) -> Select[str]:
    """The ids of domains on which the user has a role, as a subquery."""
    return select(Assignment.target_id).where(
        held_by(user_id), Assignment.target_type == "domain", Assignment.inherited.is_(False)
    )


def handed_down_to(user_id: str) -> Select[str]:
    """The ids of projects and domains from which the user inherits a role on what lies below, as a
    subquery.
    """
    return select(Assignment.target_id).where(held_by(user_id), Assignment.inherited.is_(True))
