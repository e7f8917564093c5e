"""The agent of a host: its heartbeat, its inventory, and the thread that follows the engine's events."""

from __future__ import annotations

import logging
import threading
from functools import partial
from typing import TYPE_CHECKING, Any

from sqlalchemy import func, select

from knarr.kernel.db import utcnow
from knarr.kernel.periodic import Periodic
from knarr.services.container import cpusets, follow, sync
from knarr.services.container.drivers.base import ContainerEvent, EngineError
from knarr.services.container.locator import engine_of
from knarr.services.container.models import ComputeHost, ComputeService, Container
from knarr.services.container.sessions.proxy import proxy_of
from knarr.services.container.streams import sources_of

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

BINARY = "zun-compute"


class Agent:
    """Background work of one process on its host."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._follow, name="container-events", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join(timeout=5)
        engine_of(self._runtime).close()

    def _follow(self) -> None:
        engine = engine_of(self._runtime)
        engine.start_background()
        engine.events(self._on_event, self._stop)

    def _on_event(self, event: ContainerEvent) -> None:
        follow.announce(self._runtime, event)
        sync.on_event(self._runtime, event)


def start(runtime: Runtime) -> None:
    agent = runtime.component("container.agent", partial(Agent, runtime))
    heartbeat(runtime)
    proxy_of(runtime).start()
    agent.start()


def stop(runtime: Runtime) -> None:
    proxy_of(runtime).stop()
    sources_of(runtime).close_all()
    runtime.component("container.agent", partial(Agent, runtime)).stop()


def heartbeat(runtime: Runtime) -> None:
    """One more report: the engine answers, and this is what its host has.

    A host whose engine does not answer sends none, and is down after `service_down_time`.
    """
    try:
        info = engine_of(runtime).info()
    except EngineError as error:
        LOG.warning("no heartbeat of host %s: %s", runtime.host, error)
        return
    with runtime.db.write() as session:
        _report(session, runtime)
        _inventory(session, runtime.host, _facts(info, runtime.conf.container))


def _report(session: Any, runtime: Runtime) -> None:
    where = (ComputeService.host == runtime.host, ComputeService.binary == BINARY)
    service = session.scalars(select(ComputeService).where(*where)).first()
    if service is None:
        zone = runtime.conf.container.default_availability_zone
        service = ComputeService(host=runtime.host, binary=BINARY, availability_zone=zone, report_count=0)
        session.add(service)
    service.report_count += 1
    service.last_seen_up = utcnow()


def _inventory(session: Any, hostname: str, facts: dict[str, Any]) -> None:
    """The host's size, and its claims counted anew from the rows."""
    host = session.scalars(select(ComputeHost).where(ComputeHost.hostname == hostname)).first()
    if host is None:
        host = ComputeHost(hostname=hostname)
        session.add(host)
    for name, value in facts.items():
        if getattr(host, name) != value:
            setattr(host, name, value)
    claims = session.execute(
        select(
            func.count(), func.sum(Container.cpu), func.sum(Container.memory), func.sum(Container.disk)
        ).where(Container.host == hostname)
    ).one()
    host.total_containers, host.cpu_used, host.mem_used, host.disk_used = (value or 0 for value in claims)


def _facts(info: Any, conf: Any) -> dict[str, Any]:
    return {
        "mem_total": info.memory_mib,
        "cpus": info.cpus,
        "disk_total": info.disk_gib,
        "disk_quota_supported": info.disk_quota,
        "architecture": info.architecture,
        "os": info.os,
        "os_type": info.os_type,
        "kernel_version": info.kernel_version,
        "labels": dict(info.labels),
        "runtimes": sorted(info.runtimes),
        "enable_cpu_pinning": conf.enable_cpu_pinning,
        "floating_cpu_set": conf.floating_cpu_set,
        "numa": cpusets.topology(info, conf.floating_cpu_set),
    }


def sweep_sessions(runtime: Runtime) -> None:
    proxy_of(runtime).sweep()


PERIODICS = (
    Periodic("container.sessions", 60, sweep_sessions),
    Periodic("container.heartbeat", "container.report_interval", heartbeat),
    Periodic("container.sync", "container.sync_interval", sync.full, run_at_start=True),
)
