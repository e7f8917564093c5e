"""Which host a container goes to. A plain class: filters in a row, then the host with the most room."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.kernel.db import utcnow
from knarr.services.container import cpusets
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
    dedicated: bool = False


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
    enable_cpu_pinning: bool = False
    floating_cpu_set: str | None = None
    nodes: list[cpusets.Node] = field(default_factory=list)


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
    usable = (host.cpus - conf.reserved_host_cpus) * conf.cpu_allocation_ratio
    return host.cpu_used + wish.cpu <= usable + 1e-9


def _ram(conf: Any, host: Candidate, wish: Wish) -> bool:
    usable = (host.mem_total - conf.reserved_host_memory_mb) * conf.ram_allocation_ratio
    return host.mem_used + wish.memory <= usable


def _disk(conf: Any, host: Candidate, wish: Wish) -> bool:
    if wish.disk is None or not host.disk_quota_supported:
        return wish.disk is None
    usable = host.disk_total * (1 - conf.reserve_disk_for_image) - conf.reserved_host_disk_mb / 1024
    return host.disk_used + wish.disk <= usable * conf.disk_allocation_ratio + 1e-9


def _cpu_set(conf: Any, host: Candidate, wish: Wish) -> bool:
    """Dedicated CPUs are of hosts that pin; those leave the others out, unless they keep CPUs to share."""
    if not wish.dedicated:
        return not host.enable_cpu_pinning or bool(host.floating_cpu_set)
    return host.enable_cpu_pinning and cpusets.choose(host.nodes, wish.cpu, wish.memory) is not None


def _pins(wish: Wish) -> str:
    if not wish.dedicated:
        return "CPUs that are not kept for dedicated containers"
    count = cpusets.needed(wish.cpu)
    return f"{count} free CPU{'s'[: count > 1]} to pin with {wish.memory} MiB on one memory node"


FILTERS: dict[str, Filter] = {
    "AvailabilityZoneFilter": _zone,
    "ComputeFilter": _compute,
    "RuntimeFilter": _runtime,
    "LabelFilter": _labels,
    "CpuSetFilter": _cpu_set,
    "CPUFilter": _cpu,
    "RamFilter": _ram,
    "DiskFilter": _disk,
}

# What no host had when a filter left none, in a user's words.
MISSING: dict[str, Callable[[Any, Wish], str]] = {
    "AvailabilityZoneFilter": lambda conf, wish: (
        f"is in availability zone {wish.availability_zone or conf.default_schedule_zone}"
    ),
    "ComputeFilter": lambda conf, wish: "is up and enabled",
    "RuntimeFilter": lambda conf, wish: f"has the runtime {wish.runtime}",
    "LabelFilter": lambda conf, wish: (
        "has the labels " + ", ".join(f"{k}={v}" for k, v in sorted(wish.labels.items()))
    ),
    "CpuSetFilter": lambda conf, wish: f"has {_pins(wish)}",
    "CPUFilter": lambda conf, wish: f"has {wish.cpu:g} cores left",
    "RamFilter": lambda conf, wish: f"has {wish.memory} MiB of memory left",
    "DiskFilter": lambda conf, wish: f"can keep a container within {wish.disk} GiB of disk and has them left",
}


class Scheduler:
    """`conf` is the group [container]."""

    def __init__(self, conf: Any) -> None:
        self.conf = conf
        self.chance = conf.scheduler_driver == "chance_scheduler"
        names = ["ComputeFilter"] if self.chance else conf.enabled_filters
        self.filters = [(name, FILTERS[name]) for name in names]

    def choose(self, hosts: Iterable[Candidate], wish: Wish) -> Candidate:
        """The host with the most unclaimed memory of those that pass, or any of them by chance. Raises NoHost
        with what was missing and each filter's count."""
        left = [host for host in hosts if not wish.host or host.hostname == wish.host]
        counts = [f"{len(left)} host{'' if len(left) == 1 else 's'} to choose from"]
        if not left:
            raise NoHost(f"There are not enough hosts available ({counts[0]}).")
        for name, passes in self.filters:
            left = [host for host in left if passes(self.conf, host, wish)]
            counts.append(f"{name}: {len(left)} left")
            if not left:
                missing = f"no host {MISSING[name](self.conf, wish)}"
                raise NoHost(f"There are not enough hosts available: {missing} ({', '.join(counts)}).")
        if self.chance:
            return random.choice(left)  # noqa: S311  nobody gains from guessing it
        return max(left, key=lambda host: (host.mem_total - host.mem_used, host.hostname))


def candidates(session: Session, down_after: int, choosing: bool = False) -> list[Candidate]:
    """All hosts that ever reported, in one query, and one more where hosts pin CPUs.

    `choosing`, in a writing session: nobody else chooses until the end of the transaction."""
    stmt = select(ComputeHost, ComputeService).join(ComputeService, HOST_OF).order_by(ComputeHost.hostname)
    if choosing:
        stmt = stmt.with_for_update(of=ComputeHost)
    rows = session.execute(stmt).all()
    pinning = [host.hostname for host, _ in rows if host.enable_cpu_pinning]
    held = cpusets.holders(session, pinning) if pinning else ()
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
            enable_cpu_pinning=host.enable_cpu_pinning,
            floating_cpu_set=host.floating_cpu_set,
            nodes=cpusets.free(host.numa or [], [row for row in held if row.host == host.hostname])
            if host.enable_cpu_pinning
            else [],
        )
        for host, service in rows
    ]


HOST_OF = ComputeService.host == ComputeHost.hostname


def is_up(seen: datetime | None, forced_down: bool, down_after: int, now: datetime) -> bool:
    return not forced_down and seen is not None and now - seen <= timedelta(seconds=down_after)


def check_growth(conf: Any, host: Candidate, cpu: float, memory: int) -> None:
    """Whether a container of the host may have so much more. Raises NoHost that says what is missing."""
    wish = Wish(max(cpu, 0.0), max(memory, 0), None)
    for name in ("CPUFilter", "RamFilter"):
        grows = cpu > 0 if name == "CPUFilter" else memory > 0
        if grows and name in conf.enabled_filters and not FILTERS[name](conf, host, wish):
            raise NoHost(f"Its host no longer {MISSING[name](conf, wish)} for it.")


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
