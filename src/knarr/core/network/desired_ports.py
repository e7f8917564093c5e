"""What ports have beside addresses and groups, in the backend's terms: bandwidth limits, trunks and DHCP."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.network.drivers.base import BandwidthLimit, DhcpState, Subport
from knarr.core.network.models import Address, BandwidthRule, Network, Subnet, SubPort, Trunk

DHCP_OWNERS = "compute:"
WITHOUT_DHCP = ("compute:zun",)  # is told its addresses by whoever plugs it


def bandwidth(session: Session, rows: Sequence[Any]) -> dict[str, tuple[BandwidthLimit, ...]]:
    """The limits of each port: those of its own policy, else of its network's."""
    networks = {row.network_id for row in rows}
    if not networks:
        return {}
    found = session.execute(
        select(Network.id, Network.qos_policy_id).where(
            Network.id.in_(networks), Network.qos_policy_id.is_not(None)
        )
    )
    of_network = {row.id: row.qos_policy_id for row in found}
    policies = {row.id: row.qos_policy_id or of_network.get(row.network_id) for row in rows}
    wanted = {policy for policy in policies.values() if policy}
    if not wanted:
        return {}
    limits: dict[str, list[BandwidthLimit]] = {}
    stmt = select(*BandwidthRule.__table__.columns).where(BandwidthRule.policy_id.in_(wanted))
    for rule in session.execute(stmt.order_by(BandwidthRule.direction)):
        limit = BandwidthLimit(rule.direction, rule.max_kbps, rule.max_burst_kbps)
        limits.setdefault(rule.policy_id, []).append(limit)
    return {port: tuple(limits[policy]) for port, policy in policies.items() if policy in limits}


def subports(session: Session, rows: Sequence[Any]) -> dict[str, Subport]:
    """Where those ports are that trunks carry which are up."""
    if not rows:
        return {}
    stmt = (
        select(SubPort.port_id, SubPort.vlan, Trunk.port_id.label("parent_id"))
        .join(Trunk, Trunk.id == SubPort.trunk_id)
        .where(SubPort.port_id.in_([row.id for row in rows]), Trunk.admin_state_up.is_(True))
    )
    return {row.port_id: Subport(row.parent_id, row.vlan) for row in session.execute(stmt)}


def wants_dhcp(device_owner: str) -> bool:
    """Whether what the port belongs to configures itself."""
    return device_owner.startswith(DHCP_OWNERS) and device_owner not in WITHOUT_DHCP


def dhcp(session: Session, rows: Sequence[Any]) -> dict[str, DhcpState]:
    """What a DHCP server tells those ports that ask one."""
    asking = {row.id: row for row in rows if wants_dhcp(row.device_owner)}
    if not asking:
        return {}
    stmt = (
        select(Address.port_id, Subnet.id, Subnet.dns_nameservers, Subnet.host_routes, Network.dns_domain)
        .join(Subnet, Subnet.id == Address.subnet_id)
        .join(Network, Network.id == Subnet.network_id)
        .where(Address.port_id.in_(asking), Subnet.enable_dhcp.is_(True))
        .order_by(Address.port_id, Subnet.ip_version, Subnet.id)
    )
    subnets: dict[str, list[Any]] = {}
    for row in session.execute(stmt):
        subnets.setdefault(row.port_id, []).append(row)
    return {port_id: _state(asking[port_id], found) for port_id, found in subnets.items()}


def _state(port: Any, subnets: list[Any]) -> DhcpState:
    servers = [server for subnet in subnets for server in subnet.dns_nameservers]
    routes = [(r["destination"], r["nexthop"]) for subnet in subnets for r in subnet.host_routes]
    return DhcpState(
        subnet_ids=tuple(subnet.id for subnet in subnets),
        hostname=port.dns_name,
        dns_nameservers=tuple(dict.fromkeys(servers)),
        domain=(subnets[0].dns_domain or "").rstrip("."),
        routes=tuple(routes),
    )
