"""Security groups, and the default one that every project has."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, func, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import defaultrules, ipam, resources, sharing, sync
from knarr.core.network.errors import fault
from knarr.core.network.models import DefaultGroup, PortGroup, Rbac, Rule, SecurityGroup, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

DEFAULT = "default"
KIND = "security_group"


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    from knarr.core.network.api.rules import rule_view

    ids = [row.id for row in rows]
    stmt = select(*Rule.__table__.columns).where(Rule.security_group_id.in_(ids)).order_by(Rule.created_at)
    by_group: dict[str, list[dict[str, Any]]] = {}
    for rule in session.execute(stmt):
        by_group.setdefault(rule.security_group_id, []).append(rule_view(rule, {}))
    tags = resources.tags_of(session, ids)
    shared = sharing.entries_seen(session, req.ctx, ids)
    return [
        {
            **resources.standard_view(row, tags),
            "name": row.name,
            "stateful": row.stateful,
            "shared": row.id in shared,
            "security_group_rules": by_group.get(row.id, []),
        }
        for row in rows
    ]


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(SecurityGroup, KIND, ctx.project_id)
    everybody = sharing.granted(SecurityGroup, KIND, sharing.ALL)
    return or_(SecurityGroup.project_id == ctx.project_id, granted, everybody)


GROUPS = resources.Resource(
    singular="security_group",
    plural="security-groups",
    model=SecurityGroup,
    views=views,
    not_found="SecurityGroupNotFound",
    visible=visible,
    sortable=("name", "stateful"),
    filters={
        **resources.standard_filters(SecurityGroup),
        "name": resources.equals(SecurityGroup.name),
        "stateful": resources.is_true(SecurityGroup.stateful),
        "shared": lambda name, values: resources.chosen(
            sharing.granted(SecurityGroup, KIND, sharing.ALL), name, values
        ),
    },
)


def ensure_default(session: Session, req: Request, project_id: str) -> str:
    """The id of the project's default group, made now if it is not there."""
    found = session.scalar(select(DefaultGroup.group_id).where(DefaultGroup.project_id == project_id))
    if found:
        return found
    values = {"name": DEFAULT, "description": "Default security group"}
    group_id = _insert(req, session, project_id, values, default=True)
    session.execute(insert(DefaultGroup), [{"project_id": project_id, "group_id": group_id}])
    return group_id


def _insert(
    req: Request, session: Session, project_id: str, values: dict[str, Any], default: bool = False
) -> str:
    """The group with the rules that new ones begin with."""
    group_id = new_id()
    rules = defaultrules.rules_for(session, project_id, group_id, default)
    resources.charge(req, session, project_id, security_group=1, security_group_rule=len(rules))
    session.execute(insert(SecurityGroup), [{"id": group_id, "project_id": project_id, **values}])
    if rules:
        session.execute(insert(Rule), rules)
    return group_id


def make_default(req: Request) -> None:
    """Give the caller's project its default group, in a transaction of its own, if it has none."""
    project_id = req.ctx.project_id
    if not project_id:
        return
    with req.db.read() as session:
        if session.scalar(select(DefaultGroup.group_id).where(DefaultGroup.project_id == project_id)):
            return

    def make() -> None:
        with req.db.write() as session:
            ensure_default(session, req, project_id)

    ipam.race(make)


def list_groups(req: Request) -> dict[str, Any]:
    make_default(req)
    return resources.list_all(req, GROUPS)


def show_group(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, GROUPS, ident)


def create_group(req: Request) -> dict[str, Any]:
    make_default(req)
    plans = []
    for body in resources.bodies(req):
        project_id = resources.owner(req, body)
        req.authorize("create_security_group", resources.target(project_id))
        if _is_reserved(body.name):
            raise fault("SecurityGroupDefaultAlreadyExists")
        plans.append((project_id, resources.given(body, ("name", "description", "stateful"))))
    defaults = {"name": "", "description": "", "stateful": True}
    ids = []
    with req.db.write() as session:
        for project_id, values in plans:
            ids.append(_insert(req, session, project_id, {**defaults, **values}))
    return resources.created(req, GROUPS, ids)


def _is_reserved(name: Any) -> bool:
    return isinstance(name, str) and name.lower() == DEFAULT


def is_default(session: Session, group_id: str) -> bool:
    stmt = select(DefaultGroup.project_id).where(DefaultGroup.group_id == group_id)
    return session.scalar(stmt) is not None


def update_group(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    with req.db.write() as session:
        row = GROUPS.load(session, req.ctx, ident, lock=True)
        req.authorize("update_security_group", resources.target(row.project_id))
        resources.check_revision(req, row)
        values = resources.given(body, ("name", "description", "stateful"))
        if values.get("name", row.name) != row.name:
            if is_default(session, ident):
                raise fault("SecurityGroupCannotUpdateDefault")
            if _is_reserved(values["name"]):
                raise fault("SecurityGroupDefaultAlreadyExists")
        stateful = values.get("stateful", row.stateful)
        if stateful != row.stateful and _ports(session, ident):
            raise fault("SecurityGroupInUse", id=ident, why="ports have it, so 'stateful' cannot change")
        session.execute(
            update(SecurityGroup).where(SecurityGroup.id == ident).values(**resources.touched(row, **values))
        )
    return resources.show_one(req, GROUPS, ident)


def _ports(session: Session, group_id: str) -> list[str]:
    return list(session.scalars(select(PortGroup.port_id).where(PortGroup.group_id == group_id).limit(3)))


def delete_group(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = GROUPS.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_security_group", resources.target(row.project_id))
        resources.check_revision(req, row)
        ports = _ports(session, ident)
        if ports:
            raise fault("SecurityGroupInUse", id=ident, why=f"ports have it, {', '.join(ports)} among them")
        if is_default(session, ident) and not req.ctx.is_admin:
            raise fault("SecurityGroupCannotRemoveDefault")
        _remove(session, req, row)


def _remove(session: Session, req: Request, row: Any) -> None:
    """Also drops the rules of other groups that name this one as remote, as Neutron does."""
    mentions = (Rule.security_group_id == row.id) | (Rule.remote_group_id == row.id)
    named = session.execute(
        select(Rule.project_id, func.count()).where(mentions).group_by(Rule.project_id)
    ).all()
    others = session.scalars(
        select(Rule.security_group_id).where(Rule.remote_group_id == row.id).distinct()
    ).all()
    for project_id, count in sorted(named, key=lambda pair: pair[0]):
        resources.charge(req, session, project_id, security_group_rule=-count)
    resources.charge(req, session, row.project_id, security_group=-1)
    session.execute(delete(Tag).where(Tag.resource_id == row.id))
    session.execute(delete(Rbac).where(Rbac.object_id == row.id))
    session.execute(delete(Rule).where(mentions))
    session.execute(delete(DefaultGroup).where(DefaultGroup.group_id == row.id))
    session.execute(delete(SecurityGroup).where(SecurityGroup.id == row.id))
    for group_id in sorted({row.id, *others}):
        sync.group(session, req, group_id)
