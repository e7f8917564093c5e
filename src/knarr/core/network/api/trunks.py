"""Trunks: a port that carries others, its subports, in VLANs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, trunking
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Network, Port, SubPort, Tag, Trunk
from knarr.core.network.portviews import PORTS
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

SETTABLE = ("name", "description", "admin_state_up")


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    tags = resources.tags_of(session, ids)
    found = session.execute(select(Trunk.id, trunking.STATUS.label("status")).where(Trunk.id.in_(ids)))
    states = {row.id: row.status for row in found}
    inside: dict[str, list[dict[str, Any]]] = {}
    stmt = select(*SubPort.__table__.columns).where(SubPort.trunk_id.in_(ids)).order_by(SubPort.vlan)
    for one in session.execute(stmt):
        inside.setdefault(one.trunk_id, []).append(trunking.view(one))
    return [
        {
            **resources.standard_view(row, tags),
            **{name: getattr(row, name) for name in ("name", "admin_state_up", "port_id")},
            "status": states[row.id],
            "sub_ports": inside.get(row.id, []),
        }
        for row in rows
    ]


TRUNKS = resources.Resource(
    singular="trunk",
    plural="trunks",
    model=Trunk,
    views=views,
    not_found="TrunkNotFound",
    sortable=("name", "port_id", "admin_state_up"),
    filters={
        **resources.standard_filters(Trunk),
        "name": resources.equals(Trunk.name),
        "port_id": resources.equals(Trunk.port_id),
        "admin_state_up": resources.is_true(Trunk.admin_state_up),
        "status": resources.equals(trunking.STATUS),
    },
)


def list_trunks(req: Request) -> dict[str, Any]:
    return resources.list_all(req, TRUNKS)


def show_trunk(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, TRUNKS, ident)


def create_trunk(req: Request) -> dict[str, Any]:
    plans = [(body, _new(req, body)) for body in resources.bodies(req)]

    def make() -> None:
        with req.db.write() as session:
            for body, row in plans:
                resources.charge(req, session, row["project_id"], trunk=1)
                parent = _port(req, session, body.port_id)
                _check_parent(session, parent)
                session.execute(insert(Trunk), [row])
                _add(req, session, row["id"], parent, body.sub_ports)

    ipam.race(make)
    return resources.created(req, TRUNKS, [row["id"] for _, row in plans])


def _new(req: Request, body: Any) -> dict[str, Any]:
    project_id = resources.owner(req, body)
    req.authorize("create_trunk", resources.target(project_id))
    values = {"name": "", "description": "", "admin_state_up": True, **resources.given(body, SETTABLE)}
    return {"id": new_id(), "project_id": project_id, "port_id": body.port_id, **values}


def _port(req: Request, session: Session, ident: str) -> Any:
    """The port, if it is the caller's: being seen, as those on one's networks are, is not enough."""
    port = PORTS.load(session, req.ctx, ident, lock=True)
    if port.project_id != req.ctx.project_id and not req.ctx.is_admin:
        raise fault("PortNotFound", id=ident)
    return port


def _check_parent(session: Session, port: Any) -> None:
    _check_in_no_trunk(session, port.id)
    if port.device_owner.startswith("network:"):
        raise fault("ParentPortInUse", port=port.id, why=f"it is a port of {port.device_owner}")


def _check_in_no_trunk(session: Session, port_id: str) -> None:
    for stmt in (
        select(Trunk.id).where(Trunk.port_id == port_id),
        select(SubPort.trunk_id).where(SubPort.port_id == port_id),
    ):
        trunk = session.scalar(stmt)
        if trunk:
            raise fault("TrunkPortInUse", port=port_id, trunk=trunk)


def _add(req: Request, session: Session, trunk_id: str, parent: Any, asked: Sequence[Any]) -> None:
    """Put the ports that are asked for into VLANs of the parent."""
    if not asked:
        return
    rows = []
    bound = session.scalar(select(Network.mtu).where(Network.id == parent.network_id)) or 0
    used = set(session.scalars(select(SubPort.vlan).where(SubPort.trunk_id == trunk_id)))
    for entry in asked:
        vlan = _vlan(entry)
        if vlan in used:
            raise fault("DuplicateSubPort", vlan=vlan, id=trunk_id)
        used.add(vlan)
        port = _port(req, session, entry.port_id)
        _check_subport(session, trunk_id, port, parent, bound)
        rows.append({"port_id": port.id, "trunk_id": trunk_id, "vlan": vlan})
    session.execute(insert(SubPort), rows)
    trunking.bind(session, req, [row["port_id"] for row in rows], parent.host)


def _vlan(entry: Any) -> int:
    if entry.segmentation_type == "inherit":
        raise invalid("'segmentation_type' can only be 'vlan' here: networks have no VLAN to inherit")
    if entry.segmentation_type is None or entry.segmentation_id is None:
        raise invalid(f"subport {entry.port_id} needs both 'segmentation_type' and 'segmentation_id'")
    return int(entry.segmentation_id)


def _check_subport(session: Session, trunk_id: str, port: Any, parent: Any, bound: int) -> None:
    if port.id == parent.id:
        raise fault("ParentPortInUse", port=port.id, why="it is a subport of the same trunk")
    _check_in_no_trunk(session, port.id)
    device = port.device_id or port.host or (port.device_owner if "network:" in port.device_owner else "")
    if device:
        raise fault("PortInUse", port=port.id, network=port.network_id, device=device)
    mtu = session.scalar(select(Network.mtu).where(Network.id == port.network_id)) or 0
    if mtu > bound:
        raise fault("SubPortMtuGreaterThanTrunkPortMtu", mtu=mtu, port=port.id, bound=bound, id=trunk_id)


def _locked(req: Request, session: Session, ident: str, rule: str) -> Any:
    row = TRUNKS.load(session, req.ctx, ident, lock=True)
    req.authorize(rule, resources.target(row.project_id))
    resources.check_revision(req, row)
    return row


def _touch(session: Session, row: Any, **values: Any) -> None:
    session.execute(update(Trunk).where(Trunk.id == row.id).values(**resources.touched(row, **values)))


def update_trunk(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "update_trunk")
        values = resources.given(req.body, SETTABLE)
        _touch(session, row, **values)
        if values.get("admin_state_up", row.admin_state_up) != row.admin_state_up:
            host = session.scalar(select(Port.host).where(Port.id == row.port_id)) or ""
            trunking.bind(session, req, trunking.subports(session, row.port_id), host)
    return resources.show_one(req, TRUNKS, ident)


def delete_trunk(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = _locked(req, session, ident, "delete_trunk")
        _check_enabled(row)
        carried = trunking.subports(session, row.port_id)
        session.execute(delete(SubPort).where(SubPort.trunk_id == ident))
        trunking.bind(session, req, carried, "", "")
        resources.charge(req, session, row.project_id, trunk=-1)
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(Trunk).where(Trunk.id == ident))


def _check_enabled(row: Any) -> None:
    if not row.admin_state_up:
        raise fault("TrunkDisabled", id=row.id)


def get_subports(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = TRUNKS.load(session, req.ctx, ident)
        return {"sub_ports": views(req, session, [row])[0]["sub_ports"]}


def add_subports(req: Request, ident: str) -> dict[str, Any]:
    def add() -> None:
        with req.db.write() as session:
            row = _locked(req, session, ident, "add_subports")
            _check_enabled(row)
            parent = session.execute(PORTS.columns().where(Port.id == row.port_id)).one()
            _add(req, session, ident, parent, req.body.sub_ports)
            _touch(session, row)

    ipam.race(add)
    return _shown(req, ident)


def remove_subports(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "remove_subports")
        _check_enabled(row)
        carried = set(trunking.subports(session, row.port_id))
        named = [entry.port_id for entry in req.body.sub_ports]
        for port_id in named:
            if port_id not in carried:
                raise fault("SubPortNotFound", id=ident, port=port_id)
        session.execute(delete(SubPort).where(SubPort.port_id.in_(named)))
        trunking.bind(session, req, named, "", "")
        _touch(session, row)
    return _shown(req, ident)


def _shown(req: Request, ident: str) -> dict[str, Any]:
    """The trunk without its envelope, as these two actions answer."""
    found: dict[str, Any] = resources.show_one(req, TRUNKS, ident)["trunk"]
    return found
