"""What the fake engine holds, and the journal that keeps it across restarts.

Each change appends one line to a file: no more than a write call, and a killed process loses nothing. On
opening the lines are read and the file is written anew.
"""

from __future__ import annotations

import logging
import os
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec

from knarr.services.container.drivers.base import ContainerSpec

LOG = logging.getLogger(__name__)

JOURNAL = "fake-engine.journal"
COMPACT_AFTER = 50_000


@dataclass(slots=True)
class Container:
    """Times are seconds since the epoch. ``runs``: [start, end or None] of each run. ``ends_at``: when the
    program will end."""

    id: str
    spec: ContainerSpec
    status: str = "Created"
    exit_code: int | None = None
    pid: int = 0
    runs: list[list[float | None]] = field(default_factory=list)
    ends_at: float | None = None
    left: float | None = None
    restarts: int = 0
    error: str = ""
    health: str | None = None
    health_log: str = ""
    health_failures: int = 0
    created_at: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)
    hostname: str = ""

    @property
    def started_at(self) -> float | None:
        return self.runs[-1][0] if self.runs else None

    @property
    def finished_at(self) -> float | None:
        return self.runs[-1][1] if self.runs else None

    @property
    def alive(self) -> bool:
        return self.status in ("Running", "Paused")


@dataclass(slots=True)
class Image:
    id: str
    ref: str
    size: int


@dataclass(slots=True)
class SandboxRecord:
    uuid: str
    id: str
    pid: int
    hostname: str
    created_at: float = 0.0
    files: dict[str, bytes] = field(default_factory=dict)


KINDS: dict[str, type] = {"container": Container, "image": Image, "sandbox": SandboxRecord}


class _Line(msgspec.Struct, array_like=True):
    kind: str
    key: str
    value: msgspec.Raw


class World:
    """Three tables by key, under one lock. ``save`` and ``drop`` after each change."""

    def __init__(self, state_dir: Path | None) -> None:
        self.lock = threading.RLock()
        self.container: dict[str, Container] = {}
        self.image: dict[str, Image] = {}
        self.sandbox: dict[str, SandboxRecord] = {}
        self.fresh = True
        self._descriptor: int | None = None
        self._lines = 0
        self._path = state_dir / JOURNAL if state_dir else None
        if self._path:
            self._open(self._path)

    def _open(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists():
            self.fresh = False
            self._read(path)
        self._rewrite(path)

    def _read(self, path: Path) -> None:
        for number, line in enumerate(path.read_bytes().splitlines(), 1):
            try:
                entry = msgspec.json.decode(line, type=_Line)
                value = msgspec.json.decode(entry.value, type=KINDS[entry.kind] | None)
            except (msgspec.DecodeError, KeyError) as error:
                LOG.warning("line %d of %s is left out: %s", number, path, error)
                continue
            table: dict[str, Any] = getattr(self, entry.kind)
            if value is None:
                table.pop(entry.key, None)
            else:
                table[entry.key] = value

    def _rewrite(self, path: Path) -> None:
        """Only what is there now; whole or not at all."""
        draft = path.with_suffix(".new")
        rows = [(kind, key, value) for kind in KINDS for key, value in getattr(self, kind).items()]
        draft.unlink(missing_ok=True)
        with open(draft, "wb", opener=_private) as file:  # environments and files may hold secrets
            file.write(b"".join(_line(*row) for row in rows))
        draft.replace(path)
        if self._descriptor is not None:
            os.close(self._descriptor)
        self._descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CLOEXEC)
        self._lines = len(rows)

    def save(self, kind: str, key: str, value: Any) -> None:
        """Puts it into its table and into the journal. With the lock held."""
        getattr(self, kind)[key] = value
        self._append(kind, key, value)

    def drop(self, kind: str, key: str) -> None:
        if getattr(self, kind).pop(key, None) is not None:
            self._append(kind, key, None)

    def _append(self, kind: str, key: str, value: Any) -> None:
        if self._descriptor is None:
            return
        os.write(self._descriptor, _line(kind, key, value))
        self._lines += 1
        if self._lines > COMPACT_AFTER and self._path:
            self._rewrite(self._path)

    def close(self) -> None:
        with self.lock:
            if self._descriptor is not None:
                os.close(self._descriptor)
                self._descriptor = None


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _line(kind: str, key: str, value: Any) -> bytes:
    return msgspec.json.encode([kind, key, value]) + b"\n"
