"""Kernel settings (`sysctl`) of the namespace that the calling thread stands in."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

ROOT = Path("/proc/sys/net")


def ensure_settings(wanted: Mapping[str, str]) -> list[str]:
    """Writes those that differ; names are paths below /proc/sys/net ("ipv4/ip_forward").

    One that this kernel does not have is passed over. Returns the names of what was changed.
    """
    changed = []
    for name, value in wanted.items():
        path = ROOT / name
        try:
            if path.read_text().strip() != value:
                path.write_text(value + "\n")
                changed.append(name)
        except FileNotFoundError:
            continue
    return changed
