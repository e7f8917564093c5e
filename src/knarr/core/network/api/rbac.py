"""RBAC policies: entries that let a project, or all, use an object of another's."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, sharing
from knarr.core.network.api.addressgroups import ADDRESS_GROUPS
from knarr.core.network.api.addressscopes import SCOPES
from knarr.core.network.api.groups import GROUPS
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.api.qos import POLICIES
from knarr.core.network.api.subnetpools import POOLS
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import (
    FloatingIp,
    Network,
    Port,
    PortGroup,
    Rbac,
    Router,
    RouterPort,
    Rule,
    Subnet,
    SubnetPool,
)
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.errors import Forbidden
from knarr.kernel.request import Request

OBJECTS = {
    "address_group": ADDRESS_GROUPS,
    "address_scope": SCOPES,
    "network": NETWORKS,
    "qos_policy": POLICIES,
    "security_group": GROUPS,
    "subnetpool": POOLS,
}
FLAGS = {sharing.SHARED: "shared", sharing.EXTERNAL: "external"}


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    return or_(Rbac.project_id == ctx.project_id, Rbac.target_project == ctx.project_id)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    return [
        {
            "id": row.id,
            "project_id": row.project_id,
            "tenant_id": row.project_id,
            "object_type": row.object_type,
            "object_id": row.object_id,
            "action": row.action,
            "target_tenant": row.target_project,
        }
        for row in rows
    ]


ENTRIES = resources.Resource(
    singular="rbac_policy",
    plural="rbac-policies",
    model=Rbac,
    views=views,
    not_found="RbacPolicyNotFound",
    visible=visible,
    standard=False,
    sortable=("project_id", "object_type", "object_id", "action", "target_project"),
    aliases={"target_tenant": "target_project"},
    filters={
        **{
            name: resources.equals(getattr(Rbac, name))
            for name in ("id", "project_id", "object_type", "object_id", "action")
        },
        "tenant_id": resources.equals(Rbac.project_id),
        "target_tenant": resources.equals(Rbac.target_project),
        "target_project_id": resources.equals(Rbac.target_project),
    },
)


def list_entrys(req: Request) -> dict[str, Any]:
    return resources.list_all(req, ENTRIES)


def show_entry(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, ENTRIES, ident)


def create_entry(req: Request) -> dict[str, Any]:
    def make() -> list[str]:
        with req.db.write() as session:
            return [_create(req, session, body) for body in resources.bodies(req)]

    return resources.created(req, ENTRIES, ipam.race(make))


def _create(req: Request, session: Session, body: Any) -> str:
    project_id = resources.owner(req, body)
    target = _target(body)
    _authorize(req, "create_rbac_policy", project_id, target)
    if body.action == sharing.EXTERNAL and (body.object_type != "network" or not req.ctx.is_admin):
        raise invalid("'action' access_as_external is for networks, by administrators")
    thing = OBJECTS[body.object_type].load(session, req.ctx, body.object_id, lock=True)
    if thing.project_id != req.ctx.project_id and not req.ctx.is_admin:
        raise fault(OBJECTS[body.object_type].not_found, id=body.object_id)
    row = {
        "id": new_id(),
        "project_id": project_id,
        "object_type": body.object_type,
        "object_id": thing.id,
        "action": body.action,
        "target_project": target,
    }
    same = (Rbac.object_id == thing.id, Rbac.action == body.action, Rbac.target_project == target)
    if session.scalar(select(Rbac.id).where(*same)):
        raise fault("DuplicateRbacPolicy", id=thing.id, action=body.action, target=target)
    resources.charge(req, session, project_id, rbac_policy=1)
    session.execute(insert(Rbac), [row])
    _flag(session, row["object_type"], row["object_id"], row["action"], target, True)
    return str(row["id"])


def _target(body: Any) -> str:
    asked = {value for value in (body.target_tenant, body.target_project_id) if value}
    if len(asked) != 1:
        raise invalid("give one 'target_tenant', the id of a project or *")
    return str(asked.pop())


def _authorize(req: Request, rule: str, project_id: str, target: str) -> None:
    aim = resources.target(project_id)
    req.authorize(rule, aim)
    if target == sharing.ALL and not req.allows(f"{rule}:target_tenant", aim):
        raise Forbidden(f"Policy doesn't allow 'target_tenant' to be * ({rule}:target_tenant).")


def _flag(session: Session, kind: str, ident: str, action: str, target: str, on: bool) -> None:
    """Keep the object's flag as the entry for all says."""
    model = OBJECTS[kind].model
    if target == sharing.ALL and hasattr(model, FLAGS[action]):
        session.execute(update(model).where(model.id == ident).values({FLAGS[action]: on}))


def update_entry(req: Request, ident: str) -> dict[str, Any]:
    target = _target(req.body)

    def change() -> None:
        with req.db.write() as session:
            row = ENTRIES.load(session, req.ctx, ident, lock=True)
            _authorize(req, "update_rbac_policy", row.project_id, target)
            if target == row.target_project:
                return
            same = (Rbac.object_id == row.object_id, Rbac.action == row.action)
            if session.scalar(select(Rbac.id).where(*same, Rbac.target_project == target)):
                raise fault("DuplicateRbacPolicy", id=row.object_id, action=row.action, target=target)
            session.execute(update(Rbac).where(Rbac.id == ident).values(target_project=target))
            _check_unused(session, row)
            _flag(session, row.object_type, row.object_id, row.action, row.target_project, False)
            _flag(session, row.object_type, row.object_id, row.action, target, True)

    ipam.race(change)
    return resources.show_one(req, ENTRIES, ident)


def delete_entry(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = ENTRIES.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_rbac_policy", resources.target(row.project_id))
        session.execute(delete(Rbac).where(Rbac.id == ident))
        _check_unused(session, row)
        _flag(session, row.object_type, row.object_id, row.action, row.target_project, False)
        resources.charge(req, session, row.project_id, rbac_policy=-1)


def _check_unused(session: Session, row: Any) -> None:
    """Raise 409 RbacPolicyInUse if somebody uses the object by this entry, which is gone by now, alone."""
    users = set(session.scalars(_users(row)))
    owner = session.scalar(
        select(OBJECTS[row.object_type].model.project_id).where(
            OBJECTS[row.object_type].model.id == row.object_id
        )
    )
    left = set(
        session.scalars(
            select(Rbac.target_project).where(Rbac.object_id == row.object_id, Rbac.action == row.action)
        )
    )
    if sharing.ALL in left:
        return
    others = users - left - {owner, ""}
    lost = others if row.target_project == sharing.ALL else others & {row.target_project}
    if lost:
        raise fault("RbacPolicyInUse", id=row.object_id, users=", ".join(sorted(lost)))


def _users(row: Any) -> Any:
    """The projects that use the object."""
    ident = row.object_id
    if row.action == sharing.EXTERNAL:
        gateways = (RouterPort.network_id == ident, RouterPort.gateway.is_(True))
        routed = select(Router.project_id).join(RouterPort, RouterPort.router_id == Router.id)
        floating = select(FloatingIp.project_id).where(FloatingIp.floating_network_id == ident)
        return routed.where(*gateways).union(floating)
    return {
        "network": select(Port.project_id).where(Port.network_id == ident).distinct(),
        "qos_policy": select(Port.project_id)
        .where(Port.qos_policy_id == ident)
        .union(select(Network.project_id).where(Network.qos_policy_id == ident)),
        "security_group": select(Port.project_id)
        .join(PortGroup, PortGroup.port_id == Port.id)
        .where(PortGroup.group_id == ident)
        .union(select(Rule.project_id).where(Rule.remote_group_id == ident)),
        "address_scope": select(SubnetPool.project_id).where(SubnetPool.address_scope_id == ident),
        "address_group": select(Rule.project_id).where(Rule.remote_address_group_id == ident),
        "subnetpool": select(Subnet.project_id).where(Subnet.subnetpool_id == ident),
    }[row.object_type]
