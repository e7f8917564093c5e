"""Sandboxes: containers that do nothing but hold a network namespace, hostname, hosts and resolv.conf for
the one that joins.

Two ways to make one (docs/decisions/sandbox.md has the figures): ``unshare``, where the program inside
makes the namespace itself, at half the time, and ``none``, where the engine does.
"""

from __future__ import annotations

import contextlib
import ipaddress
import logging
import os
import platform
import secrets
import threading
import time
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

from knarr.services.container.drivers.base import (
    SANDBOX_PREFIX,
    EngineConflict,
    EngineError,
    ImageNotFound,
    InvalidRequest,
    NotThere,
    Sandbox,
    sandbox_name,
)
from knarr.services.container.drivers.docker import netns, pause
from knarr.services.container.drivers.docker.connection import (
    KIND_CONTAINER,
    KIND_SANDBOX,
    LABEL_KIND,
    Connection,
)
from knarr.services.container.drivers.docker.pool import Ready, SandboxPool

LOG = logging.getLogger(__name__)

READY_PREFIX = f"{SANDBOX_PREFIX}ready-"
LOCALHOST = (
    "127.0.0.1\tlocalhost\n::1\tlocalhost ip6-localhost ip6-loopback\n"
    "fe00::0\tip6-localnet\nff00::0\tip6-mcastprefix\nff02::1\tip6-allnodes\nff02::2\tip6-allrouters\n"
)
RESOLV_NAMESERVERS = 3  # the resolver takes no more


class Sandboxes:
    """Part of DockerEngine."""

    connection: Connection
    pool: SandboxPool

    def __init__(self) -> None:
        self._mode = ""
        self._image_lock = threading.Lock()
        self.pool = SandboxPool(self._make_ready, self._discard, self.connection.settings.sandbox_pool_size)

    # claim and release

    def claim_sandbox(self, uuid: str, hostname: str | None = None) -> Sandbox:
        self.pool.on_the_way(uuid)
        try:
            return self._made_for(uuid, hostname) if hostname else self._out_of_pool(uuid)
        except EngineError:
            self.pool.at_rest(uuid)
            raise

    def _out_of_pool(self, uuid: str) -> Sandbox:
        name = sandbox_name(uuid)
        while ready := self.pool.take():
            if not self._alive(ready):
                self._discard(ready)
                continue
            try:
                with self.connection.speak(f"naming sandbox {name}") as api:
                    api.rename(ready.id, name)
            except NotThere:
                continue
            except EngineConflict:
                self.pool.add(ready)
                return self._existing(uuid)
            return _sandbox(uuid, name, ready)
        return self._made_for(uuid, None)

    def _made_for(self, uuid: str, hostname: str | None) -> Sandbox:
        name = sandbox_name(uuid)
        try:
            return _sandbox(uuid, name, self._make(name, hostname, uuid))
        except EngineConflict:
            return self._existing(uuid)

    def _existing(self, uuid: str) -> Sandbox:
        """The one that the container has already, running."""
        found = self.sandbox(uuid)
        if found is None:
            raise EngineConflict(f"the name {sandbox_name(uuid)} is taken on the engine by something else")
        if found.pid:
            return found
        with self.connection.speak(f"starting {found.name}") as api:
            api.start(found.name)
        return _sandbox(uuid, found.name, self._settled(found.name))

    def sandbox(self, uuid: str) -> Sandbox | None:
        name = sandbox_name(uuid)
        try:
            with self.connection.speak(f"inspecting {name}") as api:
                data = api.inspect_container(name)
        except NotThere:
            return None
        if (data["Config"].get("Labels") or {}).get(LABEL_KIND) != KIND_SANDBOX:
            return None
        pid = data["State"]["Pid"] if data["State"]["Running"] else 0
        path = netns.path(pid) if pid else ""
        return Sandbox(uuid, name, data["Id"], pid, path, data["Config"]["Hostname"])

    def release_sandbox(self, uuid: str) -> None:
        self.pool.at_rest(uuid)
        self._remove_container(sandbox_name(uuid))

    def _remove_container(self, name: str) -> None:
        try:
            with self.connection.speak(f"removing {name}") as api:
                api.remove_container(name, force=True, v=True)
        except NotThere:
            return
        except EngineConflict as error:
            if "in progress" not in str(error):
                raise

    # making them

    def _make_ready(self) -> Ready:
        return self._make(READY_PREFIX + secrets.token_hex(6), None, "")

    def _make(self, name: str, hostname: str | None, uuid: str) -> Ready:
        mode = self._mode or self._choose_mode()
        try:
            return self._make_as(mode, name, hostname, uuid)
        except EngineConflict:
            raise
        except EngineError as error:
            if mode != "unshare" or error.retryable or self.connection.settings.sandbox_mode != "auto":
                raise
            LOG.warning("sandboxes cannot make their own network namespace here; the engine does: %s", error)
            self._mode = "none"
            return self._make_as("none", name, hostname, uuid)

    def _choose_mode(self) -> str:
        wanted = self.connection.settings.sandbox_mode
        if wanted == "auto":
            # Only on this host can we see that the namespace is there, and Podman joins the one it made
            # itself.
            possible = self.connection.local and os.geteuid() == 0 and not self.connection.podman
            wanted = "unshare" if possible else "none"
        self._mode = wanted
        return wanted

    def _make_as(self, mode: str, name: str, hostname: str | None, uuid: str) -> Ready:
        body = self._body(mode, hostname or secrets.token_hex(6), uuid)
        try:
            made = self._create(body, name)
        except ImageNotFound:
            self._load_image()
            made = self._create(body, name)
        try:
            with self.connection.speak(f"starting sandbox {name}") as api:
                api.start(made)
            ready = self._settled(made)
        except EngineError:
            with contextlib.suppress(EngineError):
                self._remove_container(made)
            raise
        return ready

    def _create(self, body: dict[str, Any], name: str) -> str:
        with self.connection.speak(f"creating sandbox {name}") as api:
            return str(api.create_container_from_config(body, name)["Id"])

    def _body(self, mode: str, hostname: str, uuid: str) -> dict[str, Any]:
        own = mode == "unshare"
        return {
            "Image": pause.image_ref(),
            "Hostname": hostname,
            "Cmd": [pause.OWN_NAMESPACE] if own else [],
            "Labels": self.connection.labels(KIND_SANDBOX, uuid),
            "HostConfig": {
                "NetworkMode": "host" if own else "none",
                "CapDrop": ["ALL"],
                # Given up by the program itself as soon as it has its namespace.
                "CapAdd": ["SYS_ADMIN"] if own else [],
                "SecurityOpt": ["no-new-privileges"],
                "ReadonlyRootfs": True,
                "Memory": 16 * 1024 * 1024,
                "PidsLimit": 16,
                "LogConfig": {"Type": "none" if not self.connection.podman else "", "Config": {}},
            },
        }

    def _settled(self, name: str) -> Ready:
        """A started sandbox with a namespace of its own, ready to be joined."""
        with self.connection.speak(f"inspecting sandbox {name}") as api:
            data = api.inspect_container(name)
        pid = data["State"]["Pid"]
        own = data["HostConfig"]["NetworkMode"] == "host"
        if own:
            if not pid:
                raise EngineError("the sandbox could not make a network namespace of its own, and ended")
            netns.wait_until_own(pid)
            netns.prepare(pid)
        seen = netns.identity(pid) if self.connection.local else 0
        return Ready(data["Id"], data["Name"].lstrip("/"), pid, data["Config"]["Hostname"], seen)

    def _load_image(self) -> None:
        with self._image_lock:
            machine = self._machine()
            if machine not in pause.MACHINES:
                raise EngineError(f"there is no sandbox program for {machine}: {', '.join(pause.MACHINES)}")
            LOG.info("loading the sandbox image %s", pause.image_ref())
            with self.connection.speak(f"loading image {pause.image_ref()}") as api:
                for line in api.load_image(pause.image_tar(machine)):
                    if line.get("error"):
                        raise EngineError(f"the engine does not take the sandbox image: {line['error']}")

    def _machine(self) -> str:
        if self.connection.local:
            return platform.machine()
        with self.connection.speak("asking for the architecture") as api:
            return str(api.info()["Architecture"])

    def _alive(self, ready: Ready) -> bool:
        return not ready.netns or netns.identity(ready.pid) == ready.netns

    def _discard(self, ready: Ready) -> None:
        with contextlib.suppress(EngineError):
            self._remove_container(ready.id)

    # the files

    def write_hosts(
        self,
        uuid: str,
        addresses: Sequence[str],
        hostname: str | None = None,
        dns: Sequence[str] = (),
        search: Sequence[str] = (),
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        if not self.connection.local:
            LOG.warning("the hosts file of %s cannot be written: the engine is on another host", uuid)
            return
        name = sandbox_name(uuid)
        with self.connection.speak(f"inspecting {name}") as api:
            data = api.inspect_container(name)
        own = hostname or data["Config"]["Hostname"]
        lines = [f"{_address(address)}\t{own}\n" for address in addresses]
        lines += [f"{_address(address)}\t{other}\n" for address, other in (hosts or {}).items()]
        _write_in_place(data["HostsPath"], LOCALHOST + "".join(lines), name)
        if dns:
            resolv = [f"search {' '.join(search)}\n"] if search else []
            resolv += [f"nameserver {_address(server)}\n" for server in list(dns)[:RESOLV_NAMESERVERS]]
            _write_in_place(data["ResolvConfPath"], "".join(resolv), name)

    # what a killed process left behind

    def adopt(self) -> None:
        """Takes ready sandboxes of a former process into the pool; what does not run any more is
        removed."""
        for name, identity, _ in self._ours(KIND_SANDBOX):
            if not name.startswith(READY_PREFIX):
                continue
            ready = None
            with contextlib.suppress(EngineError):
                ready = self._settled(identity)
            if ready and ready.pid:
                self.pool.add(ready)
                continue
            with contextlib.suppress(EngineError):
                self._remove_container(identity)

    def reap(self, known: Collection[str], min_age: float = 30.0) -> list[str]:
        keep = set(known)
        removed = []
        # Containers first: a sandbox goes when nobody is in it any more.
        for kind in (KIND_CONTAINER, KIND_SANDBOX):
            for name, identity, created in self._ours(kind):
                uuid = name.removeprefix(SANDBOX_PREFIX).removeprefix("zun-")
                young = time.time() - created < min_age
                if name.startswith(READY_PREFIX) or uuid in keep or young or self.pool.busy(uuid):
                    continue
                self._remove_container(identity)
                removed.append(name)
        return removed

    def _ours(self, kind: str) -> list[tuple[str, str, float]]:
        """(name, id, created) of what is ours."""
        with self.connection.speak("listing containers") as api:
            rows = api.containers(all=True, filters=self.connection.filters(kind))
        return [(row["Names"][0].lstrip("/"), row["Id"], row["Created"]) for row in rows if row.get("Names")]


def _sandbox(uuid: str, name: str, ready: Ready) -> Sandbox:
    return Sandbox(uuid, name, ready.id, ready.pid, netns.path(ready.pid), ready.hostname)


def _address(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise InvalidRequest(f"{text!r} is not an IP address") from None


def _write_in_place(path: str, text: str, name: str) -> None:
    """Containers have this very file mounted: a new one in its place would not be seen."""
    try:
        with Path(path).open("r+") as file:
            file.write(text)
            file.truncate()
    except OSError as error:
        raise EngineError(f"cannot write {path} of {name}: {error.strerror}") from error
