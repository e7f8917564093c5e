"""Where a container goes and what it takes there: host, claim, pinned CPUs, a name of its own."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.kernel.errors import Conflict, NotFound
from knarr.kernel.request import Request
from knarr.services.container import cpusets, scheduler, states
from knarr.services.container.models import ComputeHost, Container

LABEL_HINT = "label:"


def place(session: Session, req: Request, container: Container, host: str | None, disk: int | None) -> None:
    """Choose the host and claim its resources; without one the container is an Error that says why.

    `host` and `disk` (GiB) are what the request names. Raises NotFound for an unknown host."""
    conf = req.runtime.conf.container
    hosts = scheduler.candidates(session, conf.service_down_time, choosing=True)
    if host and all(one.hostname != host for one in hosts):
        raise NotFound(f"Host {host} could not be found.", code="ComputeHostNotFound")
    try:
        chosen = scheduler.Scheduler(conf).choose(hosts, _wish(container, host, disk))
    except scheduler.NoHost as error:
        container.status, container.status_reason, container.task_state = states.ERROR, str(error), None
        return
    if disk is None and chosen.disk_quota_supported:
        container.disk = conf.default_disk
    container.host = chosen.hostname
    _pin(container, chosen)
    scheduler.claim(session, chosen.hostname, container.cpu, container.memory, container.disk, 1)


def _wish(container: Container, host: str | None, disk: int | None) -> scheduler.Wish:
    hints = container.hints.items()
    return scheduler.Wish(
        cpu=container.cpu,
        memory=container.memory,
        disk=disk,
        availability_zone=container.availability_zone,
        runtime=container.runtime,
        host=host,
        labels={key.removeprefix(LABEL_HINT): value for key, value in hints if key.startswith(LABEL_HINT)},
        dedicated=container.cpu_policy == cpusets.DEDICATED,
    )


def _pin(container: Container, host: scheduler.Candidate) -> None:
    """Dedicated ones get CPUs of their own; all others share the host's floating ones, if it has such."""
    if container.cpu_policy != cpusets.DEDICATED:
        container.cpuset_cpus = host.floating_cpu_set
        return
    pins = cpusets.choose(host.nodes, container.cpu, container.memory)
    if pins is not None:
        container.cpuset_cpus, container.cpuset_mems = pins.cpus, pins.mems


def pin_again(session: Session, req: Request, container: Container) -> None:
    """CPUs for a dedicated container that is to run or to have other limits: those that it had if nobody took
    them meanwhile. Raises Conflict if its host has not enough of them."""
    if container.cpu_policy != cpusets.DEDICATED:
        return
    host = host_of(session, req, container)
    held = cpusets.holders(session, [host.hostname], but=container.uuid)
    with_room = cpusets.free(_numa(session, host.hostname), held)
    before = cpusets.Pins(container.cpuset_cpus or "", container.cpuset_mems or "")
    pins = cpusets.choose(with_room, container.cpu, container.memory, before)
    if pins is None:
        raise Conflict(
            f"Host {host.hostname} has no {cpusets.needed(container.cpu)} free CPUs with {container.memory} "
            f"MiB on one memory node to pin container {container.uuid} to; stop another one first."
        )
    container.cpuset_cpus, container.cpuset_mems = pins.cpus, pins.mems
    session.flush()


def host_of(session: Session, req: Request, container: Container) -> scheduler.Candidate:
    """The container's host as it is now; nobody else places anything on it until the transaction ends."""
    hosts = scheduler.candidates(session, req.runtime.conf.container.service_down_time, choosing=True)
    found = next((host for host in hosts if host.hostname == container.host), None)
    if found is None:
        raise Conflict(f"Host {container.host} of container {container.uuid} is not known any more.")
    return found


def _numa(session: Session, hostname: str) -> list[dict[str, Any]]:
    stmt = select(ComputeHost.numa).where(ComputeHost.hostname == hostname)
    return session.scalar(stmt) or []


def check_name(session: Session, req: Request, name: str, project_id: str) -> None:
    """Where names are to be unique, whether this one is free. Raises Conflict."""
    scope = req.runtime.conf.container.unique_container_name_scope
    if not scope:
        return
    stmt = select(Container.uuid).where(Container.name == name)
    if scope == "project":
        stmt = stmt.where(Container.project_id == project_id)
    if session.scalar(stmt.limit(1)) is not None:
        raise Conflict(f"A container with the name {name} exists already.", code="ContainerAlreadyExists")
