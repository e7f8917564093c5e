"""Telling the hosts: a change of a row becomes one operation for each host that carries ports.

An operation says only *what* changed. The host reads the state as it is when it acts, so that of two
changes in quick succession the later one always stands in the end.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from knarr.core.network.binding import ALIVE
from knarr.core.network.models import Host, Network, Port, Router, RouterPort
from knarr.kernel.db import utcnow
from knarr.kernel.operations import enqueue

SYNC_NETWORK = "network.network.sync"
SYNC_PORT = "network.port.sync"
SYNC_GROUP = "network.security_group.sync"
SYNC_ROUTER = "network.router.sync"
SYNC_PORTS = "network.ports.sync"


def network(session: Session, req: Any, network_id: str) -> None:
    """A network or its subnets changed: told where ports of it are, which is nowhere for most."""
    hosts = session.scalars(
        select(Port.host).where(Port.network_id == network_id, Port.host != "").distinct()
    )
    for host in hosts.all():
        _tell(session, req, SYNC_NETWORK, "network", network_id, host)
    among = select(RouterPort.router_id).where(RouterPort.network_id == network_id)
    for row in session.execute(select(Router.id, Router.host).where(Router.id.in_(among))).all():
        router(session, req, row.id, row.host)


def network_gone(session: Session, req: Any, network_id: str) -> None:
    """A network was deleted: its bridge may still be on any host that had ports of it."""
    for host in _all(session):
        _tell(session, req, SYNC_NETWORK, "network", network_id, host)


def port(session: Session, req: Any, port_id: str, network_id: str) -> None:
    """A port that is, was or is now to be bound changed. All hosts are told: its addresses may stand in the
    rules of remote groups there.
    """
    for host in _all(session):
        _tell(session, req, SYNC_PORT, "port", port_id, host, network_id=network_id)


def group(session: Session, req: Any, group_id: str) -> None:
    """A security group's rules changed, or it is gone."""
    for host in _all(session):
        _tell(session, req, SYNC_GROUP, "security_group", group_id, host)


def network_ports(session: Session, req: Any, network_id: str) -> None:
    """What all ports of a network have by it is another now: its QoS policy, state, addresses by SLAAC."""
    _ports(session, req, "network", network_id, Port.network_id == network_id)


def policy(session: Session, req: Any, policy_id: str) -> None:
    """The rules of a QoS policy changed."""
    networks = select(Network.id).where(Network.qos_policy_id == policy_id)
    using = or_(Port.qos_policy_id == policy_id, Port.network_id.in_(networks))
    _ports(session, req, "qos_policy", policy_id, using)


def _ports(session: Session, req: Any, what: str, ident: str, using: Any) -> None:
    for host in session.scalars(select(Port.host).where(using, Port.host != "").distinct()).all():
        _tell(session, req, SYNC_PORTS, what, ident, host)


def router(session: Session, req: Any, router_id: str, host: str) -> None:
    """A router, its legs or its floating IPs changed, or it is gone from the host."""
    if host:
        _tell(session, req, SYNC_ROUTER, "router", router_id, host)


def routers(session: Session, req: Any, ids: Iterable[str | None]) -> None:
    """As `router`, for those of these that are there."""
    wanted = sorted({ident for ident in ids if ident})
    if not wanted:
        return
    for row in session.execute(select(Router.id, Router.host).where(Router.id.in_(wanted))).all():
        router(session, req, row.id, row.host)


def carrier(session: Session, preferred: str) -> str:
    """A host for a new router: the preferred one if it is alive and carries routers, else another or ""."""
    rows = session.execute(
        select(Host.host, Host.capabilities).where(Host.seen_at > utcnow() - ALIVE).order_by(Host.host)
    )
    able = [row.host for row in rows if "routers" in (row.capabilities or ())]
    return preferred if preferred in able else next(iter(able), "")


def _all(session: Session) -> Iterable[str]:
    """The hosts that are alive; one that comes back compares everything when it starts."""
    return session.scalars(select(Host.host).where(Host.seen_at > utcnow() - ALIVE)).all()


def _tell(session: Session, req: Any, kind: str, what: str, ident: str, host: str, **data: Any) -> None:
    enqueue(session, kind, resource_type=what, resource_id=ident, ctx=req.ctx, host=host, data=data)
