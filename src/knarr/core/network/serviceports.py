"""Ports that the network service makes for itself: the legs of routers and the addresses of floating IPs."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from knarr.core.network import ipam
from knarr.core.network.errors import fault
from knarr.core.network.models import Address, FloatingIp, Port, PortGroup, RouterPort, Tag
from knarr.core.network.portplan import check_free_mac, new_mac
from knarr.kernel.db import new_id

INTERFACE = "network:router_interface"
GATEWAY = "network:router_gateway"
FLOATING = "network:floatingip"
OWNERS = frozenset({INTERFACE, GATEWAY, FLOATING})


@dataclass(frozen=True)
class Wanted:
    """An entry of `fixed_ips` as `ipam.ask` reads it."""

    subnet_id: str | None = None
    ip_address: str | None = None


@dataclass(frozen=True)
class Made:
    id: str
    addresses: list[tuple[Any, str]]
    """(subnet row, address)"""


def make(
    session: Session,
    network_id: str,
    owner: str,
    device_id: str,
    *,
    project_id: str = "",
    host: str = "",
    status: str = "DOWN",
    wanted: Iterable[Any] = (),
    version: int | None = None,
) -> Made:
    """A port with the addresses asked for (entries of `fixed_ips`), else with one of each IP version, or of
    the one that is asked for. Raises the errors of `ipam`. An IntegrityError means that another was quicker.
    """
    mac = new_mac()
    check_free_mac(session, network_id, mac)
    subnets = ipam.lock_subnets(session, network_id)
    port_id = new_id()
    row = {
        "id": port_id,
        "project_id": project_id,
        "network_id": network_id,
        "mac_address": mac,
        "status": status,
        "device_id": device_id,
        "device_owner": owner,
        "port_security_enabled": False,
        "allowed_address_pairs": [],
        "host": host,
        "vif_type": "bridge" if host else "unbound",
        "profile": {},
    }
    session.execute(insert(Port), [row])
    entries = list(wanted)
    if entries:
        return Made(port_id, ipam.take_asked(session, network_id, subnets, entries, port_id, mac, True))
    subnets = ipam.serving(network_id, subnets, owner)
    among = [subnet for subnet in subnets if version in (None, subnet.ip_version)]
    pairs = ipam.choose(session, network_id, among, mac)
    ipam.take(session, port_id, pairs)
    return Made(port_id, pairs)


def remove(session: Session, port_id: str) -> None:
    """Delete the port with its addresses; whatever names it must be gone already."""
    session.execute(delete(Address).where(Address.port_id == port_id))
    session.execute(delete(PortGroup).where(PortGroup.port_id == port_id))
    session.execute(delete(Tag).where(Tag.resource_id == port_id))
    session.execute(delete(Port).where(Port.id == port_id))


def router_of(session: Session, port: Any) -> str | None:
    """The router that the port is a leg of."""
    if port.device_owner not in (INTERFACE, GATEWAY):
        return None
    return session.scalar(select(RouterPort.router_id).where(RouterPort.port_id == port.id))


def check_free(session: Session, port: Any) -> None:
    """Raise 409 ServicePortInUse for a port that a router or a floating IP has: it goes with that."""
    if port.device_owner not in OWNERS:
        return
    router_id = router_of(session, port)
    if router_id:
        raise fault("ServicePortInUse", id=port.id, why=f"it is a leg of router {router_id}")
    floating = session.scalar(select(FloatingIp.id).where(FloatingIp.floating_port_id == port.id))
    if floating:
        raise fault("ServicePortInUse", id=port.id, why=f"it has the address of floating IP {floating}")
