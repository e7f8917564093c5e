"""Routers, their interfaces and extra routes."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, routing, sync, trunking
from knarr.core.network.api.networks import ZONE
from knarr.core.network.api.subnets import SUBNETS
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Address, Port, Router, RouterPort, Tag
from knarr.core.network.portviews import PORTS
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

SETTABLE = ("name", "description", "admin_state_up")
GUARDED = {"distributed": "distributed", "ha": "ha"}


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    stmt = (
        select(RouterPort.router_id, RouterPort.network_id, Address.subnet_id, Address.ip_address)
        .outerjoin(Address, Address.port_id == RouterPort.port_id)
        .where(RouterPort.router_id.in_(ids), RouterPort.gateway.is_(True))
        .order_by(Address.position)
    )
    gateways: dict[str, list[Any]] = {}
    for row in session.execute(stmt):
        gateways.setdefault(row.router_id, []).append(row)
    tags = resources.tags_of(session, ids)
    return [_view(row, gateways.get(row.id, []), tags) for row in rows]


def _view(row: Any, gateway: list[Any], tags: dict[str, list[str]]) -> dict[str, Any]:
    info = None
    if gateway:
        fixed = [{"subnet_id": g.subnet_id, "ip_address": g.ip_address} for g in gateway if g.subnet_id]
        info = {
            "network_id": gateway[0].network_id,
            "enable_snat": row.enable_snat,
            "external_fixed_ips": fixed,
        }
    return {
        **resources.standard_view(row, tags),
        "name": row.name,
        "admin_state_up": row.admin_state_up,
        "status": row.status,
        "external_gateway_info": info,
        "routes": row.routes,
        "distributed": False,
        "ha": False,
        "availability_zones": [ZONE] if row.host else [],
        "availability_zone_hints": [],
    }


ROUTERS = resources.Resource(
    singular="router",
    plural="routers",
    model=Router,
    views=views,
    not_found="RouterNotFound",
    sortable=("name", "admin_state_up", "status"),
    filters={
        **resources.standard_filters(Router),
        "name": resources.equals(Router.name),
        "status": resources.equals(Router.status),
        "admin_state_up": resources.is_true(Router.admin_state_up),
        "enable_snat": resources.is_true(Router.enable_snat),
        "distributed": resources.always("False"),
        "ha": resources.always("False"),
    },
)


def list_routers(req: Request) -> dict[str, Any]:
    return resources.list_all(req, ROUTERS)


def show_router(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, ROUTERS, ident)


def create_router(req: Request) -> dict[str, Any]:
    plans = [(body, _new(req, body)) for body in resources.bodies(req)]

    def make() -> None:
        with req.db.write() as session:
            host = sync.carrier(session, req.runtime.host)
            for body, row in plans:
                resources.charge(req, session, row["project_id"], router=1)
                session.execute(insert(Router), [{**row, "host": host}])
                router = session.execute(ROUTERS.columns().where(Router.id == row["id"])).one()
                values = _gateway(session, req, router, body, "create_router")
                session.execute(update(Router).where(Router.id == router.id).values(**values))
                sync.router(session, req, router.id, host)

    ipam.race(make)
    return resources.created(req, ROUTERS, [row["id"] for _, row in plans])


def _new(req: Request, body: Any) -> dict[str, Any]:
    project_id = resources.owner(req, body)
    resources.authorize(req, "create_router", body, GUARDED, resources.target(project_id))
    _check_kind(body)
    if body.availability_zone_hints and set(body.availability_zone_hints) != {ZONE}:
        raise invalid(f"the only availability zone for 'availability_zone_hints' is '{ZONE}'")
    values = {"name": "", "description": "", "admin_state_up": True, **resources.given(body, SETTABLE)}
    return {"id": new_id(), "project_id": project_id, "enable_snat": True, "routes": [], **values}


def _check_kind(body: Any) -> None:
    for name in ("distributed", "ha"):
        if getattr(body, name) is True:
            raise invalid(f"'{name}' can only be false: a router is on one host here")


def _gateway(session: Session, req: Request, router: Any, body: Any, action: str) -> dict[str, Any]:
    info = body.external_gateway_info
    if info is UNSET:
        return {"enable_snat": router.enable_snat}
    return {"enable_snat": router.enable_snat} | routing.change_gateway(session, req, router, info, action)


def update_router(req: Request, ident: str) -> dict[str, Any]:
    body = req.body

    def change() -> None:
        with req.db.write() as session:
            row = _locked(req, session, ident, "update_router")
            resources.authorize(req, "update_router", body, GUARDED, resources.target(row.project_id))
            _check_kind(body)
            values = resources.given(body, SETTABLE)
            values.update(_gateway(session, req, row, body, "update_router"))
            if body.routes is not UNSET:
                values["routes"] = routing.check_routes(session, ident, body.routes or [])
            routing.changed(session, req, row, **values)

    ipam.race(change)
    return resources.show_one(req, ROUTERS, ident)


def _locked(req: Request, session: Session, ident: str, rule: str) -> Any:
    """The router, for a change. Two changes of one router wait for each other."""
    row = ROUTERS.load(session, req.ctx, ident, lock=True)
    req.authorize(rule, resources.target(row.project_id))
    resources.check_revision(req, row)
    return row


def delete_router(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = _locked(req, session, ident, "delete_router")
        inside = select(RouterPort.port_id).where(
            RouterPort.router_id == ident, RouterPort.gateway.is_(False)
        )
        if session.scalar(inside.limit(1)):
            raise fault("RouterInUse", id=ident)
        routing.change_gateway(session, req, row, None, "update_router")
        resources.charge(req, session, row.project_id, router=-1)
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(Router).where(Router.id == ident))
        sync.router(session, req, ident, row.host)


def add_router_interface(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    if bool(body.subnet_id) == bool(body.port_id):
        why = "give either 'subnet_id' or 'port_id'"
        raise fault("BadRequest", resource="router", why=why)

    def add() -> dict[str, Any]:
        with req.db.write() as session:
            router = _locked(req, session, ident, "add_router_interface")
            connect = _add_subnet if body.subnet_id else _add_port
            answer = connect(req, session, router, body)
            routing.changed(session, req, router)
        return answer

    return ipam.race(add)


def _add_subnet(req: Request, session: Session, router: Any, body: Any) -> dict[str, Any]:
    subnet = SUBNETS.load(session, req.ctx, body.subnet_id, lock=True)
    if router.project_id:
        resources.charge(req, session, router.project_id, port=1)
    port_id = routing.connect_subnet(session, router, subnet)
    return _interface(router, port_id, subnet.network_id, [subnet.id])


def _add_port(req: Request, session: Session, router: Any, body: Any) -> dict[str, Any]:
    port = PORTS.load(session, req.ctx, body.port_id, lock=True)
    if port.project_id != router.project_id and not req.ctx.is_admin:
        raise fault("PortNotFound", id=port.id)
    trunking.check_free(session, port.id)
    subnets = routing.connect_port(session, router, port)
    return _interface(router, port.id, port.network_id, [subnet.id for subnet in subnets])


def _interface(router: Any, port_id: str, network_id: str, subnet_ids: list[str]) -> dict[str, Any]:
    return {
        "id": router.id,
        "project_id": router.project_id,
        "tenant_id": router.project_id,
        "port_id": port_id,
        "network_id": network_id,
        "subnet_id": subnet_ids[0],
        "subnet_ids": subnet_ids,
        "tags": [],
    }


def remove_router_interface(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    if not body.subnet_id and not body.port_id:
        raise fault("BadRequest", resource="router", why="give 'subnet_id' or 'port_id'")
    with req.db.write() as session:
        router = _locked(req, session, ident, "remove_router_interface")
        connected = routing.legs(session, ident)
        mine = _legs_to_remove(ident, [leg for leg in connected if not leg.gateway], body)
        subnet_ids = [leg.subnet_id for leg in mine]
        routing.check_unneeded(session, router, set(subnet_ids), connected)
        port = session.execute(select(Port.id, Port.project_id).where(Port.id == mine[0].port_id)).one()
        routing.disconnect(session, port.id)
        if port.project_id:
            resources.charge(req, session, port.project_id, port=-1)
        routing.changed(session, req, router)
    return _interface(router, port.id, mine[0].network_id, subnet_ids)


def _legs_to_remove(router_id: str, inside: list[Any], body: Any) -> list[Any]:
    """The addresses of the one leg that the body names."""
    if body.port_id:
        mine = [leg for leg in inside if leg.port_id == body.port_id]
        if not mine:
            raise fault("RouterInterfaceNotFound", router=router_id, port=body.port_id)
        if body.subnet_id and all(leg.subnet_id != body.subnet_id for leg in mine):
            raise fault("SubnetMismatchForPort", port=body.port_id, subnet=body.subnet_id)
        return mine
    port_id = next((leg.port_id for leg in inside if leg.subnet_id == body.subnet_id), None)
    if port_id is None:
        raise fault("RouterInterfaceNotFoundForSubnet", router=router_id, subnet=body.subnet_id)
    return [leg for leg in inside if leg.port_id == port_id]


def add_extraroutes(req: Request, ident: str) -> dict[str, Any]:
    """Beside those that are there; one that is there already changes nothing."""
    return _change_routes(req, ident, "add_extraroutes", lambda have, named: [*have, *named])


def remove_extraroutes(req: Request, ident: str) -> dict[str, Any]:
    """One that is not there changes nothing."""
    return _change_routes(
        req, ident, "remove_extraroutes", lambda have, named: [route for route in have if route not in named]
    )


def _change_routes(req: Request, ident: str, rule: str, combine: Any) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, rule)
        named = [routing.route_view(route) for route in req.body.routes]
        wanted = {(r["destination"], r["nexthop"]): r for r in combine(row.routes, named)}
        routes = [SimpleNamespace(**route) for route in wanted.values()]
        routing.changed(session, req, row, routes=routing.check_routes(session, ident, routes))
    return resources.show_one(req, ROUTERS, ident)
