"""What the engine's host has."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import HostInfo
from knarr.services.container.drivers.docker.connection import Connection

MIB = 1024 * 1024
GIB = 1024 * MIB
# Storage drivers that bound a container's disk by themselves
QUOTA_DRIVERS = ("devicemapper", "btrfs", "zfs", "windowsfilter")


class Host:
    """Part of DockerEngine."""

    connection: Connection

    def ping(self) -> None:
        with self.connection.speak("pinging the engine") as api:
            api.ping()

    def info(self) -> HostInfo:
        with self.connection.speak("asking the engine about its host") as api:
            data = api.info()
        total, used = _disk(data.get("DockerRootDir") or "", self.connection.local)
        return HostInfo(
            hostname=data.get("Name") or "",
            cpus=data.get("NCPU") or 0,
            memory_mib=(data.get("MemTotal") or 0) // MIB,
            disk_gib=total // GIB,
            disk_used_gib=used // GIB,
            architecture=data.get("Architecture") or "",
            os=data.get("OperatingSystem") or "",
            os_type=data.get("OSType") or "",
            kernel_version=data.get("KernelVersion") or "",
            runtimes=tuple(sorted(data.get("Runtimes") or ())),
            labels=dict(label.partition("=")[::2] for label in data.get("Labels") or ()),
            disk_quota=_disk_quota(data, self.connection.local),
            engine="podman" if self.connection.podman else "docker",
            engine_version=data.get("ServerVersion") or "",
            api_version=self.connection.api_version,
            default_runtime=data.get("DefaultRuntime") or "",
            local=self.connection.local,
            containers=data.get("Containers") or 0,
        )


def _disk(root: str, local: bool) -> tuple[int, int]:
    """Size and use of the file system that containers lie on; 0 for an engine elsewhere, which does not
    tell."""
    if not local:
        return 0, 0
    try:
        found = os.statvfs(root)
    except OSError:
        return 0, 0
    return found.f_blocks * found.f_frsize, (found.f_blocks - found.f_bfree) * found.f_frsize


def _disk_quota(data: Mapping[str, Any], local: bool) -> bool:
    """overlay2 bounds a container's disk only on XFS mounted with project quotas."""
    driver = data.get("Driver")
    if driver in QUOTA_DRIVERS:
        return True
    status = dict(row[:2] for row in data.get("DriverStatus") or () if len(row) >= 2)
    if driver != "overlay2" or status.get("Backing Filesystem") != "xfs" or not local:
        return False
    return "prjquota" in _mount_options(data.get("DockerRootDir") or "/")


def _mount_options(path: str) -> str:
    """Options of the mount that holds a path: the longest mount point above it, the last of several."""
    best, options = "", ""
    try:
        lines = Path("/proc/self/mounts").read_text().splitlines()
    except OSError:
        return ""
    for line in lines:
        _, point, _, mount_options = line.split()[:4]
        above = path == point or path.startswith(point.rstrip("/") + "/")
        if above and len(point) >= len(best):
            best, options = point, mount_options
    return options
