"""Projects: /v3/projects, their tree and their tags."""

from __future__ import annotations

from typing import Any

import orjson
from msgspec import UNSET
from sqlalchemy import Select, Text, and_, delete, or_, select, type_coerce, update
from sqlalchemy.orm import Session, aliased

from knarr.core.identity import grants
from knarr.core.identity.api.common import (
    View,
    add,
    apply,
    check_domain,
    domain_for,
    flag,
    in_visible_domain,
    keep_extra,
    linked,
    listed,
    load,
    matching,
    missing,
    one,
    refuse_duplicate,
    writing,
)
from knarr.core.identity.models import (
    ApplicationCredential,
    Assignment,
    Credential,
    EndpointFilter,
    Limit,
    Project,
    Trust,
    User,
)
from knarr.core.identity.options import IMMUTABLE, check_may_change, check_may_delete, merged
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Forbidden
from knarr.kernel.web import Request

# Upstream's max_project_tree_depth: a domain, and five projects under one another.
MAX_DEPTH = 5

FILTERS = {
    "id": Project.id,
    "name": Project.name,
    "domain_id": Project.domain_id,
    "parent_id": Project.parent_id,
    "enabled": Project.enabled,
    "is_domain": Project.is_domain,
    "description": Project.description,
}


def view(req: Request, project: Project) -> View:
    body: View = {
        **(project.extra or {}),
        "id": project.id,
        "name": project.name,
        "domain_id": project.domain_id or None,
        "parent_id": project.parent_id,
        "is_domain": project.is_domain,
        "enabled": project.enabled,
        "description": project.description,
        "tags": project.tags,
        "options": project.options,
    }
    return linked(req, body, "projects", project.id)


def list_projects(req: Request) -> View:
    stmt = with_tags(matching(select(Project), req, FILTERS), req)
    stmt = in_visible_domain(req, stmt, "identity:list_projects", Project.domain_id)
    if "is_domain" not in req.params:
        stmt = stmt.where(Project.is_domain.is_(False))
    return listed(req, "projects", stmt, Project, view)


def show_project(req: Request, project_id: str) -> View:
    """{project}, with its parents or what is below it if asked (`parents_as_ids`, `subtree_as_list` …)."""
    with req.db.read() as session:
        project = found(req, session, project_id, "identity:get_project")
        body = view(req, project)
        for what in ("parents", "subtree"):
            if flag(req, f"{what}_as_list") and flag(req, f"{what}_as_ids"):
                raise BadRequest(f"{what}_as_list and {what}_as_ids cannot be asked for at once.")
        if flag(req, "parents_as_list"):
            body["parents"] = [{"project": view(req, row)} for row in _above(session, project)]
        elif flag(req, "parents_as_ids"):
            body["parents"] = _nest([row.id for row in _above(session, project)])
        if flag(req, "subtree_as_list"):
            body["subtree"] = [{"project": view(req, row)} for row in below(session, project.id)]
        elif flag(req, "subtree_as_ids"):
            body["subtree"] = _tree(project.id, below(session, project.id)) or None
    return {"project": body}


def create_project(req: Request) -> View:
    """201 {project}; below `parent_id`, else at the top of its domain."""
    body = req.body
    parent_id = body.parent_id if isinstance(body.parent_id, str) else None
    domain_id = _domain_of_new(req, parent_id)
    req.authorize("identity:create_project", {"target.project.domain_id": domain_id})
    with writing(req, "project") as session:
        check_domain(session, domain_id)
        if parent_id is not None:
            _check_parent(session, parent_id)
        refuse_duplicate(session, Project, "project", body.name, domain_id)
        project = Project(
            name=body.name,
            domain_id=domain_id,
            parent_id=parent_id or domain_id,
            enabled=body.enabled,
            description=body.description or "",
            tags=list(dict.fromkeys(body.tags)),
            options=merged({}, body.options),
        )
        add(req, session, project, body, view)
    return {"project": view(req, project)}


def update_project(req: Request, project_id: str) -> View:
    """200 {project}. Disabling revokes all tokens for it; 403 while a project below it is enabled."""
    body = req.body
    with req.db.read() as session:
        found(req, session, project_id, "identity:update_project")
    with writing(req, "project") as session:
        project = load(session, Project, project_id, "project")
        shown = view(req, project)
        check_may_change("project", project, body)
        for name in ("domain_id", "parent_id", "is_domain"):
            value = getattr(body, name)
            if value is not UNSET and value != shown[name]:
                raise BadRequest(f"{name} cannot be changed.")
        if body.name is not UNSET:
            refuse_duplicate(session, Project, "project", body.name, project.domain_id, but=project.id)
        if body.enabled is not UNSET and body.enabled != project.enabled:
            _check_switch(session, project, body.enabled)
        change(project, body)
        keep_extra(project, body, shown)
    return {"project": view(req, project)}


def delete_project(req: Request, project: Project) -> None:
    """403 while there are projects below it."""
    check_may_delete("project", project)
    with writing(req, "project") as session:
        check_leaf(session, project.id)
        forget_projects(session, [project.id])


def check_leaf(session: Session, project_id: str) -> None:
    if session.scalar(select(Project.id).where(Project.parent_id == project_id).limit(1)):
        raise Forbidden(
            f"Cannot delete the project {project_id} since it is not a leaf in the hierarchy: "
            "delete the projects below it first."
        )


# Tags


def list_tags(req: Request, project_id: str) -> View:
    with req.db.read() as session:
        project = found(req, session, project_id, "identity:list_project_tags")
    return linked(req, {"tags": project.tags}, "projects", project_id, "tags")


def replace_tags(req: Request, project_id: str) -> View:
    with writing(req, "project") as session:
        project = found(req, session, project_id, "identity:update_project_tags")
        _check_tags_may_change(project)
        project.tags = list(dict.fromkeys(req.body.tags))
    return linked(req, {"tags": project.tags}, "projects", project_id, "tags")


def delete_tags(req: Request, project_id: str) -> None:
    with writing(req, "project") as session:
        project = found(req, session, project_id, "identity:delete_project_tags")
        _check_tags_may_change(project)
        project.tags = []


def check_tag(req: Request, project_id: str, tag: str) -> None:
    with req.db.read() as session:
        project = found(req, session, project_id, "identity:get_project_tag")
    if tag not in project.tags:
        raise missing("project tag", tag)


def add_tag(req: Request, project_id: str, tag: str) -> None:
    if not tag or len(tag) > 255 or "," in tag or "/" in tag:
        raise BadRequest("tag must have 1 to 255 characters, none of them a comma or a slash.")
    with writing(req, "project") as session:
        project = found(req, session, project_id, "identity:create_project_tag")
        _check_tags_may_change(project)
        if tag not in project.tags:
            if len(project.tags) >= 80:
                raise BadRequest("A project can have 80 tags at most.")
            project.tags = [*project.tags, tag]


def delete_tag(req: Request, project_id: str, tag: str) -> None:
    with writing(req, "project") as session:
        project = found(req, session, project_id, "identity:delete_project_tag")
        _check_tags_may_change(project)
        if tag not in project.tags:
            raise missing("project tag", tag)
        project.tags = [kept for kept in project.tags if kept != tag]


def _check_tags_may_change(project: Project) -> None:
    if project.options.get(IMMUTABLE):
        raise Forbidden(f"Cannot change the tags of immutable project {project.id}.")


# What other modules need of projects


def found(req: Request, session: Session, project_id: str, rule: str) -> Project:
    """The project, once the rule allows it: who may not see projects cannot tell which exist."""
    project = session.get(Project, project_id)
    req.authorize(rule, {} if project is None else target(project))
    if project is None:
        raise missing("project", project_id)
    return project


def target(project: Project) -> dict[str, Any]:
    """A domain is in none: who manages what is in it does not manage itself."""
    own = {"target.project.id": project.id}
    return own if project.is_domain else {**own, "target.project.domain_id": project.domain_id}


def change(project: Project, body: Any) -> None:
    """Take over what a body may change of a project or domain."""
    was_enabled = project.enabled
    apply(project, body, ("name", "enabled", "description"))
    project.description = project.description or ""
    if body.tags is not UNSET:
        project.tags = list(dict.fromkeys(body.tags))
    project.options = merged(project.options, body.options)
    if was_enabled and not project.enabled:
        project.tokens_valid_from = utcnow()


def with_tags(stmt: Select[Any], req: Request) -> Select[Any]:
    """Narrowed by `tags` (all of them), `tags-any`, `not-tags` and `not-tags-any`, as lists with commas."""
    asked = {
        name: [_has_tag(tag) for tag in (one(req, name) or "").split(",") if tag]
        for name in ("tags", "tags-any", "not-tags", "not-tags-any")
    }
    if asked["tags"]:
        stmt = stmt.where(and_(*asked["tags"]))
    if asked["tags-any"]:
        stmt = stmt.where(or_(*asked["tags-any"]))
    if asked["not-tags"]:
        stmt = stmt.where(~and_(*asked["not-tags"]))
    if asked["not-tags-any"]:
        stmt = stmt.where(~or_(*asked["not-tags-any"]))
    return stmt


def may_enter(session: Session, user_id: str) -> list[Project]:
    """The enabled projects on which the user has a role, directly, by a group, or handed down from above."""
    domain = aliased(Project)
    from_above = grants.handed_down_to(user_id)
    lower = select(Project.id).where(Project.parent_id.in_(from_above)).cte(recursive=True)
    child = aliased(Project)
    lower = lower.union_all(select(child.id).where(child.parent_id == lower.c.id))
    stmt = (
        select(Project)
        .join(domain, domain.id == Project.domain_id)
        .where(
            and_(Project.enabled.is_(True), domain.enabled.is_(True)),
            or_(
                Project.id.in_(grants.projects_of(user_id)),
                Project.domain_id.in_(from_above),
                Project.id.in_(select(lower.c.id)),
            ),
        )
    )
    return list(session.scalars(stmt.order_by(Project.name)))


def below(session: Session, project_id: str) -> list[Project]:
    """All projects below one, from one query."""
    tree = select(Project.id).where(Project.parent_id == project_id).cte("tree", recursive=True)
    child = aliased(Project)
    tree = tree.union_all(select(child.id).where(child.parent_id == tree.c.id))
    return list(session.scalars(select(Project).where(Project.id.in_(select(tree.c.id)))))


def forget_projects(session: Session, project_ids: list[str]) -> None:
    """Delete projects or domains with the roles on them, and all that is for them alone."""
    session.execute(delete(Assignment).where(Assignment.target_id.in_(project_ids)))
    for model in (ApplicationCredential, Credential, Trust, EndpointFilter):
        session.execute(delete(model).where(model.project_id.in_(project_ids)))
    defaults = update(User).where(User.default_project_id.in_(project_ids))
    session.execute(defaults.values(default_project_id=None))
    session.execute(
        delete(Limit).where(or_(Limit.project_id.in_(project_ids), Limit.domain_id.in_(project_ids)))
    )
    session.execute(delete(Project).where(Project.id.in_(project_ids)))


def _has_tag(tag: str) -> Any:
    # Tags stand as a JSON list; a tag in its quotes is found in that text and nowhere else.
    return type_coerce(Project.tags, Text).contains(orjson.dumps(tag).decode(), autoescape=True)


def _domain_of_new(req: Request, parent_id: str | None) -> str:
    """The domain of a new project: its parent's, which the body must not contradict."""
    asked = req.body.domain_id
    if parent_id is None:
        return domain_for(req, asked)
    with req.db.read() as session:
        parent = session.get(Project, parent_id)
    if parent is None:
        if not req.allows("identity:list_projects", {}):
            raise Forbidden(
                "You are not authorized to perform the requested action: identity:create_project."
            )
        raise missing("project", parent_id)
    domain_id = parent.domain_id or parent.id
    if isinstance(asked, str) and asked != domain_id:
        raise BadRequest("domain_id must be the domain of the parent project.")
    return domain_id


def _check_parent(session: Session, parent_id: str) -> None:
    parent = load(session, Project, parent_id, "project")
    if not parent.enabled:
        raise Forbidden(f"Cannot create a project below {parent_id}, which is disabled.")
    if parent.is_domain:
        return
    depth = len(grants.ancestors(session, parent.id, parent.parent_id, parent.domain_id)) + 1
    if depth > MAX_DEPTH:
        raise Forbidden(f"Max hierarchy depth reached: projects nest {MAX_DEPTH} deep at most.")


def _check_switch(session: Session, project: Project, enable: bool) -> None:
    """A tree is enabled from the top and disabled from the bottom."""
    if enable and not project.is_domain:
        above = grants.ancestors(session, project.id, project.parent_id, project.domain_id)
        stmt = select(Project.id).where(Project.id.in_(above), Project.enabled.is_(False))
        if session.scalar(stmt.limit(1)):
            raise Forbidden(f"Cannot enable project {project.id} since it has disabled parents.")
    if not enable and any(row.enabled for row in below(session, project.id)):
        raise Forbidden(f"Cannot disable project {project.id} since its subtree contains enabled projects.")


def _above(session: Session, project: Project) -> list[Project]:
    """The projects above one, the nearest first, the domain last."""
    if project.is_domain:
        return []
    ids = grants.ancestors(session, project.id, project.parent_id, project.domain_id)
    rows = {row.id: row for row in session.scalars(select(Project).where(Project.id.in_(ids)))}
    chain, at = [], project.parent_id
    while at in rows:
        chain.append(rows[at])
        at = rows[at].parent_id
    return chain


def _nest(ids: list[str]) -> dict[str, Any] | None:
    nested: dict[str, Any] | None = None
    for ident in reversed(ids):
        nested = {ident: nested}
    return nested


def _tree(root: str, rows: list[Project]) -> dict[str, Any]:
    children: dict[str | None, list[str]] = {}
    for row in rows:
        children.setdefault(row.parent_id, []).append(row.id)

    def grow(ident: str) -> dict[str, Any]:
        return {child: grow(child) or None for child in children.get(ident, [])}

    return grow(root)
