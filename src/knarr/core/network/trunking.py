"""Trunks as the rest of the service meets them: which ports are in one, and what happens to those with it.

Subports are bound where their trunk's port is, and nobody else binds them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import case, select, update
from sqlalchemy.orm import Session

from knarr.core.network import binding, sync
from knarr.core.network.errors import fault
from knarr.core.network.models import Port, SubPort, Trunk
from knarr.core.network.resources import IDS

OWNER = "trunk:subport"
VLAN = "vlan"

_parent = select(Port.id).where(Port.id == Trunk.port_id, Port.status == "ACTIVE").exists()
_subports = select(Port.id).join(SubPort, SubPort.port_id == Port.id).where(SubPort.trunk_id == Trunk.id)
STATUS = case(
    (~(_parent & Trunk.admin_state_up.is_(True)), "DOWN"),
    (~_subports.where(Port.status != "ACTIVE").exists(), "ACTIVE"),
    (_subports.where(Port.status == "ACTIVE").exists(), "DEGRADED"),
    else_="BUILD",
)
"""What a trunk comes to: its port is not there, all is, some subports are not, none is yet."""


def check_free(session: Session, port_id: str) -> None:
    """Raise 409 for a port that is in a trunk."""
    trunk = session.scalar(select(Trunk.id).where(Trunk.port_id == port_id))
    if trunk:
        raise fault("PortInUseAsTrunkParent", port=port_id, trunk=trunk)
    check_no_subport(session, port_id)


def check_no_subport(session: Session, port_id: str) -> None:
    """Raise 409 for a port that goes where a trunk goes."""
    trunk = session.scalar(select(SubPort.trunk_id).where(SubPort.port_id == port_id))
    if trunk:
        raise fault("PortInUseAsSubPort", port=port_id, trunk=trunk)


def bind(session: Session, req: Any, port_ids: Collection[str], host: str, owner: str = OWNER) -> None:
    """Bind the ports to the host ("": to none), where they follow their trunk."""
    rows = session.execute(select(Port.id, Port.network_id).where(Port.id.in_(port_ids))).all()
    vif_type = binding.vif_type(session, host)
    session.execute(
        update(Port)
        .where(Port.id.in_(port_ids))
        .values(host=host, vif_type=vif_type, status="DOWN", device_owner=owner)
    )
    for row in rows:
        sync.port(session, req, row.id, row.network_id)


def subports(session: Session, parent_id: str) -> Sequence[str]:
    """Ports that the port carries."""
    stmt = select(SubPort.port_id).join(Trunk, Trunk.id == SubPort.trunk_id)
    return session.scalars(stmt.where(Trunk.port_id == parent_id)).all()


_OF_PORTS = select(Trunk.id, Trunk.port_id).where(Trunk.port_id.in_(IDS))


def details(session: Session, port_ids: Sequence[str]) -> dict[str, dict[str, Any]]:
    """`trunk_details` of those among the ports that have one; a second query only if there are any."""
    found = session.execute(_OF_PORTS, {"ids": port_ids}).all()
    if not found:
        return {}
    stmt = select(*SubPort.__table__.columns, Port.mac_address).join(Port, Port.id == SubPort.port_id)
    stmt = stmt.where(SubPort.trunk_id.in_([row.id for row in found])).order_by(SubPort.vlan)
    inside: dict[str, list[dict[str, Any]]] = {}
    for row in session.execute(stmt):
        inside.setdefault(row.trunk_id, []).append({**view(row), "mac_address": row.mac_address})
    return {row.port_id: {"trunk_id": row.id, "sub_ports": inside.get(row.id, [])} for row in found}


def view(row: Any) -> dict[str, Any]:
    """A subport as trunks show it."""
    return {"port_id": row.port_id, "segmentation_type": VLAN, "segmentation_id": row.vlan}
