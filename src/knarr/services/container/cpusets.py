"""Pinned CPUs: lists as the kernel writes them, the nodes of a host, and which CPUs a container gets.

Which are taken is told by the rows alone: those of containers that run or may run. A container that has
stopped holds none, and is given some anew when it starts. So nothing is ever to be given back, and a
process that is killed loses none.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from knarr.services.container import states
from knarr.services.container.models import Container

DEDICATED, SHARED = "dedicated", "shared"
# Without CPUs, unless an operation is under way that may start them.
IDLE = (states.STOPPED, states.ERROR, states.DEAD, states.DELETED)
NODES = Path("/sys/devices/system/node")


@dataclass(frozen=True)
class Node:
    """A memory node of a host with what is free of it. Memory in MiB."""

    id: int
    cpus: frozenset[int]
    memory: int


@dataclass(frozen=True)
class Pins:
    """What a dedicated container is pinned to, as kernel lists."""

    cpus: str
    mems: str


def parse(text: str) -> set[int]:
    """`0-2,5` -> {0, 1, 2, 5}. Raises ValueError."""
    found: set[int] = set()
    for part in filter(None, (part.strip() for part in text.split(","))):
        first, dash, last = part.partition("-")
        found.update(range(int(first), int(last if dash else first) + 1))
    return found


def render(cpus: Iterable[int]) -> str:
    """{0, 1, 2, 5} -> `0-2,5`."""
    runs: list[list[int]] = []
    for cpu in sorted(cpus):
        if runs and cpu == runs[-1][1] + 1:
            runs[-1][1] = cpu
        else:
            runs.append([cpu, cpu])
    return ",".join(f"{a}" if a == b else f"{a}-{b}" for a, b in runs)


def topology(info: Any, floating: str | None, nodes: Path = NODES) -> list[dict[str, Any]]:
    """The host's nodes with the CPUs that may be pinned, all but the floating ones. An engine elsewhere, and
    the fake one, count as one node."""
    own = _read_nodes(nodes) if info.local and info.engine != "fake" else []
    everything = own or [{"id": 0, "cpus": list(range(info.cpus)), "mem_total": info.memory_mib}]
    shared = parse(floating or "")
    return [{**node, "cpus": [cpu for cpu in node["cpus"] if cpu not in shared]} for node in everything]


def _read_nodes(folder: Path) -> list[dict[str, Any]]:
    found = []
    for path in sorted(folder.glob("node[0-9]*")):
        try:
            cpus = sorted(parse((path / "cpulist").read_text()))
            total = next(line for line in (path / "meminfo").read_text().splitlines() if "MemTotal" in line)
        except (OSError, ValueError, StopIteration):
            return []
        found.append({"id": int(path.name[4:]), "cpus": cpus, "mem_total": int(total.split()[-2]) // 1024})
    return [node for node in found if node["cpus"]]


def needed(cpu: float) -> int:
    """Whole CPUs for so many cores."""
    return max(1, math.ceil(cpu))


def holders(session: Session, hosts: Iterable[str] | None = None, but: str | None = None) -> Sequence[Any]:
    """(host, cpus, mems, memory) of the containers that have CPUs of their own now, all in one query."""
    holds = or_(Container.status.not_in(IDLE), Container.task_state.is_not(None))
    stmt = select(Container.host, Container.cpuset_cpus, Container.cpuset_mems, Container.memory).where(
        Container.cpu_policy == DEDICATED, Container.cpuset_cpus.is_not(None), holds
    )
    if hosts is not None:
        stmt = stmt.where(Container.host.in_(list(hosts)))
    if but is not None:
        stmt = stmt.where(Container.uuid != but)
    return session.execute(stmt).all()


def free(numa: list[dict[str, Any]], held: Iterable[Any]) -> list[Node]:
    """The nodes of one host without what its containers hold."""
    cpus: set[int] = set()
    memory: dict[str, int] = {}
    for row in held:
        cpus |= parse(row.cpuset_cpus)
        memory[row.cpuset_mems or "0"] = memory.get(row.cpuset_mems or "0", 0) + row.memory
    return [
        Node(node["id"], frozenset(node["cpus"]) - cpus, node["mem_total"] - memory.get(str(node["id"]), 0))
        for node in numa
    ]


def choose(nodes: Iterable[Node], cpu: float, memory: int, before: Pins | None = None) -> Pins | None:
    """CPUs of one node that has enough of both, or None; those of before, if they are still free. Else the
    node with the fewest CPUs left over, so that large ones find room."""
    count = needed(cpu)
    fitting = [node for node in nodes if len(node.cpus) >= count and node.memory >= memory]
    if before is not None:
        mine = parse(before.cpus)
        for node in fitting:
            if str(node.id) == before.mems and len(mine) == count and mine <= node.cpus:
                return before
    if not fitting:
        return None
    node = min(fitting, key=lambda node: (len(node.cpus), node.id))
    return Pins(render(sorted(node.cpus)[:count]), str(node.id))
