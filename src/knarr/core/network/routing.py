"""What routers are connected to: legs, gateways, and the host that carries them."""

from __future__ import annotations

from ipaddress import ip_address, ip_network
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, serviceports, sync
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Address, FloatingIp, Forwarding, Port, Router, RouterPort, Subnet
from knarr.kernel.errors import Forbidden
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

MOST_ROUTES = 30


def legs(session: Session, router_id: str) -> list[Any]:
    """(port_id, network_id, gateway, subnet_id, cidr, gateway_ip, ip_address) of each address of the legs."""
    stmt = (
        select(
            RouterPort.port_id,
            RouterPort.network_id,
            RouterPort.gateway,
            Subnet.id.label("subnet_id"),
            Subnet.cidr,
            Subnet.gateway_ip,
            Address.ip_address,
        )
        .join(Address, Address.port_id == RouterPort.port_id)
        .join(Subnet, Subnet.id == Address.subnet_id)
        .where(RouterPort.router_id == router_id)
        .order_by(Subnet.created_at)
    )
    return list(session.execute(stmt))


def check_overlap(subnets: list[Any], connected: list[Any], what: str) -> None:
    """A router cannot tell two subnets with the same addresses apart."""
    for subnet in subnets:
        for other in connected:
            if other.subnet_id != subnet.id and not ip_network(subnet.cidr).overlaps(ip_network(other.cidr)):
                continue
            why = f"subnet {subnet.id} ({subnet.cidr}) overlaps with {other.subnet_id} ({other.cidr})"
            raise fault("BadRequest", resource=what, why=f"{why} of the same router")


# The gateway


def change_gateway(session: Session, req: Request, router: Any, info: Any, action: str) -> dict[str, Any]:
    """Connect the router to the external network that `external_gateway_info` names, or to none.

    Returns the columns of the router that change.
    """
    current = session.execute(
        select(RouterPort.port_id, RouterPort.network_id).where(
            RouterPort.router_id == router.id, RouterPort.gateway.is_(True)
        )
    ).first()
    if info is None or (not info.network_id and info.enable_snat is UNSET and not info.external_fixed_ips):
        if current:
            _drop_gateway(session, router.id, current)
        return {"enable_snat": True}
    if not info.network_id:
        raise invalid("'external_gateway_info' needs a 'network_id'")
    _authorize(req, router, info, action)
    network = _external(session, req, info.network_id)
    snat = {} if info.enable_snat is UNSET else {"enable_snat": info.enable_snat}
    if current and current.network_id == network.id:
        if info.external_fixed_ips:
            ipam.readdress(session, current.port_id, network.id, info.external_fixed_ips)
        return snat
    if current:
        _drop_gateway(session, router.id, current)
    _make_gateway(session, router, network.id, info.external_fixed_ips or ())
    return {"enable_snat": True, **snat}


def _authorize(req: Request, router: Any, info: Any, action: str) -> None:
    aim = {"project_id": router.project_id, "tenant_id": router.project_id}
    for name in ("enable_snat", "external_fixed_ips"):
        rule = f"{action}:external_gateway_info:{name}"
        asked = getattr(info, name)
        if asked is not UNSET and asked is not None and not req.allows(rule, aim):
            raise Forbidden(f"Policy doesn't allow 'external_gateway_info.{name}' to be set ({rule}).")


def _external(session: Session, req: Request, network_id: str) -> Any:
    network = NETWORKS.load(session, req.ctx, network_id)
    if not network.external:
        raise fault("BadRequest", resource="router", why=f"network {network_id} is not an external network")
    return network


def _make_gateway(session: Session, router: Any, network_id: str, wanted: Any) -> None:
    subnets = session.execute(select(Subnet.id, Subnet.cidr).where(Subnet.network_id == network_id)).all()
    check_overlap(list(subnets), legs(session, router.id), "router")
    made = serviceports.make(
        session, network_id, serviceports.GATEWAY, router.id, host=router.host, wanted=wanted
    )
    if not made.addresses:
        raise fault("BadRequest", resource="router", why=f"network {network_id} has no subnet for a gateway")
    _connect(session, router.id, made.id, network_id, gateway=True)


def _drop_gateway(session: Session, router_id: str, current: Any) -> None:
    used = select(FloatingIp.id).where(
        FloatingIp.router_id == router_id, FloatingIp.floating_network_id == current.network_id
    )
    if session.scalar(used.limit(1)):
        raise fault("RouterExternalGatewayInUseByFloatingIp", id=router_id, network=current.network_id)
    disconnect(session, current.port_id)


def _connect(session: Session, router_id: str, port_id: str, network_id: str, gateway: bool) -> None:
    leg = {"port_id": port_id, "router_id": router_id, "network_id": network_id, "gateway": gateway}
    session.execute(insert(RouterPort), [leg])


def disconnect(session: Session, port_id: str) -> None:
    session.execute(delete(RouterPort).where(RouterPort.port_id == port_id))
    serviceports.remove(session, port_id)


# Interfaces


def connect_subnet(session: Session, router: Any, subnet: Any) -> str:
    """A leg at the subnet's gateway address; the id of its port."""
    if not subnet.gateway_ip:
        why = f"subnet {subnet.id} needs a gateway IP to be connected to a router"
        raise fault("BadRequest", resource="router", why=why)
    check_overlap([subnet], legs(session, router.id), "router")
    made = serviceports.make(
        session,
        subnet.network_id,
        serviceports.INTERFACE,
        router.id,
        project_id=router.project_id,
        host=router.host,
        wanted=[serviceports.Wanted(subnet.id, subnet.gateway_ip)],
    )
    _connect(session, router.id, made.id, subnet.network_id, gateway=False)
    return made.id


def connect_port(session: Session, router: Any, port: Any) -> list[Any]:
    """Make an unused port a leg; its subnets."""
    if port.device_id:
        raise fault("PortInUse", port=port.id, network=port.network_id, device=port.device_id)
    subnets = session.execute(
        select(Subnet.id, Subnet.cidr, Subnet.ip_version)
        .join(Address, Address.subnet_id == Subnet.id)
        .where(Address.port_id == port.id)
    ).all()
    if not subnets:
        raise fault("BadRequest", resource="router", why=f"port {port.id} must have at least one fixed IP")
    if sum(subnet.ip_version == 4 for subnet in subnets) > 1:
        why = f"port {port.id} has several IPv4 addresses: a leg has one"
        raise fault("BadRequest", resource="router", why=why)
    check_overlap(list(subnets), legs(session, router.id), "router")
    values = {
        "device_id": router.id,
        "device_owner": serviceports.INTERFACE,
        "host": router.host,
        "vif_type": "bridge" if router.host else "unbound",
        "port_security_enabled": False,
    }
    session.execute(update(Port).where(Port.id == port.id).values(**values))
    _connect(session, router.id, port.id, port.network_id, gateway=False)
    return list(subnets)


def check_unneeded(session: Session, router: Any, subnet_ids: set[str], connected: list[Any]) -> None:
    """Raise 409 if floating IPs or extra routes need the legs of these subnets."""
    floating = (
        select(Address.subnet_id)
        .join(FloatingIp, FloatingIp.fixed_port_id == Address.port_id)
        .where(
            FloatingIp.router_id == router.id,
            FloatingIp.fixed_ip_address == Address.ip_address,
            Address.subnet_id.in_(subnet_ids),
        )
    )
    forwarded = (
        select(Address.subnet_id)
        .join(Forwarding, Forwarding.internal_port_id == Address.port_id)
        .join(FloatingIp, FloatingIp.id == Forwarding.floatingip_id)
        .where(
            FloatingIp.router_id == router.id,
            Forwarding.internal_ip_address == Address.ip_address,
            Address.subnet_id.in_(subnet_ids),
        )
    )
    subnet_id = session.scalar(floating.limit(1)) or session.scalar(forwarded.limit(1))
    if subnet_id:
        raise fault("RouterInterfaceInUseByFloatingIP", router=router.id, subnet=subnet_id)
    gone = [ip_network(leg.cidr) for leg in connected if leg.subnet_id in subnet_ids]
    for route in router.routes:
        if any(ip_address(route["nexthop"]) in net for net in gone):
            used = ", ".join(sorted(subnet_ids))
            raise fault("RouterInterfaceInUseByRoute", router=router.id, subnet=used)


# Extra routes


def check_routes(session: Session, router_id: str, routes: list[Any]) -> list[dict[str, str]]:
    """The routes as they are stored. 400 InvalidRoutes unless each next hop is on a leg's subnet."""
    if len(routes) > MOST_ROUTES:
        raise fault("RoutesExhausted", id=router_id, most=MOST_ROUTES)
    checked: list[dict[str, str]] = []
    connected = legs(session, router_id) if routes else []
    for route in routes:
        entry = route_view(route)
        if entry in checked:
            raise invalid(f"'routes' has {entry['destination']} via {entry['nexthop']} twice")
        hop = ip_address(entry["nexthop"])
        if any(leg.ip_address == str(hop) for leg in connected):
            raise fault("InvalidRoutes", why=f"the nexthop {hop} is an address of the router itself")
        if not any(hop in ip_network(leg.cidr) for leg in connected):
            raise fault("InvalidRoutes", why=f"the nexthop {hop} is on no subnet that the router has")
        checked.append(entry)
    return checked


def route_view(route: Any) -> dict[str, str]:
    hop = ipam.parse_ip(route.nexthop, "routes.nexthop")
    net = ipam.parse_net(route.destination, "routes.destination")
    if net.version != hop.version:
        raise fault("InvalidRoutes", why=f"{net} and {hop} are not of one IP version")
    return {"destination": str(net), "nexthop": str(hop)}


def changed(session: Session, req: Request, router: Any, **values: Any) -> None:
    """Write the router's new values down and have its host follow."""
    from knarr.core.network.resources import touched

    session.execute(update(Router).where(Router.id == router.id).values(**touched(router, **values)))
    sync.router(session, req, router.id, router.host)
