"""The state of the database in the backend's terms: of one thing, or of a whole host in a few queries."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from knarr.core.network import desired_ports, desired_routers
from knarr.core.network.drivers.base import (
    AddressPair,
    DesiredState,
    NetworkState,
    PortState,
    RuleState,
    SecurityGroupState,
    SubnetState,
)
from knarr.core.network.models import (
    Address,
    AddressGroup,
    Network,
    Port,
    PortGroup,
    Router,
    RouterPort,
    Rule,
    SecurityGroup,
    Subnet,
)

NOT_A_LEG = Port.id.not_in(select(RouterPort.port_id))
"""Legs of routers are plugged by the backend itself; they are no ports to it."""
CARRIED = (
    (Port.host != "")
    & Port.admin_state_up.is_(True)
    & Port.network_id.in_(select(Network.id).where(Network.admin_state_up.is_(True)))
    & NOT_A_LEG
)
"""The ports that hosts are told of. Of others they know nothing, so that nothing passes their taps."""


def everything(session: Session, host: str) -> DesiredState:
    """What the host should carry. Ports bound elsewhere count as members of groups only."""
    bound = ports(session, CARRIED, host)
    carried = desired_routers.routers(session, Router.host == host)
    network_ids = {port.network_id for port in bound if port.local}
    network_ids |= {leg.network_id for router in carried for leg in desired_routers.legs_of(router)}
    in_use = {group_id for port in bound if port.local for group_id in port.security_groups}
    return DesiredState(networks(session, network_ids), bound, groups(session, in_use), carried)


def networks(session: Session, ids: Iterable[str]) -> tuple[NetworkState, ...]:
    wanted = list(ids)
    if not wanted:
        return ()
    columns = (
        Subnet.network_id,
        Subnet.id,
        Subnet.cidr,
        Subnet.ip_version,
        Subnet.gateway_ip,
        Subnet.enable_dhcp,
    )
    subnets: dict[str, list[SubnetState]] = {}
    for row in session.execute(select(*columns).where(Subnet.network_id.in_(wanted)).order_by(Subnet.id)):
        state = SubnetState(row.id, row.cidr, row.ip_version, row.gateway_ip, row.enable_dhcp)
        subnets.setdefault(row.network_id, []).append(state)
    found = session.execute(
        select(Network.id, Network.mtu, Network.external).where(Network.id.in_(wanted)).order_by(Network.id)
    )
    return tuple(NetworkState(row.id, row.mtu, tuple(subnets.get(row.id, ())), row.external) for row in found)


def ports(session: Session, condition: ColumnElement[bool], host: str) -> tuple[PortState, ...]:
    among = select(Port.id).where(condition)
    addresses = _grouped(session, Address.port_id, Address.ip_address, among)
    groups_of = _grouped(session, PortGroup.port_id, PortGroup.group_id, among)
    rows = session.execute(select(*Port.__table__.columns).where(condition).order_by(Port.id)).all()
    here = [row for row in rows if row.host == host]
    limits = desired_ports.bandwidth(session, here)
    served = desired_ports.dhcp(session, here)
    carried = desired_ports.subports(session, here)
    return tuple(
        _port(
            row,
            host,
            fixed_ips=tuple(addresses.get(row.id, ())),
            security_groups=tuple(groups_of.get(row.id, ())),
            bandwidth=limits.get(row.id, ()),
            dhcp=served.get(row.id),
            subport=carried.get(row.id),
        )
        for row in rows
    )


def _port(row: Any, host: str, **more: Any) -> PortState:
    pairs = tuple(
        AddressPair(pair["ip_address"], pair.get("mac_address")) for pair in row.allowed_address_pairs
    )
    return PortState(
        id=row.id,
        network_id=row.network_id,
        mac_address=row.mac_address,
        allowed_address_pairs=pairs,
        port_security_enabled=row.port_security_enabled,
        device_owner=row.device_owner,
        local=row.host == host,
        **more,
    )


def _grouped(session: Session, key: Any, value: Any, among: Any) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for ident, item in session.execute(select(key, value).where(key.in_(among)).order_by(key, value)):
        found.setdefault(ident, []).append(item)
    return found


def groups(session: Session, ids: Iterable[str]) -> tuple[SecurityGroupState, ...]:
    """The groups with all of their rules, in two queries."""
    wanted = list(ids)
    if not wanted:
        return ()
    columns = select(SecurityGroup.id, SecurityGroup.stateful)
    rows = session.execute(columns.where(SecurityGroup.id.in_(wanted)).order_by(SecurityGroup.id)).all()
    rules: dict[str, list[RuleState]] = {}
    stmt = select(*Rule.__table__.columns).where(Rule.security_group_id.in_([row.id for row in rows]))
    found = session.execute(stmt.order_by(Rule.id)).all()
    addresses = _addresses(session, {rule.remote_address_group_id for rule in found} - {None})
    for rule in found:
        rules.setdefault(rule.security_group_id, []).extend(_rules(rule, addresses))
    return tuple(SecurityGroupState(row.id, tuple(rules.get(row.id, ())), row.stateful) for row in rows)


def _addresses(session: Session, ids: set[Any]) -> dict[str, list[str]]:
    """The CIDRs of address groups."""
    if not ids:
        return {}
    stmt = select(AddressGroup.id, AddressGroup.addresses).where(AddressGroup.id.in_(ids))
    return {row.id: row.addresses for row in session.execute(stmt)}


def _rules(rule: Any, addresses: dict[str, list[str]]) -> Iterable[RuleState]:
    """The rule in the backend's terms, which knows no address groups: one for each of their CIDRs."""
    prefixes = [rule.remote_ip_prefix]
    if rule.remote_address_group_id:
        version = 6 if rule.ethertype == "IPv6" else 4
        named = addresses.get(rule.remote_address_group_id, ())
        prefixes = [prefix for prefix in named if (6 if ":" in prefix else 4) == version]
    for prefix in prefixes:
        yield RuleState(
            direction=rule.direction,
            ethertype=rule.ethertype,
            protocol=rule.protocol,
            port_range_min=rule.port_range_min,
            port_range_max=rule.port_range_max,
            remote_ip_prefix=prefix,
            remote_group_id=rule.remote_group_id,
        )
