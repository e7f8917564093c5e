"""Binding a port to a host: which host can carry it, and what the plugging side is told."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.network.drivers.base import bridge_name
from knarr.core.network.models import Host
from knarr.kernel.db import utcnow

UNBOUND, FAILED = "unbound", "binding_failed"
ALIVE = timedelta(seconds=75)  # as Neutron's agent_down_time


def vif_type(session: Session, host: str) -> str:
    """How a port is plugged on the host; `binding_failed` where no backend has been heard of lately."""
    if not host:
        return UNBOUND
    row = session.execute(select(Host.vif_type, Host.seen_at).where(Host.host == host)).first()
    if row is None or utcnow() - row.seen_at > ALIVE:
        return FAILED
    return str(row.vif_type)


def vif_details(port: Any, mtu: int) -> dict[str, Any]:
    if port.vif_type in (UNBOUND, FAILED):
        return {}
    return {"bridge_name": bridge_name(port.network_id), "port_filter": True, "mtu": mtu}
