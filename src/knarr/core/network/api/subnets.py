"""Subnets."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, pools, resources, sharing, subnetting, sync
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.api.subnetpools import POOLS
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Address, Network, Subnet, SubnetPool, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

PLAIN = ("name", "description", "enable_dhcp")
SHOWN = (
    "name",
    "network_id",
    "ip_version",
    "cidr",
    "gateway_ip",
    "enable_dhcp",
    "ipv6_ra_mode",
    "ipv6_address_mode",
    "allocation_pools",
    "dns_nameservers",
    "host_routes",
    "subnetpool_id",
)
FILTERED = (
    *("name", "network_id", "cidr", "gateway_ip", "ipv6_ra_mode", "ipv6_address_mode"),
    "subnetpool_id",
)
GUARDED = {"service_types": "service_types"}


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    """As upstream: an external network is seen by whoever may use it, its subnets only where it is shared."""
    shared = sharing.granted(Network, "network", ctx.project_id)
    mine = or_(Network.project_id == ctx.project_id, Network.shared.is_(True), shared)
    reachable = select(Network.id).where(mine)
    return or_(Subnet.project_id == ctx.project_id, Subnet.network_id.in_(reachable))


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    tags = resources.tags_of(session, [row.id for row in rows])
    return [
        {
            **resources.standard_view(row, tags),
            **{name: getattr(row, name) for name in SHOWN},
            "service_types": row.service_types or [],
        }
        for row in rows
    ]


SUBNETS = resources.Resource(
    singular="subnet",
    plural="subnets",
    model=Subnet,
    views=views,
    not_found="SubnetNotFound",
    visible=visible,
    sortable=("ip_version", "enable_dhcp", *FILTERED),
    filters={
        **resources.standard_filters(Subnet),
        **{name: resources.equals(getattr(Subnet, name)) for name in FILTERED},
        "ip_version": resources.number(Subnet.ip_version),
        "enable_dhcp": resources.is_true(Subnet.enable_dhcp),
        "shared": lambda name, values: Subnet.network_id.in_(
            select(Network.id).where(resources.is_true(Network.shared)(name, values))
        ),
    },
)


def list_subnets(req: Request) -> dict[str, Any]:
    return resources.list_all(req, SUBNETS)


def show_subnet(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, SUBNETS, ident)


def create_subnet(req: Request) -> dict[str, Any]:
    plans = [(body, resources.owner(req, body)) for body in resources.bodies(req)]
    ids = []
    with req.db.write() as session:
        # Each network is locked, so that two overlapping subnets cannot be made at once; pools likewise.
        for body, project_id in plans:
            network = NETWORKS.load(session, req.ctx, body.network_id, lock=True)
            aim = resources.target(project_id, **{"network:project_id": network.project_id})
            resources.authorize(req, "create_subnet", body, GUARDED, aim)
            pool, net = _place(req, session, body, project_id)
            pools.check_affinity(session, network.id, net.version, pool)
            values = {**_values(body, net), "subnetpool_id": pool}
            _check_overlap(session, network.id, values["cidr"])
            resources.charge(req, session, project_id, subnet=1)
            row = {"id": new_id(), "project_id": project_id, "network_id": network.id, **values}
            session.execute(insert(Subnet), [row])
            ids.append(row["id"])
            if values["ipv6_address_mode"] in ipam.EUI64_MODES and ipam.give_all(
                session, SimpleNamespace(**row)
            ):
                sync.network_ports(session, req, network.id)
            sync.network(session, req, network.id)
    return resources.created(req, SUBNETS, ids)


def _place(req: Request, session: Session, body: Any, project_id: str) -> tuple[str | None, Any]:
    """The pool (None: none) and the CIDR that the subnet is to have."""
    net = subnetting.parse_cidr(body.cidr, body.ip_version) if body.cidr else None
    pool = _pool(req, session, body)
    if pool is None:
        if net is None:
            raise fault("BadRequest", resource="subnets", why="give a 'cidr' or a 'subnetpool_id'")
        if body.prefixlen not in (UNSET, None):
            raise invalid("'prefixlen' is for subnets out of a 'subnetpool_id'")
        return None, net
    if body.ip_version not in (UNSET, pool.ip_version):
        raise invalid(f"'ip_version' {body.ip_version} is not the one of subnet pool {pool.id}")
    if net is not None:
        if body.prefixlen not in (UNSET, None):
            raise invalid("'cidr' and 'prefixlen' exclude each other")
        pools.allocate_asked(session, pool, project_id, net)
        return pool.id, net
    length = None if body.prefixlen is UNSET else body.prefixlen
    return pool.id, ip_network(pools.allocate(session, pool, project_id, length))


def _pool(req: Request, session: Session, body: Any) -> Any:
    """The locked row of the pool that is asked for, if one is."""
    if body.subnetpool_id:
        if body.use_default_subnetpool is True:
            raise invalid("'subnetpool_id' and 'use_default_subnetpool' exclude each other")
        return POOLS.load(session, req.ctx, body.subnetpool_id, lock=True)
    if body.use_default_subnetpool is not True:
        return None
    version = 4 if body.ip_version is UNSET else body.ip_version
    default = (SubnetPool.is_default.is_(True), SubnetPool.ip_version == version)
    found = session.execute(POOLS.columns().where(*default).with_for_update()).first()
    if found is None:
        why = f"there is no default subnet pool of IP version {version}"
        raise fault("BadRequest", resource="subnets", why=why)
    return found


def _values(body: Any, net: Any) -> dict[str, Any]:
    subnetting.check_modes(body, net)
    gateway_ip = subnetting.gateway(body, net)
    if body.allocation_pools:
        pools = subnetting.check_pools(body.allocation_pools, net, gateway_ip)
    else:
        pools = subnetting.default_pools(net, gateway_ip)
    return {
        "name": body.name or "",
        "description": body.description or "",
        "enable_dhcp": body.enable_dhcp is not False,
        "cidr": str(net),
        "ip_version": net.version,
        "gateway_ip": gateway_ip,
        "allocation_pools": pools,
        "dns_nameservers": subnetting.check_nameservers(body.dns_nameservers or []),
        "host_routes": subnetting.check_routes(body.host_routes or [], net.version),
        "ipv6_ra_mode": body.ipv6_ra_mode or None,
        "ipv6_address_mode": body.ipv6_address_mode or None,
        "service_types": list(dict.fromkeys(body.service_types or [])),
    }


def _check_overlap(session: Session, network_id: str, cidr: str) -> None:
    net = ip_network(cidr)
    for other in session.scalars(select(Subnet.cidr).where(Subnet.network_id == network_id)):
        if net.overlaps(ip_network(other)):
            raise invalid(f"'cidr' {cidr} overlaps with subnet {other} of the same network")


def update_subnet(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    with req.db.write() as session:
        row = SUBNETS.load(session, req.ctx, ident, lock=True)
        resources.authorize(req, "update_subnet", body, GUARDED, _target(session, row))
        resources.check_revision(req, row)
        values = {**resources.given(body, PLAIN), **_changes(session, body, row)}
        session.execute(update(Subnet).where(Subnet.id == ident).values(**resources.touched(row, **values)))
        sync.network(session, req, row.network_id)
    return resources.show_one(req, SUBNETS, ident)


def _changes(session: Session, body: Any, row: Any) -> dict[str, Any]:
    net = ip_network(row.cidr)
    values: dict[str, Any] = {}
    if body.gateway_ip is not UNSET:
        values["gateway_ip"] = subnetting.check_gateway(body.gateway_ip, net)
        port_id = ipam.holder(session, row.id, row.gateway_ip) if row.gateway_ip else None
        if port_id and values["gateway_ip"] != row.gateway_ip:
            raise fault("GatewayIpInUse", ip=row.gateway_ip, port=port_id)
    gateway_ip = values.get("gateway_ip", row.gateway_ip)
    if body.allocation_pools is not UNSET:
        values["allocation_pools"] = subnetting.check_pools(body.allocation_pools or [], net, gateway_ip)
    elif "gateway_ip" in values:
        subnetting.check_gateway_outside(row.allocation_pools, gateway_ip)
    if body.dns_nameservers is not UNSET:
        values["dns_nameservers"] = subnetting.check_nameservers(body.dns_nameservers or [])
    if body.host_routes is not UNSET:
        values["host_routes"] = subnetting.check_routes(body.host_routes or [], net.version)
    if body.service_types is not UNSET:
        values["service_types"] = list(dict.fromkeys(body.service_types or []))
    return values


def _target(session: Session, row: Any) -> dict[str, Any]:
    network_owner = session.scalar(select(Network.project_id).where(Network.id == row.network_id))
    return resources.target(row.project_id, **{"network:project_id": network_owner})


def delete_subnet(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = SUBNETS.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_subnet", _target(session, row))
        resources.check_revision(req, row)
        if ipam.uses_eui64(row) and ipam.take_all_back(session, row):
            sync.network_ports(session, req, row.network_id)
        if session.scalar(select(Address.port_id).where(Address.subnet_id == ident).limit(1)):
            raise fault("SubnetInUse", id=ident)
        resources.charge(req, session, row.project_id, subnet=-1)
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(Subnet).where(Subnet.id == ident))
        sync.network(session, req, row.network_id)
