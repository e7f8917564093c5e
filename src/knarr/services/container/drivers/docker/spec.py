"""From a ContainerSpec to the body of the engine's create call."""

from __future__ import annotations

import resource
from typing import Any

from knarr.services.container.drivers.base import ContainerSpec
from knarr.services.container.drivers.docker.connection import KIND_CONTAINER, Connection

NANOSECONDS = 1_000_000_000
MIB = 1024 * 1024
# Upstream's figure: one core weighs 1024; the kernel's own bounds beside it.
SHARES_PER_CPU = 1024
SHARES_MIN, SHARES_MAX = 2, 262144


def create_body(spec: ContainerSpec, connection: Connection) -> dict[str, Any]:
    body: dict[str, Any] = {
        "Image": spec.image,
        "Env": [f"{key}={value}" for key, value in spec.environment.items()],
        "Labels": {**spec.labels, **connection.labels(KIND_CONTAINER, spec.uuid)},
        "OpenStdin": spec.interactive,
        "Tty": spec.tty,
        "HostConfig": _host_config(spec, connection),
    }
    optional = {
        "Cmd": list(spec.command) if spec.command is not None else None,
        "Entrypoint": list(spec.entrypoint) if spec.entrypoint is not None else None,
        "WorkingDir": spec.workdir,
        "Healthcheck": _healthcheck(spec),
        # A container takes the hostname of the sandbox that it joins, and the engine refuses another one.
        "Hostname": spec.hostname if not spec.sandbox else None,
    }
    body.update({key: value for key, value in optional.items() if value})
    return body


def _host_config(spec: ContainerSpec, connection: Connection) -> dict[str, Any]:
    settings = connection.settings
    config: dict[str, Any] = {
        **limits(spec.cpu, spec.memory_mib),
        "PidsLimit": settings.pids_limit,
        "NetworkMode": f"container:{spec.sandbox}" if spec.sandbox else "none",
        "RestartPolicy": {
            "Name": "" if spec.restart_policy.name == "no" else spec.restart_policy.name,
            "MaximumRetryCount": spec.restart_policy.max_retries,
        },
        "Privileged": spec.privileged,
        "Mounts": [
            {"Type": "bind", "Source": mount.source, "Target": mount.destination, "ReadOnly": mount.read_only}
            for mount in spec.mounts
        ],
        **_log_config(connection),
        **_podman_limits(connection),
    }
    if not spec.privileged:
        config["CapDrop"] = list(settings.cap_drop)
        config["SecurityOpt"] = ["no-new-privileges"] if settings.no_new_privileges else []
    optional = {
        "Runtime": spec.runtime,
        "CpusetCpus": spec.cpuset,
        "CpusetMems": spec.cpuset_mems,
        "StorageOpt": {"size": f"{spec.disk_gib}G"} if spec.disk_gib else None,
    }
    config.update({key: value for key, value in optional.items() if value})
    return config


def limits(cpu: float | None, memory_mib: int | None) -> dict[str, Any]:
    """Keys of the engine for a weight in cores and a bound of memory. No swap beyond: the bound is
    meant."""
    wanted: dict[str, Any] = {}
    if cpu is not None:
        wanted["CpuShares"] = max(SHARES_MIN, min(SHARES_MAX, round(cpu * SHARES_PER_CPU)))
    if memory_mib is not None:
        wanted["Memory"] = wanted["MemorySwap"] = memory_mib * MIB
    return wanted


def _healthcheck(spec: ContainerSpec) -> dict[str, Any] | None:
    check = spec.healthcheck
    if check is None:
        return None
    return {
        "Test": ["CMD-SHELL", check.cmd],
        "Interval": round(check.interval * NANOSECONDS),
        "Timeout": round(check.timeout * NANOSECONDS),
        "Retries": check.retries,
    }


def _log_config(connection: Connection) -> dict[str, Any]:
    """Bounds the log of a container, which otherwise fills the host's disk."""
    mib = connection.settings.log_max_mib
    if not mib or connection.podman:
        return {}
    files = 3
    size = f"{max(1, mib // files)}m"
    return {"LogConfig": {"Type": "json-file", "Config": {"max-size": size, "max-file": str(files)}}}


def _podman_limits(connection: Connection) -> dict[str, Any]:
    """Podman asks for more open files than a bounded service may have, and fails; ask for what we have."""
    if not (connection.local and connection.podman):
        return {}
    names = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}
    hard = {name: resource.getrlimit(number)[1] for name, number in names.items()}
    return {
        "Ulimits": [
            {"Name": name, "Soft": bound, "Hard": bound}
            for name, bound in hard.items()
            if bound != resource.RLIM_INFINITY
        ]
    }
