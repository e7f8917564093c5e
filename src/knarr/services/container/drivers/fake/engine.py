"""The fake engine as a whole, with its host, its sandboxes and its faults."""

from __future__ import annotations

import functools
import ipaddress
import logging
import queue
import threading
import time
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import (
    ContainerEngine,
    ContainerEvent,
    ContainerState,
    HostInfo,
    InvalidRequest,
    NotThere,
    Sandbox,
    sandbox_name,
)
from knarr.services.container.drivers.fake import options
from knarr.services.container.drivers.fake.clock import Clock
from knarr.services.container.drivers.fake.faults import Fault, Faults, parse
from knarr.services.container.drivers.fake.images import Images
from knarr.services.container.drivers.fake.inside import Inside
from knarr.services.container.drivers.fake.life import Life
from knarr.services.container.drivers.fake.world import Container, SandboxRecord, World
from knarr.services.container.drivers.words import exited, up

LOG = logging.getLogger(__name__)

VERSION = "1.0"


def guarded(method: Callable[..., Any]) -> Callable[..., Any]:
    """A method of the contract, with the faults asked for and the observer's measure; calls from within
    count once."""

    @functools.wraps(method)
    def wrapper(self: FakeEngine, *args: Any, **kwargs: Any) -> Any:
        if getattr(self._within, "call", False):
            return method(self, *args, **kwargs)
        self._within.call = True
        begun, done = time.perf_counter(), False
        try:
            self.faults.apply(method.__name__, self._subject(args))
            result = method(self, *args, **kwargs)
            done = True
            return result
        finally:
            self._within.call = False
            if self.observer:
                self.observer(method.__name__, time.perf_counter() - begun, done)

    return wrapper


class FakeEngine(Life, Images, Inside, ContainerEngine):
    """Several may exist at once; each on its own state directory, or on none."""

    name = "fake"

    def __init__(self, conf: Any, state_dir: Path | str | None = None) -> None:
        ContainerEngine.__init__(self, conf, state_dir)
        self.settings = options.register(conf)
        self.world = World(self.state_dir)
        self.clock = Clock()
        self.faults = Faults()
        self._within = threading.local()
        Life.__init__(self)
        Inside.__init__(self)
        self._images_from_the_beginning()
        for fault in self.settings.fault:
            self.faults.add(parse(fault))
        self._resume()

    @staticmethod
    def options() -> list[tuple[str, list[Any]]]:
        return [(options.GROUP, options.fake_options())]

    # faults, at run time

    def set_fault(self, **fault: Any) -> None:
        """Keys of faults.Fault: method, delay, error, message, times, match, seconds."""
        method = fault.get("method")
        if method not in (*METHODS, "*"):
            raise InvalidRequest(f"the engine has no method {method!r}; it has {', '.join(METHODS)} (*: all)")
        self.faults.add(Fault(**fault))

    def clear_faults(self, method: str | None = None) -> None:
        self.faults.clear(method)

    def list_faults(self) -> list[dict[str, Any]]:
        return self.faults.listed()

    def _subject(self, args: tuple[Any, ...]) -> str:
        """What a call is about: a container's name and image, an image, a uuid."""
        if not args:
            return ""
        given = args[0]
        if hasattr(given, "image"):
            return f"{given.name} {given.image}"
        container = self.world.container.get(given) if isinstance(given, str) else None
        return f"{given} {container.spec.image}" if container else str(given)

    # host

    def ping(self) -> None:
        return

    def info(self) -> HostInfo:
        settings = self.settings
        with self.world.lock:
            count = len(self.world.container)
        return HostInfo(
            hostname="fake",
            cpus=settings.cpus,
            memory_mib=settings.memory_mib,
            disk_gib=settings.disk_gib,
            disk_used_gib=0,
            architecture="x86_64",
            os="Fake OS",
            os_type="linux",
            kernel_version="6.0.0-fake",
            runtimes=tuple(settings.runtimes),
            labels=dict(settings.labels),
            disk_quota=True,
            engine="fake",
            engine_version=VERSION,
            default_runtime=settings.runtimes[0],
            containers=count,
        )

    def close(self) -> None:
        self.clock.close()
        for watcher in list(self._watchers):
            watcher.put(None)
        self.world.close()

    # sandboxes

    def claim_sandbox(self, uuid: str, hostname: str | None = None) -> Sandbox:
        with self.world.lock:
            found = self.world.sandbox.get(uuid)
            if found is None:
                identity = self._identity("sandbox", uuid)
                found = SandboxRecord(
                    uuid, identity, 1000 + next(self._number), hostname or identity[:12], time.time()
                )
                self.world.save("sandbox", uuid, found)
            return _sandbox(found)

    def sandbox(self, uuid: str) -> Sandbox | None:
        with self.world.lock:
            found = self.world.sandbox.get(uuid)
            return _sandbox(found) if found else None

    def release_sandbox(self, uuid: str) -> None:
        with self.world.lock:
            self.world.drop("sandbox", uuid)

    def write_hosts(
        self,
        uuid: str,
        addresses: Sequence[str],
        hostname: str | None = None,
        dns: Sequence[str] = (),
        search: Sequence[str] = (),
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        with self.world.lock:
            found = self.world.sandbox.get(uuid)
            if found is None:
                raise NotThere(f"there is no sandbox {sandbox_name(uuid)} on this engine")
            own = hostname or found.hostname
            rows = [
                ("127.0.0.1", "localhost"),
                *((address, own) for address in addresses),
                *(hosts or {}).items(),
            ]
            found.files["/etc/hosts"] = _lines(f"{_address(address)}\t{name}" for address, name in rows)
            if dns:
                head = [f"search {' '.join(search)}"] if search else []
                servers = [f"nameserver {_address(server)}" for server in dns]
                found.files["/etc/resolv.conf"] = _lines([*head, *servers])
            self.world.save("sandbox", uuid, found)

    def reap(self, known: Collection[str], min_age: float = 30.0) -> list[str]:
        keep, old = set(known), time.time() - min_age
        with self.world.lock:
            containers = [
                name
                for name, container in self.world.container.items()
                if container.spec.uuid not in keep and container.created_at <= old
            ]
            sandboxes = [
                uuid
                for uuid, found in self.world.sandbox.items()
                if uuid not in keep and found.created_at <= old
            ]
            for name in containers:
                self.delete(name, force=True)
            for uuid in sandboxes:
                self.release_sandbox(uuid)
        return [*containers, *map(sandbox_name, sandboxes)]

    # looking

    def inspect(self, name: str) -> ContainerState | None:
        with self.world.lock:
            container = self.world.container.get(name)
            return self._state(container) if container else None

    def list_containers(self) -> list[ContainerState]:
        with self.world.lock:
            return [self._state(container) for container in self.world.container.values()]

    def _state(self, container: Container) -> ContainerState:
        spec = container.spec
        image = self.image_present(spec.image)
        return ContainerState(
            uuid=spec.uuid,
            name=spec.name,
            id=container.id,
            status=container.status,
            status_detail=_detail(container),
            exit_code=None if container.alive else container.exit_code,
            pid=container.pid,
            started_at=_time(container.started_at),
            finished_at=_time(container.finished_at),
            image=spec.image,
            image_id=image.id if image else "",
            health=container.health,
            health_log=container.health_log,
            error=container.error,
            hostname=container.hostname,
            labels=dict(spec.labels),
        )

    # watching

    def events(self, callback: Callable[[ContainerEvent], None], stop: threading.Event) -> None:
        mine: queue.SimpleQueue[ContainerEvent | None] = queue.SimpleQueue()
        with self.world.lock:
            self._watchers.append(mine)
        mine.put(ContainerEvent("", "resync", datetime.now(UTC)))
        try:
            while not stop.is_set():
                try:
                    event = mine.get(timeout=0.5)
                except queue.Empty:
                    continue
                if event is None:
                    return
                _call(callback, event)
        finally:
            with self.world.lock:
                self._watchers.remove(mine)


# What can be made to fail: all that the contract has but the end and the stream of events.
METHODS = tuple(sorted(ContainerEngine.__abstractmethods__ - {"close", "events"}))

for _name in METHODS:
    setattr(FakeEngine, _name, guarded(getattr(FakeEngine, _name)))


def _call(callback: Callable[[ContainerEvent], None], event: ContainerEvent) -> None:
    try:
        callback(event)
    except Exception:  # a receiver that fails on one event gets the next one
        LOG.exception("the receiver of engine events failed on %s", event)


def _detail(container: Container) -> str:
    now = datetime.now(UTC)
    details = {
        "Running": lambda: up(_time(container.started_at), now),
        "Paused": lambda: f"{up(_time(container.started_at), now)} (paused)",
        "Stopped": lambda: exited(container.exit_code or 0, _time(container.finished_at), now),
        "Error": lambda: "(error)",
    }
    return details.get(container.status, lambda: container.status)()


def _sandbox(found: SandboxRecord) -> Sandbox:
    return Sandbox(found.uuid, sandbox_name(found.uuid), found.id, found.pid, "", found.hostname)


def _time(seconds: float | None) -> datetime | None:
    return datetime.fromtimestamp(seconds, UTC) if seconds else None


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidRequest(f"{text!r} is not an IP address") from None


def _lines(rows: Any) -> bytes:
    return "".join(f"{row}\n" for row in rows).encode()
