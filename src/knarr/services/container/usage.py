"""What a container counts against its project's quota. Cores are counted in thousandths, as quotas are
whole numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from knarr.kernel.quota import UNLIMITED, Quotas

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


def negative(amounts: Mapping[str, int]) -> dict[str, int]:
    return {name: -amount for name, amount in amounts.items()}


def to_counted(name: str, limit: int) -> int:
    return limit * 1000 if name == "cpu" and limit != UNLIMITED else limit


def shown(counts: Mapping[str, int]) -> dict[str, int]:
    """As the API has them: whole cores, a part of one counting as one."""
    view = {name: count for name, count in counts.items() if name != CPU}
    cpu = counts[CPU]
    return {**view, "cpu": cpu if cpu == UNLIMITED else -(-cpu // 1000)}
