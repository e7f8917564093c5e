"""How full networks are."""

from __future__ import annotations

from ipaddress import ip_address
from typing import Any

from sqlalchemy import func, select

from knarr.core.network import resources
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.models import Address, Network, Subnet
from knarr.kernel.errors import BadRequest
from knarr.kernel.request import Request

FILTERS = {
    "network_id": Network.id,
    "network_name": Network.name,
    "project_id": Network.project_id,
    "tenant_id": Network.project_id,
}


def list_availability(req: Request) -> dict[str, Any]:
    conditions = []
    for name, values in req.params.items():
        if name in FILTERS:
            conditions.append(FILTERS[name].in_(values))
        elif name not in ("ip_version", *resources.PAGING):
            known = ", ".join(sorted((*FILTERS, "ip_version")))
            raise BadRequest(f"'{name[:64]}' is no attribute to filter by. Known: {known}.")
    return {"network_ip_availabilities": resources.only_fields(req, _found(req, conditions))}


def show_availability(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        NETWORKS.load(session, req.ctx, ident)
    found = _found(req, [Network.id == ident])
    return {"network_ip_availability": resources.only_fields(req, found)[0]}


def _found(req: Request, conditions: list[Any]) -> list[dict[str, Any]]:
    """Three queries: networks, their subnets, and how many addresses each has given out."""
    versions = req.params.get("ip_version", ())
    if any(value not in ("4", "6") for value in versions):
        raise BadRequest("Invalid value for 'ip_version': use 4 or 6.")
    columns: Any = select(Network.id, Network.name, Network.project_id)
    with req.db.read() as session:
        networks = session.execute(
            NETWORKS.seen(columns.where(*conditions), req.ctx).order_by(Network.id)
        ).all()
        ids = [network.id for network in networks]
        mine = select(Subnet.id).where(Subnet.network_id.in_(ids))
        counted = session.execute(
            select(Address.subnet_id, func.count())
            .where(Address.subnet_id.in_(mine))
            .group_by(Address.subnet_id)
        )
        used = {row[0]: row[1] for row in counted}
        subnets: dict[str, list[dict[str, Any]]] = {}
        for subnet in session.execute(select(*Subnet.__table__.columns).where(Subnet.network_id.in_(ids))):
            if not versions or str(subnet.ip_version) in versions:
                subnets.setdefault(subnet.network_id, []).append(_subnet(subnet, used.get(subnet.id, 0)))
    return [_view(network, subnets.get(network.id, [])) for network in networks]


def _subnet(subnet: Any, used: int) -> dict[str, Any]:
    ranges = ((ip_address(pool["start"]), ip_address(pool["end"])) for pool in subnet.allocation_pools)
    return {
        "subnet_id": subnet.id,
        "subnet_name": subnet.name,
        "ip_version": subnet.ip_version,
        "cidr": subnet.cidr,
        "total_ips": sum(int(end) - int(start) + 1 for start, end in ranges),
        "used_ips": used,
    }


def _view(network: Any, subnets: list[dict[str, Any]]) -> dict[str, Any]:
    return {
        "network_id": network.id,
        "network_name": network.name,
        "project_id": network.project_id,
        "tenant_id": network.project_id,
        "total_ips": sum(subnet["total_ips"] for subnet in subnets),
        "used_ips": sum(subnet["used_ips"] for subnet in subnets),
        "subnet_ip_availability": subnets,
    }
