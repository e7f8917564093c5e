"""Floating IPs."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from knarr.core.network import floating, ipam, resources, serviceports, sync
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.errors import fault
from knarr.core.network.models import FloatingIp, Forwarding, Port, Subnet
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

PLAIN = ("floating_network_id", "floating_ip_address", "fixed_ip_address", "router_id", "status")
DETAILS = ("name", "network_id", "mac_address", "admin_state_up", "status", "device_id", "device_owner")
GUARDED = {"floating_ip_address": "floating_ip_address"}


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    columns = [Port.id, *(getattr(Port, name) for name in DETAILS)]
    ports = {row.fixed_port_id for row in rows if row.fixed_port_id}
    found = session.execute(select(*columns).where(Port.id.in_(ports))) if ports else ()
    details = {port.id: {name: getattr(port, name) for name in DETAILS} for port in found}
    forwards: dict[str, list[dict[str, Any]]] = {}
    stmt = select(*Forwarding.__table__.columns).where(Forwarding.floatingip_id.in_(ids))
    for row in session.execute(stmt.order_by(Forwarding.id)):
        forwards.setdefault(row.floatingip_id, []).append(
            {
                name: getattr(row, name)
                for name in ("id", "protocol", "external_port", "internal_port", "internal_ip_address")
            }
        )
    tags = resources.tags_of(session, ids)
    return [
        {
            **resources.standard_view(row, tags),
            **{name: getattr(row, name) for name in PLAIN},
            "port_id": row.fixed_port_id,
            "port_details": details.get(row.fixed_port_id),
            "port_forwardings": forwards.get(row.id, []),
            "dns_name": row.dns_name,
            "dns_domain": row.dns_domain,
        }
        for row in rows
    ]


FLOATING_IPS = resources.Resource(
    singular="floatingip",
    plural="floatingips",
    model=FloatingIp,
    views=views,
    not_found="FloatingIPNotFound",
    sortable=(*PLAIN, "fixed_port_id"),
    aliases={"port_id": "fixed_port_id"},
    filters={
        **resources.standard_filters(FloatingIp),
        **{name: resources.equals(getattr(FloatingIp, name)) for name in (*PLAIN, "dns_name", "dns_domain")},
        "port_id": resources.equals(FloatingIp.fixed_port_id),
    },
)


def list_floatingips(req: Request) -> dict[str, Any]:
    return resources.list_all(req, FLOATING_IPS)


def show_floatingip(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, FLOATING_IPS, ident)


def create_floatingip(req: Request) -> dict[str, Any]:
    plans = [(body, resources.owner(req, body)) for body in resources.bodies(req)]

    def make() -> list[str]:
        with req.db.write() as session:
            return [_create(req, session, body, project_id) for body, project_id in plans]

    return resources.created(req, FLOATING_IPS, ipam.race(make))


def _create(req: Request, session: Session, body: Any, project_id: str) -> str:
    resources.authorize(req, "create_floatingip", body, GUARDED, resources.target(project_id))
    network = NETWORKS.load(session, req.ctx, body.floating_network_id)
    if not network.external:
        raise _bad(f"network {network.id} is not an external network")
    resources.charge(req, session, project_id, floatingip=1)
    ident = new_id()
    port = _port(session, network.id, ident, body)
    row = {
        **floating.NOWHERE,
        **{"id": ident, "project_id": project_id, "floating_network_id": network.id},
        "floating_port_id": port.id,
        "floating_ip_address": port.addresses[0][1],
        **{"description": "", "dns_name": "", "dns_domain": ""},
        **resources.given(body, ("description", "dns_name", "dns_domain")),
    }
    if body.port_id:
        fixed = body.fixed_ip_address or None
        row.update(floating.associate(session, req, SimpleNamespace(**row), body.port_id, fixed))
    elif body.fixed_ip_address:
        raise _bad("'fixed_ip_address' needs a 'port_id'")
    session.execute(insert(FloatingIp), [row])
    sync.routers(session, req, [row["router_id"]])
    return ident


def _bad(why: str) -> Exception:
    return fault("BadRequest", resource="floatingip", why=why)


def _port(session: Session, network_id: str, ident: str, body: Any) -> serviceports.Made:
    """The port that has the address on the external network."""
    subnet_id, address = body.subnet_id or None, body.floating_ip_address or None
    if address and ipam.parse_ip(address, "floating_ip_address").version != 4:
        raise _bad("'floating_ip_address' must be an IPv4 address")
    if subnet_id:
        on = select(Subnet.ip_version).where(Subnet.id == subnet_id, Subnet.network_id == network_id)
        if session.scalar(on) != 4:
            raise _bad(f"subnet {subnet_id} is no IPv4 subnet of network {network_id}")
    wanted = [serviceports.Wanted(subnet_id, address)] if subnet_id or address else []
    made = serviceports.make(
        session, network_id, serviceports.FLOATING, ident, status="N/A", wanted=wanted, version=4
    )
    if not made.addresses:
        raise _bad(f"network {network_id} has no IPv4 subnet")
    return made


def update_floatingip(req: Request, ident: str) -> dict[str, Any]:
    def change() -> None:
        with req.db.write() as session:
            row = FLOATING_IPS.load(session, req.ctx, ident, lock=True)
            req.authorize("update_floatingip", resources.target(row.project_id))
            resources.check_revision(req, row)
            values = resources.given(req.body, ("description",))
            floating.changed(session, req, row, {**values, **_association(session, req, row)})

    ipam.race(change)
    return resources.show_one(req, FLOATING_IPS, ident)


def _association(session: Session, req: Request, row: Any) -> dict[str, Any]:
    body = req.body
    port_id = row.fixed_port_id if body.port_id is UNSET else body.port_id
    if body.port_id is UNSET and body.fixed_ip_address is UNSET:
        return {}
    if not port_id:
        if body.fixed_ip_address:
            raise _bad("'fixed_ip_address' needs a 'port_id'")
        return floating.NOWHERE if row.fixed_port_id else {}
    sent = select(Forwarding.id).where(Forwarding.floatingip_id == row.id).limit(1)
    if session.scalar(sent):
        raise fault("FipInUseByPortForwarding", id=row.id)
    fixed = body.fixed_ip_address if body.fixed_ip_address is not UNSET else None
    if fixed is None and body.port_id is not UNSET and port_id == row.fixed_port_id:
        fixed = row.fixed_ip_address
    return floating.associate(session, req, row, port_id, fixed)


def delete_floatingip(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = FLOATING_IPS.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_floatingip", resources.target(row.project_id))
        resources.check_revision(req, row)
        floating.remove(session, req, row)
