"""Networks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import floating, resources, sharing, sync
from knarr.core.network.api import qos
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Network, Port, Rbac, Subnet, SubnetPool, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

NETWORK_TYPE = "local"  # a bridge of its own on the host
ZONE = "nova"

SETTABLE = (
    "name",
    "description",
    "admin_state_up",
    "shared",
    "external",
    "is_default",
    "mtu",
    "port_security_enabled",
    "dns_domain",
)
GUARDED = {
    "shared": "shared",
    "external": "router:external",
    "is_default": "is_default",
    "network_type": "provider:network_type",
    "physical_network": "provider:physical_network",
    "segmentation_id": "provider:segmentation_id",
}


def open_to_all() -> ColumnElement[bool]:
    return or_(Network.shared.is_(True), Network.external.is_(True))


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(Network, "network", ctx.project_id, (sharing.SHARED, sharing.EXTERNAL))
    return or_(Network.project_id == ctx.project_id, open_to_all(), granted)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    stmt = (
        select(Subnet.network_id, Subnet.id, Subnet.ip_version, SubnetPool.address_scope_id)
        .outerjoin(SubnetPool, SubnetPool.id == Subnet.subnetpool_id)
        .where(Subnet.network_id.in_(ids))
        .order_by(Subnet.created_at)
    )
    subnets: dict[str, list[Any]] = {}
    for subnet in session.execute(stmt):
        subnets.setdefault(subnet.network_id, []).append(subnet)
    tags = resources.tags_of(session, ids)
    shared = sharing.seen_as_shared(session, req.ctx, rows, "network")
    provider = req.allows("get_network:provider:network_type")
    return [_view(row, subnets.get(row.id, []), tags, row.id in shared, provider) for row in rows]


def _view(
    row: Any, subnets: list[Any], tags: dict[str, list[str]], shared: bool, provider: bool
) -> dict[str, Any]:
    scopes = {subnet.ip_version: subnet.address_scope_id for subnet in subnets if subnet.address_scope_id}
    view = {
        **resources.standard_view(row, tags),
        "name": row.name,
        "admin_state_up": row.admin_state_up,
        "status": "ACTIVE" if row.admin_state_up else "DOWN",
        "shared": shared,
        "router:external": row.external,
        "mtu": row.mtu,
        "port_security_enabled": row.port_security_enabled,
        "subnets": [subnet.id for subnet in subnets],
        "ipv4_address_scope": scopes.get(4),
        "ipv6_address_scope": scopes.get(6),
        "qos_policy_id": row.qos_policy_id,
        "dns_domain": row.dns_domain or "",
        "availability_zones": [ZONE],
        "availability_zone_hints": [],
    }
    if row.external:
        view["is_default"] = row.is_default
    if provider:
        view["provider:network_type"] = NETWORK_TYPE
        view["provider:physical_network"] = None
        view["provider:segmentation_id"] = None
    return view


NETWORKS = resources.Resource(
    singular="network",
    plural="networks",
    model=Network,
    views=views,
    not_found="NetworkNotFound",
    visible=visible,
    sortable=("name", "admin_state_up", "shared", "mtu"),
    filters={
        **resources.standard_filters(Network),
        "name": resources.equals(Network.name),
        "admin_state_up": resources.is_true(Network.admin_state_up),
        "shared": resources.is_true(Network.shared),
        "router:external": resources.is_true(Network.external),
        "is_default": resources.is_true(Network.is_default),
        "port_security_enabled": resources.is_true(Network.port_security_enabled),
        "mtu": resources.number(Network.mtu),
        "dns_domain": resources.equals(Network.dns_domain),
        "qos_policy_id": resources.equals(Network.qos_policy_id),
        "status": lambda name, values: or_(
            False, *(Network.admin_state_up.is_(value == "ACTIVE") for value in values)
        ),
        "provider:network_type": resources.always(NETWORK_TYPE),
        "provider:physical_network": resources.always(""),
        "provider:segmentation_id": resources.always(""),
    },
)


def list_networks(req: Request) -> dict[str, Any]:
    return resources.list_all(req, NETWORKS)


def show_network(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, NETWORKS, ident)


def create_network(req: Request) -> dict[str, Any]:
    rows = [_new(req, body) for body in resources.bodies(req)]
    with req.db.write() as session:
        for project_id in sorted({row["project_id"] for row in rows}):
            count = sum(row["project_id"] == project_id for row in rows)
            resources.charge(req, session, project_id, network=count)
        _one_default(session, any(row["is_default"] for row in rows))
        for body, row in zip(resources.bodies(req), rows, strict=True):
            asked = qos.check_usable(session, req.ctx, body.qos_policy_id)
            default = qos.default_of(session, row["project_id"]) if body.qos_policy_id is UNSET else None
            row["qos_policy_id"] = asked or default
            _note_sharing(session, row["project_id"], row["id"], row)
        session.execute(insert(Network), rows)
    return resources.created(req, NETWORKS, [row["id"] for row in rows])


def _new(req: Request, body: Any) -> dict[str, Any]:
    project_id = resources.owner(req, body)
    resources.authorize(req, "create_network", body, GUARDED, resources.target(project_id))
    if body.network_type not in (UNSET, None, NETWORK_TYPE) or body.physical_network or body.segmentation_id:
        raise invalid(
            f"'provider:network_type' can only be '{NETWORK_TYPE}' here, "
            "without 'provider:physical_network' and 'provider:segmentation_id'"
        )
    if body.availability_zone_hints and set(body.availability_zone_hints) != {ZONE}:
        raise invalid(f"the only availability zone for 'availability_zone_hints' is '{ZONE}'")
    if body.is_default is True and body.external is not True:
        raise invalid("'is_default' is for external networks: set 'router:external' as well")
    defaults = {"is_default": False, "mtu": req.runtime.conf.network.mtu}
    blank: dict[str, Any] = {**dict.fromkeys(("name", "description"), ""), "dns_domain": None}
    flags = {"admin_state_up": True, "shared": False, "external": False, "port_security_enabled": True}
    values = {**blank, **flags, **defaults, **resources.given(body, SETTABLE)}
    return {"id": new_id(), "project_id": project_id, **values}


def _one_default(session: Session, wanted: bool) -> None:
    """At most one external network is the default one."""
    if wanted:
        session.execute(update(Network).where(Network.is_default.is_(True)).values(is_default=False))


def update_network(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    with req.db.write() as session:
        row = NETWORKS.load(session, req.ctx, ident, lock=True)
        resources.authorize(req, "update_network", body, GUARDED, resources.target(row.project_id))
        resources.check_revision(req, row)
        values = resources.given(body, SETTABLE)
        if values.get("shared") is False and row.shared:
            _check_unused_by_others(session, row)
        if values.get("external") is False and row.external:
            _check_unused_outside(session, ident)
        _one_default(session, values.get("is_default", False))
        _note_sharing(session, row.project_id, ident, values)
        if body.qos_policy_id is not UNSET:
            values["qos_policy_id"] = qos.check_usable(session, req.ctx, body.qos_policy_id)
        session.execute(update(Network).where(Network.id == ident).values(**resources.touched(row, **values)))
        if values.keys() & {"mtu", "admin_state_up", "external"}:
            sync.network(session, req, ident)
        if values.keys() & {"qos_policy_id", "dns_domain", "admin_state_up"}:
            sync.network_ports(session, req, ident)
    return resources.show_one(req, NETWORKS, ident)


def _note_sharing(session: Session, project_id: str, ident: str, values: dict[str, Any]) -> None:
    for flag, action in (("shared", sharing.SHARED), ("external", sharing.EXTERNAL)):
        if flag in values:
            sharing.share(session, project_id, "network", ident, values[flag], action)


def _check_unused_by_others(session: Session, row: Any) -> None:
    granted = select(Rbac.target_project).where(Rbac.object_id == row.id, Rbac.action == sharing.SHARED)
    own = (row.project_id, "")  # ports of the network service itself are nobody's
    others = (
        select(Port.id)
        .where(Port.network_id == row.id, Port.project_id.not_in(own), Port.project_id.not_in(granted))
        .limit(1)
    )
    port_id = session.scalar(others)
    if port_id:
        raise fault("InvalidSharedSetting", id=row.id)


def _check_unused_outside(session: Session, network_id: str) -> None:
    owners = ("network:router_gateway", "network:floatingip")
    used = select(Port.id).where(Port.network_id == network_id, Port.device_owner.in_(owners)).limit(1)
    if session.scalar(used):
        raise fault("ExternalNetworkInUse", id=network_id)


def delete_network(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = NETWORKS.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_network", resources.target(row.project_id))
        resources.check_revision(req, row)
        floating.remove_unused(session, req, ident)
        ports = session.scalars(select(Port.id).where(Port.network_id == ident).limit(3)).all()
        if ports:
            raise fault("NetworkInUse", id=ident, ports=", ".join(ports))
        subnets = session.execute(
            select(Subnet.id, Subnet.project_id).where(Subnet.network_id == ident)
        ).all()
        for project_id in sorted({subnet.project_id for subnet in subnets}):
            count = sum(subnet.project_id == project_id for subnet in subnets)
            resources.charge(req, session, project_id, subnet=-count)
        resources.charge(req, session, row.project_id, network=-1)
        gone = [ident, *(subnet.id for subnet in subnets)]
        session.execute(delete(Tag).where(Tag.resource_id.in_(gone)))
        session.execute(delete(Rbac).where(Rbac.object_id == ident))
        session.execute(delete(Subnet).where(Subnet.network_id == ident))
        session.execute(delete(Network).where(Network.id == ident))
        sync.network_gone(session, req, ident)
