"""A backend without packets: it keeps the desired state and calls every bound port present. Needs no root."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Any

from knarr.core.network.drivers.base import (
    Capabilities,
    Changes,
    DesiredState,
    Finding,
    NetworkBackend,
    NetworkState,
    PortState,
    PresenceCallback,
    RouterState,
    SecurityGroupState,
)


class FakeBackend(NetworkBackend):
    """A port is present from the moment it is applied; `state` shows what was asked for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._networks: dict[str, NetworkState] = {}
        self._ports: dict[str, PortState] = {}
        self._groups: dict[str, SecurityGroupState] = {}
        self._routers: dict[str, RouterState] = {}
        self._watchers: list[PresenceCallback] = []

    @property
    def state(self) -> DesiredState:
        """What the service asked for so far, ordered by id."""
        with self._lock:
            return DesiredState(
                tuple(self._networks[key] for key in sorted(self._networks)),
                tuple(self._ports[key] for key in sorted(self._ports)),
                tuple(self._groups[key] for key in sorted(self._groups)),
                tuple(self._routers[key] for key in sorted(self._routers)),
            )

    def apply_network(self, network: NetworkState) -> None:
        with self._lock:
            self._networks[network.id] = network

    def remove_network(self, network_id: str) -> None:
        with self._lock:
            self._networks.pop(network_id, None)

    def apply_ports(self, ports: Iterable[PortState]) -> None:
        with self._lock:
            before = self._present()
            self._ports.update((port.id, port) for port in ports)
            after = self._present()
        self._tell(before, after)

    def remove_port(self, port_id: str) -> None:
        with self._lock:
            before = self._present()
            self._ports.pop(port_id, None)
            after = self._present()
        self._tell(before, after)

    def apply_groups(self, groups: Iterable[SecurityGroupState]) -> None:
        with self._lock:
            self._groups.update((group.id, group) for group in groups)

    def remove_group(self, group_id: str) -> None:
        with self._lock:
            self._groups.pop(group_id, None)

    def apply_router(self, router: RouterState) -> None:
        with self._lock:
            self._routers[router.id] = router

    def remove_router(self, router_id: str) -> None:
        with self._lock:
            self._routers.pop(router_id, None)

    def reconcile(self, desired: DesiredState | Callable[[], DesiredState]) -> Changes:
        changes = Changes()
        with self._lock:
            desired = desired() if callable(desired) else desired
            before = self._present()
            tables: tuple[tuple[str, dict[str, Any], dict[str, Any]], ...] = (
                ("network", self._networks, {network.id: network for network in desired.networks}),
                ("port", self._ports, {port.id: port for port in desired.ports}),
                ("group", self._groups, {group.id: group for group in desired.groups}),
                ("router", self._routers, {router.id: router for router in desired.routers}),
            )
            for what, have, want in tables:
                keys = sorted(have.keys() | want.keys())
                changes.repaired += [f"{what} {key}" for key in keys if have.get(key) != want.get(key)]
            for _, have, want in tables:
                have.clear()
                have.update(want)
            after = self._present()
        self._tell(before, after)
        return changes

    def port_present(self, port_id: str) -> bool:
        with self._lock:
            return port_id in self._present()

    def watch(self, callback: PresenceCallback) -> Callable[[], None]:
        with self._lock:
            self._watchers.append(callback)
            present = sorted(self._present())
        for port_id in present:
            callback(port_id, True)

        def end() -> None:
            with self._lock:
                if callback in self._watchers:
                    self._watchers.remove(callback)

        return end

    def capabilities(self) -> Capabilities:
        return Capabilities(routers=True, floating_ips=True, qos=True, dhcp=True, trunks=True)

    def check(self) -> list[Finding]:
        return [Finding("network backend", True, "fake: ports carry no packets")]

    def _present(self) -> set[str]:
        return {port.id for port in self._ports.values() if port.local}

    def _tell(self, before: set[str], after: set[str]) -> None:
        with self._lock:
            watchers = tuple(self._watchers)
        for port_id in sorted(before ^ after):
            for watcher in watchers:
                watcher(port_id, port_id in after)
