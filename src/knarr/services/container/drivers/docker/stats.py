"""One snapshot of what a container uses."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import EngineConflict, EngineError
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
        raw = self._raw(name)
        rate = self._rate(name, raw)
        if rate is None:
            time.sleep(PAUSE)
            raw = self._raw(name)
            rate = self._rate(name, raw) or 0.0
        used, limit = _memory(raw["memory_stats"])
        read, written = _block_io(raw.get("blkio_stats") or {})
        received, sent = self._net_io(name, raw)
        return {
            "CONTAINER": name,
            "CPU %": round(rate, 2),
            "MEM USAGE(MiB)": round(used / MIB, 2),
            "MEM LIMIT(MiB)": round(limit / MIB, 2),
            "MEM %": round(used / limit * 100, 2) if limit else 0.0,
            "BLOCK I/O(B)": f"{read}/{written}",
            "NET I/O(B)": f"{received}/{sent}",
        }

    def _raw(self, name: str) -> dict[str, Any]:
        with self.connection.speak(f"measuring {name}") as api:
            one_shot = _at_least(self.connection.api_version, (1, 41)) or None
            raw = dict(api.stats(name, stream=False, one_shot=one_shot))
        if not (raw.get("memory_stats") and raw.get("cpu_stats", {}).get("cpu_usage")):
            raise EngineConflict(f"measuring {name}: it does not run")
        return raw

    def _rate(self, name: str, raw: Mapping[str, Any]) -> float | None:
        """Percent of one core since the last reading; None if there was none of use."""
        now, total = time.monotonic(), raw["cpu_stats"]["cpu_usage"]["total_usage"]
        key = raw.get("id") or name
        with self._readings_lock:
            before = self._readings.get(key)
            if before is None or now - before[0] >= PAUSE / 2:
                self._readings[key] = (now, total)
            if len(self._readings) > KEPT:
                self._readings.pop(next(iter(self._readings)))
        if before is None or not PAUSE / 2 <= now - before[0] <= FRESH or total < before[1]:
            return None
        return (total - before[1]) / NANOSECONDS / (now - before[0]) * 100

    def _net_io(self, name: str, raw: Mapping[str, Any]) -> tuple[int, int]:
        """The engine counts only interfaces that it made; those of a sandbox are read in its namespace."""
        networks = raw.get("networks")
        if networks:
            return sum(n["rx_bytes"] for n in networks.values()), sum(
                n["tx_bytes"] for n in networks.values()
            )
        if not self.connection.local:
            return 0, 0
        try:
            with self.connection.speak(f"inspecting {name}") as api:
                pid = api.inspect_container(name)["State"]["Pid"]
            return _interfaces(Path(f"/proc/{pid}/net/dev").read_text())
        except (EngineError, OSError):
            return 0, 0


def _interfaces(text: str) -> tuple[int, int]:
    received = sent = 0
    for line in text.splitlines()[2:]:
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


def _at_least(version: str, wanted: tuple[int, int]) -> bool:
    major, _, minor = version.partition(".")
    return (int(major), int(minor)) >= wanted
