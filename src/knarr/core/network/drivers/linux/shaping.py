"""Bandwidth limits of ports: a token bucket on the tap for what the guest gets, and one on a device that its
packets are led through first for what it sends.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterable

from knarr.core.network.drivers.base import NAME_LENGTH, BandwidthLimit, PortState
from knarr.kernel.hostnet import links, shapers
from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.netlink import Netlink, NetlinkError, host
from knarr.kernel.hostnet.plugging import TAP_GROUP
from knarr.kernel.hostnet.shapers import Bucket, Disciplines

LOG = logging.getLogger(__name__)

BURST_SHARE = 0.8  # of a second's traffic, where the policy names no burst: what Neutron's agents take
FRAME_OVERHEAD = 18
GONE = (errno.ENODEV, errno.ENOENT)


class Shaping:
    """Keeps the limits that ports should have, and puts them on taps as these come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._limits: dict[str, tuple[BandwidthLimit, ...]] = {}
        self._shaped: dict[str, int] = {}  # ifindexes of taps whose limits are in force

    def expect(self, ports: Iterable[PortState]) -> None:
        """These ports have these limits from now on. Raises NetlinkError."""
        with self._lock:
            for port in ports:
                before = self._limits.pop(port.tap, ())
                if port.bandwidth:
                    self._limits[port.tap] = port.bandwidth
                if port.bandwidth != before and (tap := links.get_link(host(), port.tap)):
                    self._shape(tap)

    def forget(self, tap: str) -> None:
        """The port is gone, or another host's."""
        with self._lock:
            had = self._limits.pop(tap, ())
            self._shaped.pop(tap, None)
            if had and (link := links.get_link(host(), tap)):
                self._shape(link)

    def device(self, link: Link, there: bool) -> None:
        """A tap came, changed or went, as the kernel tells."""
        with self._lock:
            if link.name not in self._limits or (there and self._shaped.get(link.name) == link.index):
                return
            try:
                if there:
                    self._shape(link)
                else:
                    self._shaped.pop(link.name, None)
                    links.delete_link(host(), detour(link.name))
            except NetlinkError as error:
                if error.errno not in GONE:  # it went meanwhile
                    LOG.warning("%s has no bandwidth limit: %s", link.name, error)

    def reconcile(self, ports: Iterable[PortState]) -> list[str]:
        """Makes all limits be those of these ports. Returns lines on what was changed."""
        with self._lock:
            self._limits = {port.tap: port.bandwidth for port in ports if port.bandwidth}
            socket = host()
            found = {link.name: link for link in links.get_links(socket)}
            there = shapers.get_disciplines(socket)
            lines = []
            for name, link in found.items():
                try:
                    if link.group != TAP_GROUP:
                        continue
                    if link.kind == "ifb" and "tap" + name[3:] not in found:
                        links.delete_link(socket, name)
                        lines.append(f"{name} was not wanted")
                    elif link.kind == "veth" and (name in self._limits or link.index in there):
                        lines += [f"limit of {name}"] if self._shape(link, there) else []
                except NetlinkError as error:
                    LOG.warning("The bandwidth limit of %s could not be put right: %s", name, error)
            return lines

    def _shape(self, tap: Link, there: dict[int, Disciplines] | None = None) -> bool:
        """Makes the tap's limits be the wanted ones. Returns whether anything had to be changed."""
        socket = host()
        there = shapers.get_disciplines(socket) if there is None else there
        limits = {limit.direction: bucket(limit, tap.mtu) for limit in self._limits.get(tap.name, ())}
        changed = _set_bucket(socket, tap, limits.get("ingress"), there)
        changed |= _shape_sent(socket, tap, limits.get("egress"), there)
        self._shaped[tap.name] = tap.index
        return changed


def detour(tap: str) -> str:
    """Name of the device that what a guest sends is led through."""
    return "ifb" + tap[3 : 3 + NAME_LENGTH]


def bucket(limit: BandwidthLimit, mtu: int) -> Bucket:
    """The token bucket of a limit; its burst holds at least one full frame, or nothing would pass."""
    burst = limit.max_burst_kbps or limit.max_kbps * BURST_SHARE
    return Bucket(max(1, limit.max_kbps * 125), max(int(burst * 125), mtu + FRAME_OVERHEAD))


def _set_bucket(socket: Netlink, link: Link, wanted: Bucket | None, there: dict[int, Disciplines]) -> bool:
    have = there.get(link.index, Disciplines()).bucket
    if wanted is None:
        return have is not None and shapers.drop_bucket(socket, link)
    if have is not None and wanted.like(have):
        return False
    shapers.set_bucket(socket, link, wanted)
    return True


def _shape_sent(socket: Netlink, tap: Link, wanted: Bucket | None, there: dict[int, Disciplines]) -> bool:
    name = detour(tap.name)
    if wanted is None:
        led = there.get(tap.index, Disciplines()).ingress and shapers.drop_detour(socket, tap)
        return (led and links.delete_link(socket, name)) or led
    changed = shapers.add_detour(socket, name, TAP_GROUP, tap.mtu)
    way = links.get_link(socket, name)
    if way is None:
        raise NetlinkError(errno.ENODEV, f"{name} is gone")
    changed |= _set_bucket(socket, way, wanted, there)  # before the first packet comes this way
    if not there.get(tap.index, Disciplines()).ingress or shapers.get_detour(socket, tap) != way.index:
        shapers.set_detour(socket, tap, way)
        changed = True
    return changed
