"""The operations of the network service: make this host follow a row. Each reads the row as it is now, so
that running one twice, late or after another does no harm.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.core.network import desired, desired_routers
from knarr.core.network.drivers.base import NetworkBackend
from knarr.core.network.hosting import floating_ids, heartbeat, hosting, reconcile
from knarr.core.network.models import FloatingIp, Network, Port, Router
from knarr.core.network.sync import SYNC_GROUP, SYNC_NETWORK, SYNC_PORT, SYNC_PORTS, SYNC_ROUTER
from knarr.kernel.operations import OperationKind, Step
from knarr.kernel.periodic import Periodic
from knarr.kernel.work import Work

Then = Callable[[], None] | None


def sync_port(work: Work) -> None:
    here = hosting(work.runtime)

    def act(backend: NetworkBackend, session: Session) -> Then:
        bound = desired.ports(session, (Port.id == work.resource_id) & desired.CARRIED, here.host)
        if not bound:
            return partial(backend.remove_port, work.resource_id)
        port = bound[0]
        if not port.local:
            return partial(backend.apply_port, port)
        networks = desired.networks(session, {port.network_id} - here.networks)
        groups = desired.groups(session, set(port.security_groups) - here.groups)

        def apply() -> None:
            for network in networks:
                backend.apply_network(network)
                here.networks.add(network.id)
            if groups:
                backend.apply_groups(groups)
                here.groups.update(group.id for group in groups)
            backend.apply_port(port)

        return apply

    here.follow(act)
    here.present(work.resource_id, here.backend.port_present(work.resource_id))


def sync_network(work: Work) -> None:
    here = hosting(work.runtime)

    def act(backend: NetworkBackend, session: Session) -> Then:
        found = desired.networks(session, [work.resource_id])
        if not found:
            here.networks.discard(work.resource_id)
            return partial(backend.remove_network, work.resource_id)
        used = select(Port.id).where(Port.network_id == work.resource_id, Port.host == here.host).limit(1)
        return partial(backend.apply_network, found[0]) if session.scalar(used) else None

    here.follow(act)


def sync_group(work: Work) -> None:
    here = hosting(work.runtime)

    def act(backend: NetworkBackend, session: Session) -> Then:
        found = desired.groups(session, [work.resource_id])
        if not found:
            here.groups.discard(work.resource_id)
            return partial(backend.remove_group, work.resource_id)
        # One that no port here has is applied when the first port comes.
        return partial(backend.apply_groups, found) if work.resource_id in here.groups else None

    here.follow(act)


def sync_ports(work: Work) -> None:
    """Apply the ports here that use a QoS policy, or are on a network that has changed for all of them."""
    here = hosting(work.runtime)
    if work.resource_type == "network":
        using = Port.network_id == work.resource_id
    else:
        networks = select(Network.id).where(Network.qos_policy_id == work.resource_id)
        using = (Port.qos_policy_id == work.resource_id) | Port.network_id.in_(networks)

    def act(backend: NetworkBackend, session: Session) -> Then:
        mine = using & (Port.host == here.host) & desired.NOT_A_LEG
        found = desired.ports(session, mine & desired.CARRIED, here.host)
        down = set(session.scalars(select(Port.id).where(mine))) - {port.id for port in found}

        def apply() -> None:
            for port_id in sorted(down):
                backend.remove_port(port_id)
            if found:
                backend.apply_ports(found)

        return apply

    here.follow(act)


def sync_router(work: Work) -> None:
    here = hosting(work.runtime)

    def act(backend: NetworkBackend, session: Session) -> Then:
        mine = (Router.id == work.resource_id) & (Router.host == here.host)
        found = desired_routers.routers(session, mine)
        if not found:
            here.floating.pop(work.resource_id, None)
            return partial(backend.remove_router, work.resource_id)
        legs = desired_routers.legs_of(found[0])
        networks = desired.networks(session, {leg.network_id for leg in legs} - here.networks)

        def apply() -> None:
            for network in networks:
                backend.apply_network(network)
                here.networks.add(network.id)
            backend.apply_router(found[0])
            here.floating[work.resource_id] = floating_ids(found[0])

        return apply

    here.follow(act)
    here.routed([work.resource_id])


def router_failed(work: Work, error: BaseException) -> None:
    """What was to lead through the router does not."""
    waiting = (FloatingIp.router_id == work.resource_id, FloatingIp.status == "DOWN")
    with work.db.write() as session:
        session.execute(update(FloatingIp).where(*waiting).values(status="ERROR"))


OPERATIONS = (
    OperationKind(SYNC_PORT, (Step("apply", sync_port),), retries=8, target="host"),
    OperationKind(SYNC_NETWORK, (Step("apply", sync_network),), retries=8, target="host"),
    OperationKind(SYNC_GROUP, (Step("apply", sync_group),), retries=8, target="host"),
    OperationKind(SYNC_PORTS, (Step("apply", sync_ports),), retries=8, target="host"),
    OperationKind(SYNC_ROUTER, (Step("apply", sync_router),), retries=8, target="host", failed=router_failed),
)

PERIODICS = (
    Periodic("network.heartbeat", 25.0, heartbeat),
    Periodic("network.reconcile", "network.reconcile_interval", reconcile),
)
