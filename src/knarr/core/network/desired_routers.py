"""Routers in the backend's terms: legs, routes and floating IPs, in a constant number of queries."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from knarr.core.network.drivers.base import FloatingState, PortForward, RouterPort, RouterState
from knarr.core.network.models import Address, FloatingIp, Forwarding, Network, Port, Router, Subnet
from knarr.core.network.models import RouterPort as Leg


def routers(session: Session, condition: ColumnElement[bool]) -> tuple[RouterState, ...]:
    rows = session.execute(select(*Router.__table__.columns).where(condition).order_by(Router.id)).all()
    if not rows:
        return ()
    ids = [row.id for row in rows]
    legs = _legs(session, ids)
    floating = _floating(session, ids)
    return tuple(_router(row, legs.get(row.id, []), floating.get(row.id, [])) for row in rows)


def legs_of(router: RouterState) -> tuple[RouterPort, ...]:
    return (*router.interfaces, router.gateway) if router.gateway else router.interfaces


def _legs(session: Session, ids: list[str]) -> dict[str, list[Any]]:
    """Of each router one row for each address of each leg that is up."""
    stmt = (
        select(
            Leg.router_id,
            Leg.port_id,
            Leg.gateway,
            Port.network_id,
            Port.mac_address,
            Network.mtu,
            Address.ip_address,
            Subnet.cidr,
            Subnet.gateway_ip,
        )
        .join(Port, Port.id == Leg.port_id)
        .join(Network, Network.id == Port.network_id)
        .join(Address, Address.port_id == Port.id)
        .join(Subnet, Subnet.id == Address.subnet_id)
        .where(Leg.router_id.in_(ids), Port.admin_state_up.is_(True), Network.admin_state_up.is_(True))
        .order_by(Leg.port_id, Subnet.ip_version, Address.position)
    )
    return _grouped(session.execute(stmt))


def _grouped(rows: Iterable[Any]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.router_id, []).append(row)
    return found


def _floating(session: Session, ids: list[str]) -> dict[str, list[FloatingState]]:
    associated = session.execute(
        select(*FloatingIp.__table__.columns)
        .where(FloatingIp.router_id.in_(ids))
        .order_by(FloatingIp.floating_ip_address)
    ).all()
    forwards: dict[str, list[PortForward]] = {}
    for row in session.execute(
        select(*Forwarding.__table__.columns)
        .where(Forwarding.floatingip_id.in_([row.id for row in associated]))
        .order_by(Forwarding.protocol, Forwarding.external_port)
    ):
        one = PortForward(row.protocol, row.external_port, row.internal_ip_address, row.internal_port)
        forwards.setdefault(row.floatingip_id, []).append(one)
    found: dict[str, list[FloatingState]] = {}
    for row in associated:
        fixed, sent_on = row.fixed_ip_address or "", tuple(forwards.get(row.id, ()))
        if fixed or sent_on:
            state = FloatingState(row.id, row.floating_ip_address, fixed, sent_on)
            found.setdefault(row.router_id, []).append(state)
    return found


def _router(row: Any, legs: list[Any], floating: list[FloatingState]) -> RouterState:
    outside = [leg for leg in legs if leg.gateway]
    gateways = _ports(outside)
    # A hop that is on no subnet any more would have the host refuse the whole router.
    nets = [ip_network(leg.cidr) for leg in legs]
    routes = tuple(
        (route["destination"], route["nexthop"])
        for route in row.routes
        if any(ip_address(route["nexthop"]) in net for net in nets)
    )
    return RouterState(
        id=row.id,
        interfaces=_ports([leg for leg in legs if not leg.gateway]),
        gateway=gateways[0] if gateways else None,
        gateway_ips=tuple(dict.fromkeys(leg.gateway_ip for leg in outside if leg.gateway_ip)),
        enable_snat=row.enable_snat,
        routes=routes,
        floating_ips=tuple(floating) if gateways else (),
        admin_state_up=row.admin_state_up,
    )


def _ports(legs: list[Any]) -> tuple[RouterPort, ...]:
    by_port: dict[str, list[Any]] = {}
    for leg in legs:
        by_port.setdefault(leg.port_id, []).append(leg)
    return tuple(
        RouterPort(
            port_id=port_id,
            network_id=rows[0].network_id,
            mac_address=rows[0].mac_address,
            addresses=tuple(f"{row.ip_address}/{ip_network(row.cidr).prefixlen}" for row in rows),
            mtu=rows[0].mtu,
        )
        for port_id, rows in by_port.items()
    )
