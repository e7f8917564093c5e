"""The engine's events of our containers, for as long as somebody wants them."""

from __future__ import annotations

import json
import logging
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from knarr.services.container.drivers.base import ContainerEvent, EngineError
from knarr.services.container.drivers.docker import wire
from knarr.services.container.drivers.docker.connection import KIND_CONTAINER, LABEL_UUID, Connection

LOG = logging.getLogger(__name__)

ACTIONS = frozenset(
    (
        "create",
        "start",
        "die",
        "stop",
        "kill",
        "pause",
        "unpause",
        "restart",
        "destroy",
        "rename",
        "update",
        "oom",
    )
)
PAUSES = (0.2, 0.5, 1.0, 2.0, 5.0)


class Events:
    """Part of DockerEngine."""

    connection: Connection

    def events(self, callback: Callable[[ContainerEvent], None], stop: threading.Event) -> None:
        failures = 0
        while not stop.is_set():
            try:
                answer = self._open_events()
                failures = 0
            except EngineError as error:
                pause = PAUSES[min(failures, len(PAUSES) - 1)]
                failures += 1
                LOG.warning("no events of the engine, next try in %.1f s: %s", pause, error)
                stop.wait(pause)
                continue
            ender = threading.Thread(
                target=_close_when, args=(stop, answer), daemon=True, name="engine-events-end"
            )
            ender.start()
            _call(callback, ContainerEvent("", "resync", datetime.now(UTC)))
            for line in _lines(answer):
                event = _event(line)
                if event and not stop.is_set():
                    _call(callback, event)
            answer.done.set()
            answer.close()
            stop.wait(PAUSES[0])

    def _open_events(self) -> _EventStream:
        filters = json.dumps({"type": ["container"], **self.connection.filters(KIND_CONTAINER)})
        return _EventStream(
            wire.stream(self.connection, "/events", {"filters": filters}, "watching the engine")
        )


class _EventStream:
    def __init__(self, answer: wire.Answer) -> None:
        self._answer = answer
        self.done = threading.Event()

    def __iter__(self) -> Iterator[bytes]:
        return iter(self._answer)

    def close(self) -> None:
        self._answer.close()


def _close_when(stop: threading.Event, answer: _EventStream) -> None:
    while not answer.done.is_set():
        if stop.wait(0.5):
            answer.close()
            return


def _call(callback: Callable[[ContainerEvent], None], event: ContainerEvent) -> None:
    try:
        callback(event)
    except Exception:  # a receiver that fails on one event gets the next one
        LOG.exception("the receiver of engine events failed on %s", event)


def _lines(pieces: Iterable[bytes]) -> Iterator[bytes]:
    buffer = b""
    for piece in pieces:
        buffer += piece
        *whole, buffer = buffer.split(b"\n")
        yield from (line for line in whole if line.strip())


def _event(line: bytes) -> ContainerEvent | None:
    try:
        raw: Mapping[str, Any] = json.loads(line)
    except ValueError:
        return None
    attributes = (raw.get("Actor") or {}).get("Attributes") or {}
    uuid = attributes.get(LABEL_UUID)
    action, _, rest = str(raw.get("Action") or raw.get("status") or "").partition(":")
    health = rest.strip() if action == "health_status" else None
    if not uuid or not (action in ACTIONS or health):
        return None
    code = attributes.get("exitCode") if action == "die" else None
    return ContainerEvent(
        uuid=uuid,
        action="health" if health else action,
        time=_time(raw),
        exit_code=int(code) if code is not None else None,
        health=health,
    )


def _time(raw: Mapping[str, Any]) -> datetime:
    nanos = raw.get("timeNano") or raw.get("time", 0) * 1_000_000_000
    return datetime.fromtimestamp(nanos / 1e9, UTC)
