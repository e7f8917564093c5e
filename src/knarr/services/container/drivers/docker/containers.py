"""A container's life on the Docker engine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from knarr.services.container.drivers.base import (
    ContainerSpec,
    ContainerState,
    EngineConflict,
    EngineError,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    SandboxDown,
)
from knarr.services.container.drivers.docker.connection import KIND_CONTAINER, Connection
from knarr.services.container.drivers.docker.spec import create_body, limits
from knarr.services.container.drivers.docker.state import from_inspect, from_list
from knarr.services.container.drivers.names import signal_name

if TYPE_CHECKING:
    from knarr.services.container.drivers.docker.pool import SandboxPool


# The engine's keys of limits -> the SDK's arguments
UPDATES = {
    "CpuShares": "cpu_shares",
    "Memory": "mem_limit",
    "MemorySwap": "memswap_limit",
    "CpusetCpus": "cpuset_cpus",
    "CpusetMems": "cpuset_mems",
}


class Containers:
    """Part of DockerEngine."""

    connection: Connection
    pool: SandboxPool

    def create(self, spec: ContainerSpec) -> str:
        try:
            with self.connection.speak(f"creating {spec.name}") as api:
                return str(
                    api.create_container_from_config(create_body(spec, self.connection), spec.name)["Id"]
                )
        except ImageNotFound:
            raise ImageNotFound(f"image {spec.image!r} does not lie on this engine; pull it first") from None
        except NotThere:
            raise SandboxDown(f"creating {spec.name}: there is no sandbox {spec.sandbox}") from None
        except EngineConflict:
            # The name derives from the id, so this is the container that an earlier try has made.
            found = self._container(spec.name)
            if found is None:
                raise
            return found
        except EngineError:
            self.pool.at_rest(spec.uuid)
            raise

    def _container(self, name: str) -> str | None:
        data = self._inspect(name)
        return str(data["Id"]) if data else None

    def start(self, name: str) -> None:
        try:
            with self.connection.speak(f"starting {name}") as api:
                api.start(name)
        except NotThere:
            if self._inspect(name) is None:
                raise
            raise SandboxDown(f"starting {name}: its sandbox is gone from the engine") from None
        finally:
            self.pool.at_rest(name.removeprefix("zun-"))

    def stop(self, name: str, timeout: int = 10) -> None:
        with self.connection.speak(f"stopping {name}") as api:
            api.stop(name, timeout=timeout)

    def kill(self, name: str, signal: str | int = "KILL") -> None:
        number = signal_name(signal)
        with self.connection.speak(f"sending {number} to {name}") as api:
            api.kill(name, number)

    def reboot(self, name: str, timeout: int = 10) -> None:
        with self.connection.speak(f"restarting {name}") as api:
            api.restart(name, timeout=timeout)

    def pause(self, name: str) -> None:
        self._unless_already("Paused", name, "pausing", "pause")

    def unpause(self, name: str) -> None:
        self._unless_already("Running", name, "unpausing", "unpause")

    def _unless_already(self, status: str, name: str, doing: str, method: str) -> None:
        try:
            with self.connection.speak(f"{doing} {name}") as api:
                getattr(api, method)(name)
        except EngineConflict:
            state = self.inspect(name)
            if state is None or state.status != status:
                raise

    def delete(self, name: str, force: bool = False) -> None:
        try:
            with self.connection.speak(f"removing {name}") as api:
                api.remove_container(name, force=force, v=True)
        except NotThere:
            return
        except EngineConflict as error:
            if "in progress" not in str(error):
                raise

    def inspect(self, name: str) -> ContainerState | None:
        data = self._inspect(name)
        return from_inspect(data) if data else None

    def _inspect(self, name: str) -> dict[str, Any] | None:
        try:
            with self.connection.speak(f"inspecting {name}") as api:
                return dict(api.inspect_container(name))
        except NotThere:
            return None

    def list_containers(self) -> list[ContainerState]:
        with self.connection.speak("listing containers") as api:
            rows = api.containers(all=True, filters=self.connection.filters(KIND_CONTAINER))
        return [from_list(row) for row in rows]

    def update(
        self,
        name: str,
        cpu: float | None = None,
        memory_mib: int | None = None,
        cpuset: str | None = None,
        cpuset_mems: str | None = None,
    ) -> None:
        wanted = limits(cpu, memory_mib)
        sets = {"CpusetCpus": cpuset, "CpusetMems": cpuset_mems}
        wanted.update({key: value for key, value in sets.items() if value})
        if not wanted:
            return
        try:
            with self.connection.speak(f"updating {name}") as api:
                api.update_container(name, **{UPDATES[key]: value for key, value in wanted.items()})
        except NotThere:
            if self._inspect(name) is None:
                raise
            raise EngineError(
                f"updating {name}: this engine cannot change the limits of a container"
            ) from None
        except (EngineConflict, InvalidRequest):
            raise
        except EngineError as error:
            # The kernel says "device or resource busy" where the container already uses more.
            if memory_mib is not None and "busy" in str(error):
                raise InvalidRequest(f"{name} uses more than {memory_mib} MiB already") from error
            raise
