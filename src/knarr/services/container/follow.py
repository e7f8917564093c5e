"""The events of containers as a stream: what engines tell, for those who may see the container."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import orjson
from sqlalchemy import select

from knarr.kernel.operations import TOPIC_FINISHED
from knarr.services.container.models import Container, ContainerAction

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime
    from knarr.services.container.drivers.base import ContainerEvent

TOPIC = "container.event"
AHEAD = 1000
# Seconds between two looks whether the client is still there
BREATH = 1.0
LOST = "lost"


def announce(runtime: Runtime, event: ContainerEvent) -> None:
    """Tell everybody what the engine of this host told."""
    if not event.uuid:
        return
    payload = {
        "uuid": event.uuid,
        "host": runtime.host,
        "action": event.action,
        "time": event.time.isoformat(),
        "exit_code": event.exit_code,
        "health": event.health,
    }
    runtime.bus.publish(TOPIC, {name: value for name, value in payload.items() if value is not None})


class Feed:
    """The events of one listener. `project_id` None: those of all projects."""

    def __init__(
        self,
        runtime: Runtime,
        project_id: str | None,
        container: str | None,
        form: Callable[[dict[str, Any] | None], bytes],
        ended: Callable[[], None],
        shows_host: bool,
    ) -> None:
        self._db = runtime.db
        self._project_id = project_id
        self._container = container
        self._form = form
        self._shows_host = shows_host
        self._heartbeat = runtime.conf.streams.heartbeat
        self._queue: queue.Queue[dict[str, Any]] = queue.Queue(AHEAD)
        self._lost = threading.Event()
        self._owners: dict[str, tuple[str, str | None]] = {}
        self._ended: Callable[[], None] | None = ended
        self._spoke = time.monotonic()
        self._begun = False
        self._unsubscribe = (
            runtime.bus.subscribe(TOPIC, self._put),
            runtime.bus.subscribe(TOPIC_FINISHED, self._finished),
        )

    def _put(self, event: dict[str, Any]) -> None:
        try:
            self._queue.put_nowait(event)
        except queue.Full:
            self._lost.set()

    def _finished(self, operation: dict[str, Any]) -> None:
        """Work on a container that came to its end."""
        if operation["resource_type"] == "container":
            event = {"action": operation["kind"].removeprefix("container."), "result": operation["state"]}
            self._put({"uuid": operation["resource_id"], "kind": "operation", **event})

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        if self._ended is None:
            raise StopIteration
        if not self._begun:
            self._begun = True
            return self._form(None)
        text = self._next()
        if text:
            self._spoke = time.monotonic()
        return text

    def _next(self) -> bytes:
        if self._lost.is_set():
            self._lost.clear()
            return self._form({"action": LOST, "reason": "Events came faster than they were read."})
        try:
            event = self._queue.get(timeout=BREATH)
        except queue.Empty:
            return self._form(None) if time.monotonic() - self._spoke >= self._heartbeat else b""
        shown = self._shown(event)
        return self._form(shown) if shown else b""

    def _shown(self, event: dict[str, Any]) -> dict[str, Any] | None:
        """The event as the listener may see it, None if they may not."""
        owner, name = self._owner(event["uuid"])
        if self._project_id is not None and owner != self._project_id:
            return None
        if self._container is not None and event["uuid"] != self._container:
            return None
        view = {"kind": "engine", **event, "name": name, "project_id": owner}
        if not self._shows_host:
            view.pop("host", None)
        return view

    def _owner(self, uuid: str) -> tuple[str, str | None]:
        """Project and name. Remembered, for the last event of a container comes when its row is gone."""
        found = self._owners.get(uuid)
        if found is not None:
            return found
        with self._db.read() as session:
            stmt = select(Container.project_id, Container.name).where(Container.uuid == uuid)
            row = session.execute(stmt).first()
            if row is None:
                former = select(ContainerAction.project_id).where(ContainerAction.container_uuid == uuid)
                return session.scalar(former.limit(1)) or "", None
        if len(self._owners) >= AHEAD:
            self._owners.pop(next(iter(self._owners)))
        self._owners[uuid] = owner = (row[0], row[1])
        return owner

    def close(self) -> None:
        ended, self._ended = self._ended, None
        if ended is not None:
            for unsubscribe in self._unsubscribe:
                unsubscribe()
            ended()

    __del__ = close


def as_server_sent(event: dict[str, Any] | None) -> bytes:
    """text/event-stream. A heartbeat is a comment."""
    if event is None:
        return b": \n\n"
    name = orjson.dumps(event["action"]).strip(b'"')
    return b"event: " + name + b"\ndata: " + orjson.dumps(event) + b"\n\n"


def as_lines(event: dict[str, Any] | None) -> bytes:
    """An object a line. A heartbeat is an empty line."""
    return b"\n" if event is None else orjson.dumps(event) + b"\n"
