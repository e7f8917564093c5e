"""Which ports are plugged: the kernel's device events, turned into "this port came" and "this port went"."""

from __future__ import annotations

import logging
import queue
import threading
from collections.abc import Callable, Iterable

from knarr.core.network.drivers.base import PortState, PresenceCallback
from knarr.kernel.hostnet.links import Link, set_link
from knarr.kernel.hostnet.netlink import NetlinkError, host
from knarr.kernel.hostnet.plugging import TAP_GROUP
from knarr.kernel.hostnet.watch import LinkCallback, LinkWatch

LOG = logging.getLogger(__name__)


class Presence:
    """Knows of every port with a filter in force whether its tap is in its bridge and up.

    Callbacks run one after another in a thread of their own, in the order of the changes. on_device is told
    of every device at once, in the thread that listens to the kernel: (device, is it still there).
    """

    def __init__(self, on_device: LinkCallback = lambda link, there: None) -> None:
        self._on_device = on_device
        self._lock = threading.Lock()
        self._ports: dict[str, PortState] = {}
        self._by_tap: dict[str, str] = {}
        self._devices: dict[int, Link] = {}
        self._present: set[str] = set()
        self._watchers: list[PresenceCallback] = []
        self._news: queue.SimpleQueue[tuple[PresenceCallback, str, bool] | None] = queue.SimpleQueue()
        self._watch: LinkWatch | None = None
        self._teller: threading.Thread | None = None

    def start(self) -> None:
        """Listens to the kernel from now on."""
        self._teller = threading.Thread(target=self._tell, name="port-presence", daemon=True)
        self._teller.start()
        self._watch = LinkWatch(self._device)

    def stop(self) -> None:
        """Ends both threads."""
        if self._watch is not None:
            self._watch.close()
            self._watch = None
        if self._teller is not None:
            self._news.put(None)
            if threading.current_thread() is not self._teller:
                self._teller.join()
            self._teller = None

    def expect(self, ports: Iterable[PortState]) -> None:
        """These ports' filters are in force."""
        with self._lock:
            for port in ports:
                self._ports[port.id] = port
                self._by_tap[port.tap] = port.id
                self._judge(port.id)

    def forget(self, port_id: str) -> None:
        """The port's filter is gone."""
        with self._lock:
            port = self._ports.pop(port_id, None)
            if port is not None:
                self._by_tap.pop(port.tap, None)
            self._judge(port_id)

    def expect_only(self, ports: Iterable[PortState]) -> None:
        """As `expect`, and every other port is forgotten."""
        wanted = {port.id: port for port in ports}
        for port_id in [port_id for port_id in self._ports if port_id not in wanted]:
            self.forget(port_id)
        self.expect(wanted.values())

    def present(self, port_id: str) -> bool:
        """Whether the port is there."""
        with self._lock:
            return port_id in self._present

    def watch(self, callback: PresenceCallback) -> Callable[[], None]:
        """See the contract."""
        with self._lock:
            self._watchers.append(callback)
            for port_id in sorted(self._present):
                self._news.put((callback, port_id, True))

        def end() -> None:
            with self._lock:
                if callback in self._watchers:
                    self._watchers.remove(callback)

        return end

    def _device(self, link: Link, there: bool) -> None:
        with self._lock:
            if there:
                self._devices[link.index] = link
            else:
                self._devices.pop(link.index, None)
            port_id = self._by_tap.get(link.name)
            if port_id is not None:
                self._judge(port_id)
            elif link.kind == "bridge":
                for other in [key for key, port in self._ports.items() if port.bridge == link.name]:
                    self._judge(other)
        if port_id is not None and there and link.group != TAP_GROUP:
            _govern(link)
        self._on_device(link, there)

    def _judge(self, port_id: str) -> None:
        """Compares what is with what was told; the lock is held."""
        port = self._ports.get(port_id)
        now = port is not None and any(
            link.name == port.tap and link.up and self._master(link) == port.bridge
            for link in self._devices.values()
        )
        if now == (port_id in self._present):
            return
        (self._present.add if now else self._present.discard)(port_id)
        for watcher in self._watchers:
            self._news.put((watcher, port_id, now))

    def _master(self, link: Link) -> str | None:
        master = self._devices.get(link.master)
        return master.name if master else None

    def _tell(self) -> None:
        while (news := self._news.get()) is not None:
            callback, port_id, there = news
            try:
                callback(port_id, there)
            except Exception:  # whatever a watcher does, the others and the next news are told
                LOG.exception("A watcher of ports failed for port %s", port_id)


def _govern(link: Link) -> None:
    """A tap that another program plugged is put under our filters like those which are born so."""
    try:
        set_link(host(), link, group=TAP_GROUP)
    except NetlinkError as error:
        LOG.warning("The tap %s could not be put under the filters: %s", link.name, error)
