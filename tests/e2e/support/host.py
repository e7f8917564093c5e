"""A host for the tests: a network namespace, so that bridges and filters of others are not touched."""

from __future__ import annotations

import socket
import subprocess
import uuid
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from knarr.core.network.drivers.linux.routers import Routers
from knarr.kernel import hostnet

T = TypeVar("T")


class Host:
    """Programs that are run here see its loopback and devices only; the engine's socket is shared."""

    def __init__(self) -> None:
        self.name = f"knarr-e2e-{uuid.uuid4().hex[:8]}"
        self.path = hostnet.create_namespace(self.name)

    def close(self) -> None:
        """Remove it, with the namespaces of routers that a Knarr here has left running."""
        self.do(lambda: Routers().remove_others(()))
        hostnet.delete_namespace(self.name)

    def command(self, arguments: Sequence[str]) -> list[str]:
        return ["nsenter", f"--net={self.path}", *arguments]

    def do(self, function: Callable[[], T]) -> T:
        """Call the function in a thread that stands on this host."""
        return hostnet.run_in_namespace(self.path, function)

    def free_port(self) -> int:
        return self.do(free_port)

    def devices(self, prefix: str) -> set[str]:
        """Names of the network devices that begin so (tap, brq)."""
        listed = subprocess.run(
            self.command(["ip", "-o", "link", "show"]), capture_output=True, text=True, check=True, timeout=10
        )
        names = (line.split(":")[1].strip().partition("@")[0] for line in listed.stdout.splitlines())
        return {name for name in names if name.startswith(prefix)}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: Any = probe.getsockname()[1]
        return int(port)
