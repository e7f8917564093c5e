"""A fake container's life: what changes its state, asked for or by itself."""

from __future__ import annotations

import hashlib
import itertools
import queue
import re
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from knarr.services.container.drivers.base import (
    CommandNotFound,
    ContainerEvent,
    ContainerSpec,
    EngineConflict,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    SandboxDown,
)
from knarr.services.container.drivers.fake.clock import Clock
from knarr.services.container.drivers.fake.files import list_dir, normal
from knarr.services.container.drivers.fake.programs import Plan, Surroundings, found, plan
from knarr.services.container.drivers.fake.world import Container, World
from knarr.services.container.drivers.names import signal_name

# Signals that end a program; others are let pass, as by a process without a handler that is the first of
# its namespace
FATAL = {"SIGKILL": 9, "SIGTERM": 15, "SIGINT": 2, "SIGQUIT": 3, "SIGABRT": 6}
# What an engine waits before it starts a container again: doubled each time, to a bound
RESTART_PAUSE, RESTART_PAUSE_MAX = 0.1, 60.0
# Images whose own command is a shell; others are servers
SHELL_IMAGES = ("busybox", "alpine", "cirros", "debian", "ubuntu", "fedora")
# As Docker has it
MEMORY_MIN_MIB = 6


class Life:
    """Part of FakeEngine."""

    world: World
    clock: Clock
    settings: Any
    _terminals: dict[str, Any]

    def __init__(self) -> None:
        self._number = itertools.count(1)
        self._watchers: list[queue.SimpleQueue[ContainerEvent | None]] = []
        self._missing = re.compile(self.settings.missing_commands)

    # looking

    def _get(self, name: str) -> Container:
        container = self.world.container.get(name)
        if container is None:
            raise NotThere(f"there is no container {name} on this engine")
        return container

    def _running(self, name: str, doing: str) -> Container:
        container = self._get(name)
        if container.status != "Running":
            raise EngineConflict(f"{doing} {name}: it does not run (it is {container.status})")
        return container

    def _identity(self, kind: str, name: str) -> str:
        return hashlib.sha256(f"{kind}:{name}".encode()).hexdigest()

    def _surroundings(self, container: Container) -> Surroundings:
        sandbox = self.world.sandbox.get((container.spec.sandbox or "").removeprefix("zun-sandbox-"))
        files = {**container.files, **(sandbox.files if sandbox else {})}
        files.setdefault("/etc/hostname", f"{container.hostname}\n".encode())
        workdir = container.spec.workdir or "/"

        def full(path: str) -> str:
            return normal(path if path.startswith("/") else f"{workdir}/{path}")

        return Surroundings(
            hostname=container.hostname,
            environment=dict(container.spec.environment),
            read_file=lambda path: files.get(full(path)),
            list_dir=lambda path: list_dir(files, full(path)),
            missing=self._missing,
            interactive=container.spec.interactive,
            workdir=workdir,
        )

    def _argv(self, spec: ContainerSpec) -> list[str]:
        argv = [*(spec.entrypoint or ()), *(spec.command or ())]
        image = spec.image.rsplit("/", 1)[-1].partition(":")[0]
        return argv or (["sh"] if image in SHELL_IMAGES else [])

    def _plan(self, container: Container) -> Plan:
        return plan(self._argv(container.spec), self._surroundings(container))

    # asked for

    def create(self, spec: ContainerSpec) -> str:
        with self.world.lock:
            there = self.world.container.get(spec.name)
            if there:
                return there.id
            if self.image_present(spec.image) is None:  # type: ignore[attr-defined]
                raise ImageNotFound(f"image {spec.image!r} does not lie on this engine; pull it first")
            self._check(spec)
            identity = self._identity("container", spec.name)
            spec = replace(spec, memory_mib=max(spec.memory_mib, MEMORY_MIN_MIB))
            sandbox = self.world.sandbox.get((spec.sandbox or "").removeprefix("zun-sandbox-"))
            container = Container(
                id=identity,
                spec=spec,
                created_at=time.time(),
                hostname=sandbox.hostname if sandbox else spec.hostname or identity[:12],
            )
            self._changed(container, "create")
            return identity

    def _check(self, spec: ContainerSpec) -> None:
        if spec.runtime and spec.runtime not in self.settings.runtimes:
            known = ", ".join(self.settings.runtimes)
            raise InvalidRequest(f"creating {spec.name}: unknown runtime {spec.runtime!r}; there are {known}")
        if spec.sandbox and spec.sandbox.removeprefix("zun-sandbox-") not in self.world.sandbox:
            raise SandboxDown(f"creating {spec.name}: there is no sandbox {spec.sandbox}")

    def start(self, name: str) -> None:
        with self.world.lock:
            container = self._get(name)
            if container.alive:
                return
            sandbox = container.spec.sandbox
            if sandbox and sandbox.removeprefix("zun-sandbox-") not in self.world.sandbox:
                raise SandboxDown(f"starting {name}: its sandbox {sandbox} does not run")
            container.restarts = 0
            self._run(container)

    def _run(self, container: Container) -> None:
        argv = self._argv(container.spec)
        if argv and not found(argv[0], self._surroundings(container)):
            container.exit_code, container.status = 127, "Error"
            container.error = f"exec: {argv[0]!r}: executable file not found in $PATH"
            self.world.save("container", container.spec.name, container)
            raise CommandNotFound(f"starting {container.spec.name}: {container.error}")
        now = time.time()
        program = self._plan(container)
        container.status, container.exit_code, container.error = "Running", None, ""
        container.pid = 1000 + next(self._number)
        container.runs.append([now, None])
        container.ends_at = None if program.ends is None else now + program.ends
        check = container.spec.healthcheck
        container.health, container.health_failures = ("starting", 0) if check else (None, 0)
        self._changed(container, "start")
        self._keep_time(container)

    def _keep_time(self, container: Container) -> None:
        """Sets the clock for what this run will do by itself."""
        name, run = container.spec.name, container.started_at
        if container.ends_at is not None:
            self.clock.at(container.ends_at, lambda: self._if_still(name, run, self._program_ends))
        if container.spec.healthcheck:
            due = time.time() + container.spec.healthcheck.interval
            self.clock.at(due, lambda: self._if_still(name, run, self._check_health))

    def _if_still(self, name: str, run: float | None, action: Callable[[Container], None]) -> None:
        with self.world.lock:
            container = self.world.container.get(name)
            if container and container.started_at == run and container.alive:
                action(container)

    def _program_ends(self, container: Container) -> None:
        if container.status != "Running" or container.ends_at is None or container.ends_at > time.time():
            return
        self._stops(container, self._plan(container).exit_code)

    def _stops(self, container: Container, code: int) -> None:
        """Its program ends by itself."""
        self._ended(container, code)
        self._restart_if_asked(container, code)

    def _restart_if_asked(self, container: Container, code: int) -> None:
        policy = container.spec.restart_policy
        wanted = policy.name in ("always", "unless-stopped") or (
            policy.name == "on-failure"
            and code != 0
            and (not policy.max_retries or container.restarts < policy.max_retries)
        )
        if not wanted:
            return
        pause = min(RESTART_PAUSE_MAX, RESTART_PAUSE * 2 ** min(container.restarts, 16))
        container.restarts += 1
        container.status = "Restarting"
        self.world.save("container", container.spec.name, container)
        name, run = container.spec.name, container.started_at
        self.clock.at(time.time() + pause, lambda: self._restart(name, run))

    def _restart(self, name: str, run: float | None) -> None:
        with self.world.lock:
            container = self.world.container.get(name)
            if container and container.status == "Restarting" and container.started_at == run:
                self._run(container)

    def _ended(self, container: Container, code: int) -> None:
        now = time.time()
        container.status, container.exit_code, container.pid = "Stopped", code, 0
        container.ends_at = container.left = container.health = None
        container.runs[-1][1] = now
        self._changed(container, "die", exit_code=code)
        for terminal in self._terminals.pop(container.spec.name, ()):
            terminal.close()

    def stop(self, name: str, timeout: int = 10) -> None:
        with self.world.lock:
            container = self._get(name)
            if container.alive:
                self._ended(container, 128 + FATAL["SIGKILL"])
                self._emit(container, "stop")
            elif container.status == "Restarting":
                container.status = "Stopped"
                self.world.save("container", name, container)

    def kill(self, name: str, signal: str | int = "KILL") -> None:
        wanted = signal_name(signal)
        with self.world.lock:
            container = self._running(name, f"sending {wanted} to")
            self._emit(container, "kill")
            number = FATAL.get(wanted) or (
                int(wanted) if wanted.isdigit() and int(wanted) in FATAL.values() else 0
            )
            if number:
                self._ended(container, 128 + number)

    def end(self, name: str, exit_code: int) -> None:
        """The program ends by itself with this code, as far as anybody can see: for tests of what follows."""
        with self.world.lock:
            container = self._running(name, "ending")
            self._ended(container, exit_code)
            self._restart_if_asked(container, exit_code)

    def reboot(self, name: str, timeout: int = 10) -> None:
        with self.world.lock:
            self.stop(name, timeout)
            self.start(name)
            self._emit(self._get(name), "restart")

    def pause(self, name: str) -> None:
        with self.world.lock:
            container = self._get(name)
            if container.status == "Paused":
                return
            self._running(name, "pausing")
            container.status = "Paused"
            container.left = container.ends_at and max(0.0, container.ends_at - time.time())
            self._changed(container, "pause")

    def unpause(self, name: str) -> None:
        with self.world.lock:
            container = self._get(name)
            if container.status == "Running":
                return
            if container.status != "Paused":
                raise EngineConflict(f"unpausing {name}: it is not paused (it is {container.status})")
            container.status = "Running"
            if container.left is not None:
                container.ends_at, container.left = time.time() + container.left, None
            self._changed(container, "unpause")
            self._keep_time(container)

    def delete(self, name: str, force: bool = False) -> None:
        with self.world.lock:
            container = self.world.container.get(name)
            if container is None:
                return
            if container.status in ("Running", "Paused", "Restarting") and not force:
                raise EngineConflict(f"removing {name}: it runs; stop it first, or remove it with force")
            if container.alive:
                self._ended(container, 128 + FATAL["SIGKILL"])
            self.world.drop("container", name)
            self._emit(container, "destroy")

    def update(
        self,
        name: str,
        cpu: float | None = None,
        memory_mib: int | None = None,
        cpuset: str | None = None,
        cpuset_mems: str | None = None,
    ) -> None:
        with self.world.lock:
            container = self._get(name)
            if memory_mib is not None:
                container.spec.memory_mib = max(memory_mib, MEMORY_MIN_MIB)
            if cpu is not None:
                container.spec.cpu = cpu
            container.spec.cpuset = cpuset or container.spec.cpuset
            container.spec.cpuset_mems = cpuset_mems or container.spec.cpuset_mems
            self._changed(container, "update")

    # by itself

    def _check_health(self, container: Container) -> None:
        check = container.spec.healthcheck
        if check is None:
            return
        if container.status == "Running":
            result = plan(["sh", "-c", check.cmd], self._surroundings(container))
            failed = result.exit_code != 0 or result.ends is None or result.ends > check.timeout
            self._note_health(container, failed, check.retries, result)
        name, run = container.spec.name, container.started_at
        self.clock.at(time.time() + check.interval, lambda: self._if_still(name, run, self._check_health))

    def _note_health(self, container: Container, failed: bool, retries: int, result: Plan) -> None:
        before = container.health
        container.health_failures = container.health_failures + 1 if failed else 0
        container.health_log = "".join(line.text for line in result.lines).strip()
        if not failed:
            container.health = "healthy"
        elif container.health_failures >= retries:
            container.health = "unhealthy"
        if container.health != before:
            self._changed(container, "health", health=container.health)

    def _resume(self) -> None:
        """After a restart of ours: what ran goes on, as in an engine of its own."""
        with self.world.lock:
            for container in self.world.container.values():
                if container.status == "Running":
                    self._keep_time(container)
                elif container.status == "Restarting":
                    name, run = container.spec.name, container.started_at
                    self.clock.at(time.time(), lambda name=name, run=run: self._restart(name, run))  # type: ignore[misc]

    # telling

    def _changed(self, container: Container, action: str, **more: Any) -> None:
        self.world.save("container", container.spec.name, container)
        self._emit(container, action, **more)

    def _emit(self, container: Container, action: str, **more: Any) -> None:
        event = ContainerEvent(container.spec.uuid, action, datetime.now(UTC), **more)
        for watcher in self._watchers:
            watcher.put(event)
