"""What a floating IP is associated with, and what becomes of it when that goes."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from knarr.core.network import resources, serviceports, sync
from knarr.core.network.errors import fault
from knarr.core.network.models import Address, FloatingIp, Forwarding, RouterPort, Subnet, Tag
from knarr.core.network.portviews import PORTS
from knarr.kernel.db import utcnow
from knarr.kernel.request import Request

NOWHERE: dict[str, Any] = {
    "fixed_port_id": None,
    "fixed_ip_address": None,
    "router_id": None,
    "status": "DOWN",
}


def associate(session: Session, req: Request, row: Any, port_id: str, fixed_ip: str | None) -> dict[str, Any]:
    """The columns of a floating IP (a row, or what becomes one) that leads to the port."""
    port = PORTS.load(session, req.ctx, port_id)
    if port.project_id != row.project_id and not req.ctx.is_admin:
        raise _bad(f"port {port.id} and the floating IP are of different projects")
    address = inside(session, port.id, fixed_ip)
    sent_on = (Forwarding.internal_port_id == port.id, Forwarding.internal_ip_address == address.ip_address)
    if session.scalar(select(Forwarding.id).where(*sent_on).limit(1)):
        raise fault("PortHasPortForwarding", port=port.id)
    taken = session.execute(
        select(FloatingIp.id, FloatingIp.floating_ip_address).where(
            FloatingIp.floating_network_id == row.floating_network_id,
            FloatingIp.fixed_port_id == port.id,
            FloatingIp.fixed_ip_address == address.ip_address,
            FloatingIp.id != row.id,
        )
    ).first()
    if taken:
        raise fault(
            "FloatingIPPortAlreadyAssociated",
            fixed=address.ip_address,
            port=port.id,
            address=taken.floating_ip_address,
            id=taken.id,
        )
    router_id = router_between(session, row.floating_network_id, address.subnet_id)
    if router_id is None:
        raise fault(
            "ExternalGatewayForFloatingIPNotFound",
            network=row.floating_network_id,
            subnet=address.subnet_id,
            port=port.id,
        )
    return {
        "fixed_port_id": port.id,
        "fixed_ip_address": address.ip_address,
        "router_id": router_id,
        "status": "DOWN",
    }


def inside(session: Session, port_id: str, fixed_ip: str | None) -> Any:
    """(ip_address, subnet_id) of the port's IPv4 address that is asked for, or of its only one."""
    stmt = (
        select(Address.ip_address, Address.subnet_id)
        .join(Subnet, Subnet.id == Address.subnet_id)
        .where(Address.port_id == port_id, Subnet.ip_version == 4)
    )
    addresses = session.execute(stmt).all()
    if fixed_ip:
        found = next((a for a in addresses if a.ip_address == fixed_ip), None)
        if found is None:
            raise _bad(f"port {port_id} does not have the IPv4 address {fixed_ip}")
        return found
    if not addresses:
        raise _bad(f"port {port_id} has no IPv4 address")
    if len(addresses) > 1:
        raise _bad(f"port {port_id} has several IPv4 addresses: say which by 'fixed_ip_address'")
    return addresses[0]


def _bad(why: str) -> Exception:
    return fault("BadRequest", resource="floatingip", why=why)


def router_between(session: Session, external_id: str, subnet_id: str) -> str | None:
    """The router with a leg on the subnet and its gateway on the external network; the one that is the
    subnet's own gateway if there are several.
    """
    outside = select(RouterPort.router_id).where(
        RouterPort.gateway.is_(True), RouterPort.network_id == external_id
    )
    stmt = (
        select(RouterPort.router_id, Address.ip_address, Subnet.gateway_ip)
        .join(Address, Address.port_id == RouterPort.port_id)
        .join(Subnet, Subnet.id == Address.subnet_id)
        .where(
            RouterPort.gateway.is_(False), Address.subnet_id == subnet_id, RouterPort.router_id.in_(outside)
        )
        .order_by(RouterPort.router_id)
    )
    rows = session.execute(stmt).all()
    own = (row.router_id for row in rows if row.ip_address == row.gateway_ip)
    return next(own, rows[0].router_id if rows else None)


def release(session: Session, req: Request, port_id: str, addresses: Iterable[str] | None = None) -> None:
    """The port (or only these addresses of it) goes: its floating IPs stay and lead nowhere."""
    mine = [FloatingIp.fixed_port_id == port_id]
    sent = [Forwarding.internal_port_id == port_id]
    if addresses is not None:
        gone = list(addresses)
        mine.append(FloatingIp.fixed_ip_address.in_(gone))
        sent.append(Forwarding.internal_ip_address.in_(gone))
    rows = session.execute(select(FloatingIp.id, FloatingIp.router_id).where(*mine)).all()
    routers = {row.router_id for row in rows}
    if rows:
        changes = {**NOWHERE, "revision_number": FloatingIp.revision_number + 1, "updated_at": utcnow()}
        ids = [row.id for row in rows]
        session.execute(update(FloatingIp).where(FloatingIp.id.in_(ids)).values(**changes))
    routers |= release_forwardings(session, sent)
    sync.routers(session, req, routers)


def release_forwardings(session: Session, conditions: list[Any]) -> set[str | None]:
    """Delete port forwardings; the routers that carried them. A floating IP without any leads nowhere."""
    rows = session.execute(
        select(Forwarding.id, Forwarding.project_id, Forwarding.floatingip_id).where(*conditions)
    ).all()
    if not rows:
        return set()
    floating = {row.floatingip_id for row in rows}
    routers = set(session.scalars(select(FloatingIp.router_id).where(FloatingIp.id.in_(floating))).all())
    session.execute(delete(Forwarding).where(Forwarding.id.in_([row.id for row in rows])))
    left = select(Forwarding.floatingip_id)
    unused = (FloatingIp.id.in_(floating), FloatingIp.fixed_port_id.is_(None), FloatingIp.id.not_in(left))
    session.execute(update(FloatingIp).where(*unused).values(router_id=None, status="DOWN"))
    return routers


def remove(session: Session, req: Request, row: Any) -> None:
    """Delete a floating IP with its port forwardings, and give its address and its place back."""
    resources.charge(req, session, row.project_id, floatingip=-1)
    session.execute(delete(Forwarding).where(Forwarding.floatingip_id == row.id))
    session.execute(delete(Tag).where(Tag.resource_id == row.id))
    session.execute(delete(FloatingIp).where(FloatingIp.id == row.id))
    serviceports.remove(session, row.floating_port_id)
    sync.routers(session, req, [row.router_id])


def remove_unused(session: Session, req: Request, network_id: str) -> None:
    """Delete the floating IPs of an external network that lead nowhere: they do not hold it, as upstream."""
    unused = (FloatingIp.floating_network_id == network_id, FloatingIp.router_id.is_(None))
    found = select(*FloatingIp.__table__.columns).where(*unused).order_by(FloatingIp.project_id)
    for row in session.execute(found).all():
        remove(session, req, row)


def changed(session: Session, req: Request, row: Any, values: dict[str, Any]) -> None:
    """Write the new values down and have the routers of before and after follow."""
    session.execute(
        update(FloatingIp).where(FloatingIp.id == row.id).values(**resources.touched(row, **values))
    )
    if "router_id" in values:
        sync.routers(session, req, [row.router_id, values["router_id"]])
