"""What a container counts against its project's quota. Cores are counted in thousandths, as quotas are
whole numbers."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knarr.kernel.periodic import Periodic
from knarr.kernel.quota import UNLIMITED, Quotas
from knarr.services.container.models import Container

LOG = logging.getLogger(__name__)

SERVICE = "container"
CPU = "millicpu"


def quotas(conf: Any) -> Quotas:
    limits = conf.container
    return Quotas(
        SERVICE,
        {
            "containers": limits.quota_containers,
            "memory": limits.quota_memory,
            CPU: to_counted("cpu", limits.quota_cpu),
            "disk": limits.quota_disk,
        },
    )


def of(container: Any) -> dict[str, int]:
    return {
        "containers": 1,
        "memory": container.memory,
        CPU: round(container.cpu * 1000),
        "disk": container.disk,
    }


def charge_limits(runtime: Any, session: Session, project_id: str, cpu: float, memory: int) -> None:
    """What a change of a container's limits takes of the quota, or gives back. Raises OverQuota."""
    deltas = {CPU: round(cpu * 1000), "memory": memory}
    runtime.quotas(SERVICE).charge(session, project_id, deltas)


def negative(amounts: Mapping[str, int]) -> dict[str, int]:
    return {name: -amount for name, amount in amounts.items()}


def to_counted(name: str, limit: int) -> int:
    return limit * 1000 if name == "cpu" and limit != UNLIMITED else limit


def shown(counts: Mapping[str, int]) -> dict[str, int]:
    """As the API has them: whole cores, a part of one counting as one."""
    view = {name: count for name, count in counts.items() if name != CPU}
    cpu = counts[CPU]
    return {**view, "cpu": cpu if cpu == UNLIMITED else -(-cpu // 1000)}


def counted(session: Session) -> dict[str, dict[str, int]]:
    """What each project has in truth, out of the rows."""
    stmt = select(
        Container.project_id,
        func.count(),
        func.sum(Container.memory),
        func.sum(func.round(Container.cpu * 1000)),
        func.sum(Container.disk),
    ).group_by(Container.project_id)
    return {
        project: {"containers": count, "memory": int(memory), CPU: int(cpu), "disk": int(disk)}
        for project, count, memory, cpu, disk in session.execute(stmt)
    }


def recount(runtime: Any) -> None:
    """The periodic task: whatever made the count differ from the rows, the rows are right."""
    with runtime.db.write() as session:
        wrong = runtime.quotas(SERVICE).recount(session, counted)
    if wrong:
        LOG.warning("%d counts of projects' quotas were wrong and are right now", wrong)


PERIODICS = (Periodic("container.quota", "container.quota_recount_interval", recount),)
