"""Port forwardings of floating IPs: single ports that are sent on to a port's address."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import floating, ipam, resources, sync
from knarr.core.network.api.floatingips import FLOATING_IPS
from knarr.core.network.errors import fault
from knarr.core.network.models import FloatingIp, Forwarding
from knarr.core.network.portviews import PORTS
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

COLUMNS = (
    "protocol",
    "external_port",
    "internal_port_id",
    "internal_ip_address",
    "internal_port",
    "description",
)


def _view(row: Any) -> dict[str, Any]:
    return {"id": row.id, **{name: getattr(row, name) for name in COLUMNS}}


def list_forwardings(req: Request, ident: str) -> dict[str, Any]:
    tests = []
    for name in ("id", *COLUMNS):
        values = req.params.get(name)
        column = getattr(Forwarding, name)
        if values and name.endswith("_port"):
            tests.append(resources.number(column)(name, values))
        elif values:
            tests.append(column.in_(values))
    with req.db.read() as session:
        FLOATING_IPS.load(session, req.ctx, ident)
        stmt = select(*Forwarding.__table__.columns).where(Forwarding.floatingip_id == ident, *tests)
        found = [_view(row) for row in session.execute(stmt.order_by(Forwarding.id))]
    return {"port_forwardings": resources.only_fields(req, found)}


def _find(session: Session, ident: str, forwarding_id: str) -> Any:
    stmt = select(*Forwarding.__table__.columns).where(
        Forwarding.floatingip_id == ident, Forwarding.id == forwarding_id
    )
    row = session.execute(stmt).first()
    if row is None:
        raise fault("PortForwardingNotFound", id=forwarding_id)
    return row


def show_forwarding(req: Request, ident: str, forwarding_id: str) -> dict[str, Any]:
    with req.db.read() as session:
        FLOATING_IPS.load(session, req.ctx, ident)
        view = _view(_find(session, ident, forwarding_id))
    return {"port_forwarding": resources.only_fields(req, [view])[0]}


def _locked(req: Request, session: Session, ident: str, verb: str) -> Any:
    row = FLOATING_IPS.load(session, req.ctx, ident, lock=True)
    req.authorize(f"{verb}_floatingip_port_forwarding", resources.target(row.project_id))
    return row


def create_forwarding(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    values = {name: getattr(body, name) for name in COLUMNS}

    def make() -> str:
        with req.db.write() as session:
            row = _locked(req, session, ident, "create")
            if row.fixed_port_id:
                why = f"floating IP {ident} leads to port {row.fixed_port_id} as a whole"
                raise fault("BadRequest", resource="port_forwarding", why=why)
            made = {"id": new_id(), "project_id": row.project_id, "floatingip_id": ident, **values}
            router_id = _check(req, session, row, made)
            session.execute(insert(Forwarding), [made])
            _carried(session, req, row, router_id)
        return str(made["id"])

    return show_forwarding(req, ident, ipam.race(make))


def _check(req: Request, session: Session, row: Any, values: dict[str, Any]) -> str:
    """Put the internal address into the values; the router that leads to it."""
    port = PORTS.load(session, req.ctx, values["internal_port_id"])
    if port.project_id != row.project_id and not req.ctx.is_admin:
        raise fault("PortNotFound", id=port.id)
    address = floating.inside(session, port.id, values["internal_ip_address"] or None)
    values["internal_ip_address"] = address.ip_address
    _check_unbound(session, port.id, address.ip_address)
    router_id = floating.router_between(session, row.floating_network_id, address.subnet_id)
    if router_id is None or (row.router_id and row.router_id != router_id):
        raise fault(
            "ExternalGatewayForFloatingIPNotFound",
            network=row.floating_network_id,
            subnet=address.subnet_id,
            port=port.id,
        )
    _check_free(session, row.id, values)
    return router_id


def _check_unbound(session: Session, port_id: str, address: str) -> None:
    bound = select(FloatingIp.id, FloatingIp.floating_ip_address).where(
        FloatingIp.fixed_port_id == port_id, FloatingIp.fixed_ip_address == address
    )
    found = session.execute(bound).first()
    if found:
        raise fault("PortHasBindingFloatingIP", port=port_id, address=found.floating_ip_address, id=found.id)


def _check_free(session: Session, ident: str, values: dict[str, Any]) -> None:
    mine = (
        Forwarding.floatingip_id == ident,
        Forwarding.protocol == values["protocol"],
        Forwarding.id != values["id"],
    )
    outside = Forwarding.external_port == values["external_port"]
    inside = (
        (Forwarding.internal_port_id == values["internal_port_id"])
        & (Forwarding.internal_ip_address == values["internal_ip_address"])
        & (Forwarding.internal_port == values["internal_port"])
    )
    if session.scalar(select(Forwarding.id).where(*mine, outside | inside).limit(1)):
        why = f"a port forwarding of floating IP {ident} has the external port or the internal one already"
        raise fault("BadRequest", resource="port_forwarding", why=why)


def _carried(session: Session, req: Request, row: Any, router_id: str | None) -> None:
    status = row.status if router_id else "DOWN"
    session.execute(
        update(FloatingIp)
        .where(FloatingIp.id == row.id)
        .values(**resources.touched(row, router_id=router_id, status=status))
    )
    sync.routers(session, req, [row.router_id, router_id])


def update_forwarding(req: Request, ident: str, forwarding_id: str) -> dict[str, Any]:
    body = req.body

    def change() -> None:
        with req.db.write() as session:
            row = _locked(req, session, ident, "update")
            old = _find(session, ident, forwarding_id)
            given = {n: v for n in COLUMNS if (v := getattr(body, n)) is not UNSET}
            values = {**{name: getattr(old, name) for name in COLUMNS}, **given, "id": old.id}
            if "internal_port_id" in given and "internal_ip_address" not in given:
                values["internal_ip_address"] = None
            router_id = _check(req, session, row, values)
            changes = {name: values[name] for name in COLUMNS}
            session.execute(
                update(Forwarding).where(Forwarding.id == old.id).values(**resources.touched(old, **changes))
            )
            _carried(session, req, row, router_id)

    ipam.race(change)
    return show_forwarding(req, ident, forwarding_id)


def delete_forwarding(req: Request, ident: str, forwarding_id: str) -> None:
    with req.db.write() as session:
        row = _locked(req, session, ident, "delete")
        _find(session, ident, forwarding_id)
        session.execute(delete(Forwarding).where(Forwarding.id == forwarding_id))
        left = session.scalar(select(Forwarding.id).where(Forwarding.floatingip_id == ident).limit(1))
        _carried(session, req, row, row.router_id if left else None)
