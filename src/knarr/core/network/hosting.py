"""This host's part: its backend, what it should carry, and the work that makes it so."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from knarr.core.network import desired
from knarr.core.network.binding import ALIVE
from knarr.core.network.drivers.base import BackendError, DesiredState, NetworkBackend, RouterState
from knarr.core.network.models import FloatingIp, Host, Network, Port, Router, RouterPort
from knarr.kernel.db import utcnow
from knarr.kernel.operations import Retry

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)


# Capabilities that the service offers if a host has them.
OFFERED = ("routers", "floating_ips", "qos", "dhcp", "trunks")
NEVER = datetime(1970, 1, 1)
START_WAIT = 10.0  # seconds that an operation waits for the backend to start


class Hosting:
    """The backend of this host and the lock under which it is made to follow.

    Whoever changes the backend reads the database while holding the lock: then of two changes that come at
    once the second sees both, and nothing older is applied after something newer.
    """

    def __init__(self, runtime: Runtime) -> None:
        self.runtime = runtime
        self.host = runtime.host
        self.lock = threading.Lock()
        self.ready = threading.Event()
        # What the backend has, so that a port's turn need not repeat it: every later change is told by an
        # operation of its own. Guarded by the lock.
        self.networks: set[str] = set()
        self.groups: set[str] = set()
        # The floating IPs that each router here was told of last
        self.floating: dict[str, frozenset[str]] = {}
        self.backend: NetworkBackend = runtime.driver("knarr.network.backend", backend_name(runtime.conf))()
        self._end_watch: Callable[[], None] | None = None

    def register(self) -> None:
        """Write down that ports can be bound here."""
        capable = self.backend.capabilities()
        now = utcnow()
        values = {
            "backend": backend_name(self.runtime.conf),
            "vif_type": capable.vif_type,
            "port_filter": capable.port_filter,
            "capabilities": [name for name in OFFERED if getattr(capable, name)],
            "started_at": now,
            "seen_at": now,
        }
        with self.runtime.db.write() as session:
            known = session.scalar(select(Host.id).where(Host.host == self.host))
            if known:
                session.execute(update(Host).where(Host.host == self.host).values(**values))
            else:
                session.execute(insert(Host), [{"host": self.host, **values}])

    def start(self) -> None:
        """Prepare the host and put everything right; from a thread of its own, so that serving can begin."""
        try:
            self.backend.start()
            self.ready.set()
            self._end_watch = self.backend.watch(self.present)
            self.reconcile()
        except (BackendError, OSError, ImportError, SQLAlchemyError):
            LOG.exception("the network backend of this host could not be started")
            self.seen(NEVER)

    def stop(self) -> None:
        if self._end_watch:
            self._end_watch()
        if self.ready.is_set():
            self.backend.stop()

    def seen(self, when: datetime) -> None:
        """Say when this host was last well: bindings to one that is not fail at once."""
        with self.runtime.db.write() as session:
            session.execute(update(Host).where(Host.host == self.host).values(seen_at=when))

    def present(self, port_id: str, there: bool) -> None:
        """Called by the backend when a port's tap came or went."""
        status = "ACTIVE" if there else "DOWN"
        wrong = (Port.id == port_id, Port.host == self.host, Port.status != status)
        with self.runtime.db.read() as session:
            if session.scalar(select(Port.id).where(*wrong)) is None:
                return
        with self.runtime.db.write() as session:
            session.execute(update(Port).where(*wrong).values(status=status))

    def reconcile(self) -> None:
        """Compare the host with the database, and the ports' states with the host."""
        if self.backend.capabilities().routers:
            self.adopt()
        with self.lock:
            changes = self.backend.reconcile(self._desired)
        if changes:
            LOG.info("put right on this host: %s", "; ".join(changes.repaired[:20]))
        with self.runtime.db.read() as session:
            routers = session.scalars(select(Router.id).where(Router.host == self.host)).all()
            legs = select(RouterPort.port_id)
            bound = select(Port.id, Port.status).where(Port.host == self.host, Port.id.not_in(legs))
            rows = session.execute(bound).all()
        self.routed(routers)
        for status, there in (("ACTIVE", True), ("DOWN", False)):
            wrong = [
                row.id for row in rows if row.status != status and self.backend.port_present(row.id) is there
            ]
            if wrong:
                with self.runtime.db.write() as session:
                    session.execute(update(Port).where(Port.id.in_(wrong)).values(status=status))

    def adopt(self) -> None:
        """Take the routers that no living host carries."""
        alive = select(Host.host).where(Host.seen_at > utcnow() - ALIVE)
        lost = (Router.host != self.host, Router.host.not_in(alive))
        with self.runtime.db.read() as session:
            ids = session.scalars(select(Router.id).where(*lost)).all()
        if not ids:
            return
        with self.runtime.db.write() as session:
            taken = session.scalars(
                select(Router.id).where(Router.id.in_(ids), *lost).with_for_update()
            ).all()
            session.execute(update(Router).where(Router.id.in_(taken)).values(host=self.host))
            legs = select(RouterPort.port_id).where(RouterPort.router_id.in_(taken))
            vif_type = self.backend.capabilities().vif_type
            session.execute(
                update(Port).where(Port.id.in_(legs)).values(host=self.host, vif_type=vif_type, status="DOWN")
            )

    def routed(self, router_ids: Sequence[str]) -> None:
        """Say that these routers are in force, so that their legs and floating IPs are ACTIVE, but for what
        is switched off. Floating IPs that came since are not: they follow with the next change.
        """
        if not router_ids:
            return
        on = Router.admin_state_up.is_(True)
        networks = select(Network.id).where(Network.admin_state_up.is_(True))
        legs = select(RouterPort.port_id).where(RouterPort.router_id.in_(router_ids))
        legs_up = legs.join(Router, Router.id == RouterPort.router_id).where(on)
        ports = Port.id.in_(legs) & (Port.host == self.host)
        ports_up = Port.id.in_(legs_up) & Port.admin_state_up.is_(True) & Port.network_id.in_(networks)
        routers_up = select(Router.id).where(Router.id.in_(router_ids), on)
        floating = FloatingIp.router_id.in_(router_ids)
        floating_up = FloatingIp.router_id.in_(routers_up)
        told = {ident for router_id in router_ids for ident in self.floating.get(router_id, ())}
        self._say(Port, ports & ports_up, "ACTIVE")
        self._say(Port, ports & ~ports_up, "DOWN")
        self._say(FloatingIp, floating & floating_up, "ACTIVE", told)
        self._say(FloatingIp, floating & ~floating_up, "DOWN")

    def _say(self, model: Any, condition: Any, status: str, among: set[str] | None = None) -> None:
        """Write the status of the rows (of these ids) that have another one."""
        wrong = condition & (model.status != status)
        with self.runtime.db.read() as session:
            ids = session.scalars(select(model.id).where(wrong)).all()
        if among is not None:
            ids = [ident for ident in ids if ident in among]
        if ids:
            with self.runtime.db.write() as session:
                session.execute(update(model).where(model.id.in_(ids), wrong).values(status=status))

    def _desired(self) -> DesiredState:
        with self.runtime.db.read() as session:
            state = desired.everything(session, self.host)
        self.networks = {network.id for network in state.networks}
        self.groups = {group.id for group in state.groups}
        self.floating = {router.id: floating_ids(router) for router in state.routers}
        return state

    def follow(self, act: Callable[[NetworkBackend, Session], Callable[[], None] | None]) -> None:
        """Run `act(backend, session)` under the lock; what it returns is called without the session."""
        if not self.ready.wait(START_WAIT):
            raise Retry("the network backend of this host has not started", after=30.0, count=False)
        with self.lock:
            with self.runtime.db.read() as session:
                then = act(self.backend, session)
            if then:
                then()


def floating_ids(router: RouterState) -> frozenset[str]:
    return frozenset(one.id for one in router.floating_ips)


def backend_name(conf: Any) -> str:
    """The configured backend; `auto` is linux where the process may change the host
    and containers are real, else fake.
    """
    import os

    name = str(conf.network.backend)
    if name != "auto":
        return name
    return "linux" if os.geteuid() == 0 and conf.engine != "fake" else "fake"


def hosting(runtime: Runtime) -> Hosting:
    return runtime.component("network.hosting", lambda: Hosting(runtime))


def start(runtime: Runtime) -> None:
    here = hosting(runtime)
    here.register()
    threading.Thread(target=here.start, name="network-backend", daemon=True).start()


def stop(runtime: Runtime) -> None:
    hosting(runtime).stop()


def heartbeat(runtime: Runtime) -> None:
    here = hosting(runtime)
    if here.ready.is_set():
        here.seen(utcnow())


def reconcile(runtime: Runtime) -> None:
    """The periodic comparison; also the next try of a backend that could not be started."""
    here = hosting(runtime)
    if here.ready.is_set():
        here.reconcile()
        return
    here.start()
    heartbeat(runtime)
