"""Which host a container goes to. A plain class: filters in a row, then the host with the most room."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.kernel.db import utcnow
from knarr.services.container.models import ComputeHost, ComputeService


class NoHost(Exception):  # noqa: N818
    """No host passes all filters. The text is fit for a status reason."""


@dataclass(frozen=True)
class Wish:
    """What a container asks of a host. cpu in cores, memory in MiB, disk in GiB."""

    cpu: float
    memory: int
    disk: int | None
    availability_zone: str | None = None
    runtime: str | None = None
    host: str | None = None
    labels: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Candidate:
    """A host with its service."""

    hostname: str
    availability_zone: str
    up: bool
    disabled: bool
    mem_total: int
    mem_used: int
    cpus: int
    cpu_used: float
    disk_total: int
    disk_used: int
    disk_quota_supported: bool
    labels: dict[str, str]
    runtimes: list[str]


Filter = Callable[[Any, Candidate, Wish], bool]


def _zone(conf: Any, host: Candidate, wish: Wish) -> bool:
    wanted = wish.availability_zone or conf.default_schedule_zone
    return not wanted or host.availability_zone == wanted


def _compute(conf: Any, host: Candidate, wish: Wish) -> bool:
    return host.up and not host.disabled


def _runtime(conf: Any, host: Candidate, wish: Wish) -> bool:
    return not wish.runtime or wish.runtime in host.runtimes


def _labels(conf: Any, host: Candidate, wish: Wish) -> bool:
    return all(host.labels.get(key) == value for key, value in wish.labels.items())


def _cpu(conf: Any, host: Candidate, wish: Wish) -> bool:
    return host.cpu_used + wish.cpu <= host.cpus * conf.cpu_allocation_ratio + 1e-9


def _ram(conf: Any, host: Candidate, wish: Wish) -> bool:
    usable = (host.mem_total - conf.reserved_host_memory_mb) * conf.ram_allocation_ratio
    return host.mem_used + wish.memory <= usable


def _disk(conf: Any, host: Candidate, wish: Wish) -> bool:
    if wish.disk is None or not host.disk_quota_supported:
        return wish.disk is None
    return host.disk_used + wish.disk <= host.disk_total * conf.disk_allocation_ratio


FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": _zone,
    "ComputeFilter": _compute,
    "RuntimeFilter": _runtime,
    "LabelFilter": _labels,
    "CPUFilter": _cpu,
    "RamFilter": _ram,
    "DiskFilter": _disk,
}


class Scheduler:
    """`conf` is the group [container]."""

    def __init__(self, conf: Any) -> None:
        self.conf = conf
        self.filters = [(name, FILTERS[name]) for name in conf.enabled_filters if name in FILTERS]

    def choose(self, hosts: Iterable[Candidate], wish: Wish) -> Candidate:
        """The host with the most unclaimed memory of those that pass. Raises NoHost with each filter's
        count."""
        left = [host for host in hosts if not wish.host or host.hostname == wish.host]
        counts = [f"{len(left)} host{'' if len(left) == 1 else 's'} to choose from"]
        for name, passes in self.filters:
            left = [host for host in left if passes(self.conf, host, wish)]
            counts.append(f"{name}: {len(left)} left")
            if not left:
                raise NoHost(f"There are not enough hosts available ({', '.join(counts)}).")
        if not left:
            raise NoHost(f"There are not enough hosts available ({counts[0]}).")
        return max(left, key=lambda host: (host.mem_total - host.mem_used, host.hostname))


def candidates(session: Session, down_after: int) -> list[Candidate]:
    """All hosts that ever reported, in one query."""
    rows = session.execute(select(ComputeHost, ComputeService).join(ComputeService, HOST_OF)).all()
    now = utcnow()
    return [
        Candidate(
            hostname=host.hostname,
            availability_zone=service.availability_zone,
            up=is_up(service.last_seen_up, service.forced_down, down_after, now),
            disabled=service.disabled,
            mem_total=host.mem_total,
            mem_used=host.mem_used,
            cpus=host.cpus,
            cpu_used=host.cpu_used,
            disk_total=host.disk_total,
            disk_used=host.disk_used,
            disk_quota_supported=host.disk_quota_supported,
            labels=host.labels or {},
            runtimes=host.runtimes or [],
        )
        for host, service in rows
    ]


HOST_OF = ComputeService.host == ComputeHost.hostname


def is_up(seen: datetime | None, forced_down: bool, down_after: int, now: datetime) -> bool:
    return not forced_down and seen is not None and now - seen <= timedelta(seconds=down_after)


def claim(session: Session, hostname: str, cpu: float, memory: int, disk: int, count: int) -> None:
    """Add to what the host has given out; negative amounts give back."""
    session.execute(
        update(ComputeHost)
        .where(ComputeHost.hostname == hostname)
        .values(
            cpu_used=ComputeHost.cpu_used + cpu,
            mem_used=ComputeHost.mem_used + memory,
            disk_used=ComputeHost.disk_used + disk,
            total_containers=ComputeHost.total_containers + count,
        )
        .execution_options(synchronize_session=False)
    )
