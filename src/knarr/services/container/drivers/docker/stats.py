"""One snapshot of what a container uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import EngineConflict
from knarr.services.container.drivers.docker import cgroup
from knarr.services.container.drivers.docker.connection import Connection

MIB = 1024 * 1024
# A rate needs two readings: the last one counts if it is not older than this, else a second is taken after
# the pause.
FRESH = 30.0
PAUSE = 0.2
NANOSECONDS = 1e9
KEPT = 4096


class Stats:
    """Part of DockerEngine."""

    connection: Connection

    def __init__(self) -> None:
        self._readings: dict[str, tuple[float, int]] = {}
        self._readings_lock = threading.Lock()

    def stats(self, name: str) -> dict[str, Any]:
        with self.connection.speak(f"inspecting {name}") as api:
            data = api.inspect_container(name)
        if data["State"].get("Status") not in ("running", "paused"):
            raise EngineConflict(f"measuring {name}: it does not run")
        pid = data["State"]["Pid"]
        usage = self._usage(name, pid)
        rate = self._rate(data["Id"], usage.cpu)
        if rate is None:
            time.sleep(PAUSE)
            usage = self._usage(name, pid)
            rate = self._rate(data["Id"], usage.cpu) or 0.0
        received, sent = _network(pid) if self.connection.local else (0, 0)
        limit = usage.memory_limit
        return {
            "CONTAINER": name,
            "CPU %": round(rate, 2),
            "MEM USAGE(MiB)": round(usage.memory / MIB, 2),
            "MEM LIMIT(MiB)": round(limit / MIB, 2),
            "MEM %": round(usage.memory / limit * 100, 2) if limit else 0.0,
            "BLOCK I/O(B)": f"{usage.read}/{usage.written}",
            "NET I/O(B)": f"{received}/{sent}",
        }

    def _usage(self, name: str, pid: int) -> cgroup.Usage:
        found = cgroup.usage(pid) if self.connection.local else None
        return found or self._ask(name)

    def _ask(self, name: str) -> cgroup.Usage:
        """From the engine, which answers with its own second reading, a second or two later."""
        with self.connection.speak(f"measuring {name}") as api:
            raw = api.stats(name, stream=False)
        if not (raw.get("memory_stats") and raw.get("cpu_stats", {}).get("cpu_usage")):
            raise EngineConflict(f"measuring {name}: it does not run")
        memory, limit = _memory(raw["memory_stats"])
        read, written = _block_io(raw.get("blkio_stats") or {})
        return cgroup.Usage(raw["cpu_stats"]["cpu_usage"]["total_usage"], memory, limit, read, written)

    def _rate(self, key: str, total: int) -> float | None:
        """Percent of one core since the last reading; None if there was none of use."""
        now = time.monotonic()
        with self._readings_lock:
            before = self._readings.get(key)
            if before is None or now - before[0] >= PAUSE / 2:
                self._readings.pop(key, None)
                self._readings[key] = (now, total)
            if len(self._readings) > KEPT:
                self._readings.pop(next(iter(self._readings)))
        if before is None or not PAUSE / 2 <= now - before[0] <= FRESH or total < before[1]:
            return None
        return (total - before[1]) / NANOSECONDS / (now - before[0]) * 100


def _network(pid: int) -> tuple[int, int]:
    """Bytes received and sent. The engine counts only interfaces that it made; a sandbox's are in its
    namespace."""
    received = sent = 0
    try:
        lines = Path(f"/proc/{pid}/net/dev").read_text().splitlines()[2:]
    except OSError:
        return 0, 0
    for line in lines:
        name, _, rest = line.partition(":")
        fields = rest.split()
        if name.strip() != "lo" and len(fields) > 8:
            received += int(fields[0])
            sent += int(fields[8])
    return received, sent


def _memory(raw: Mapping[str, Any]) -> tuple[int, int]:
    """Used without the page cache that the kernel would give back, as the engine's own client tells it."""
    detail = raw.get("stats") or {}
    cache = detail.get("total_inactive_file", detail.get("inactive_file", 0))
    usage = raw.get("usage", 0)
    return max(0, usage - cache) if cache < usage else usage, raw.get("limit", 0)


def _block_io(raw: Mapping[str, Any]) -> tuple[int, int]:
    totals = {"read": 0, "write": 0}
    for row in raw.get("io_service_bytes_recursive") or ():
        operation = str(row.get("op", "")).lower()
        if operation in totals:
            totals[operation] += row.get("value", 0)
    return totals["read"], totals["write"]
