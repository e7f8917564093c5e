"""Subports of trunks: a tap of the backend's own in the subport's network, in a VLAN of the parent's tap.

The tap is one end of a pair. The other, the side, hands what the bridge sends to the parent with the tag, and
gets what the parent receives in the VLAN. Filters, limits and presence are those of any tap.
"""

from __future__ import annotations

import errno
import logging
import threading
from collections.abc import Iterable
from dataclasses import dataclass

from knarr.core.network.drivers.base import NAME_LENGTH, PortState, tap_name
from knarr.kernel.hostnet import links, shapers, vlans
from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.netlink import Netlink, NetlinkError, host
from knarr.kernel.hostnet.plugging import TAP_GROUP
from knarr.kernel.hostnet.settings import ensure_settings

LOG = logging.getLogger(__name__)

GONE = (errno.ENODEV, errno.ENOENT)
SIDE = "trk"


@dataclass(frozen=True, slots=True)
class _Joint:
    """A subport by names of devices: its tap in the bridge, in the VLAN of the parent's tap."""

    tap: str
    bridge: str
    parent: str
    vlan: int

    @property
    def side(self) -> str:
        return SIDE + self.tap[3 : 3 + NAME_LENGTH]


def _joint(port: PortState) -> _Joint | None:
    if port.subport is None:
        return None
    return _Joint(port.tap, port.bridge, tap_name(port.subport.parent_id), port.subport.vlan)


class Trunks:
    """Keeps which subports should be where, and joins them when their parents' taps come."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._joints: dict[str, _Joint] = {}  # by tap
        self._of: dict[str, dict[str, _Joint]] = {}  # by the parent's tap and their own
        self._came: dict[str, int] = {}  # ifindexes of parents' taps whose subports have been joined

    def expect(self, ports: Iterable[PortState]) -> None:
        """These ports' filters are in force; subports among them are to be joined. Raises NetlinkError."""
        with self._lock:
            for port in ports:
                joint = _joint(port)
                if joint != self._joints.get(port.tap):
                    self._remove(port.tap)
                if joint is None:
                    continue
                self._note(joint)
                if parent := links.get_link(host(), joint.parent):
                    _join(joint, parent)

    def forget(self, tap: str) -> None:
        """The port is gone, or another host's."""
        with self._lock:
            self._remove(tap)

    def device(self, link: Link, there: bool) -> None:
        """A tap came, changed or went, as the kernel tells."""
        with self._lock:
            joints = self._of.get(link.name)
            if not joints or (there and self._came.get(link.name) == link.index):
                return
            for joint in joints.values():
                try:
                    if there:
                        _join(joint, link)
                    else:
                        links.delete_link(host(), joint.tap)
                except OSError as error:
                    if error.errno not in GONE:  # it went meanwhile
                        LOG.warning("Subport %s is not joined to %s: %s", joint.tap, link.name, error)
            if there:
                self._came[link.name] = link.index
            else:
                self._came.pop(link.name, None)

    def reconcile(self, ports: Iterable[PortState]) -> list[str]:
        """Makes all subports be those among these ports. Returns lines on what was changed."""
        with self._lock:
            self._joints, self._of, self._came = {}, {}, {}
            for found in filter(None, map(_joint, ports)):
                self._note(found)
            socket = host()
            devices = {link.name: link for link in links.get_links(socket)}
            lines = self._remove_others(socket, devices) + self._part_others(socket, devices)
            for joint in self._joints.values():
                parent = devices.get(joint.parent)
                try:
                    if parent is not None and _join(joint, parent):
                        lines.append(f"subport {joint.tap}")
                except OSError as error:
                    LOG.warning("Subport %s could not be put right: %s", joint.tap, error)
            return lines

    def _note(self, joint: _Joint) -> None:
        self._joints[joint.tap] = joint
        self._of.setdefault(joint.parent, {})[joint.tap] = joint

    def _remove(self, tap: str) -> None:
        """Takes a subport away. Other taps are not this module's."""
        joint = self._joints.pop(tap, None)
        if joint is None:
            return
        del self._of[joint.parent][tap]
        if parent := links.get_link(host(), joint.parent):
            vlans.part(host(), parent, joint.vlan)
        links.delete_link(host(), tap)

    def _remove_others(self, socket: Netlink, devices: dict[str, Link]) -> list[str]:
        """Removes subports that nobody wants, or whose parent is not there."""
        wanted = {joint.side for joint in self._joints.values() if joint.parent in devices}
        sides = [name for name, link in devices.items() if name.startswith(SIDE) and link.kind == "veth"]
        return [
            f"subport {name} was not wanted"
            for name in sides
            if name not in wanted and links.delete_link(socket, name)
        ]

    def _part_others(self, socket: Netlink, devices: dict[str, Link]) -> list[str]:
        """Lets VLANs of taps be that lead to no subport."""
        lines, hooks = [], shapers.get_disciplines(socket)
        ours = [link for link in devices.values() if link.group == TAP_GROUP and link.kind == "veth"]
        for tap in [link for link in ours if link.index in hooks and hooks[link.index].ingress]:
            wanted = {joint.vlan for joint in self._of.get(tap.name, {}).values()}
            for vlan in sorted(vlans.get_vlans(socket, tap).keys() - wanted):
                vlans.part(socket, tap, vlan)
                lines.append(f"VLAN {vlan} of {tap.name} was not wanted")
        return lines


def _join(joint: _Joint, parent: Link) -> bool:
    """Makes the subport's tap be in its network and in its VLAN of the parent.

    Returns whether anything had to be changed.
    """
    socket = host()
    bridge = links.get_link(socket, joint.bridge)
    if bridge is None:
        raise NetlinkError(errno.ENODEV, f"the bridge {joint.bridge} is gone")
    tap, side, changed = _pair(socket, joint, bridge)
    if (tap.master, tap.mtu, tap.group, tap.up) != (bridge.index, bridge.mtu, TAP_GROUP, True):
        links.set_link(socket, tap, up=True, mtu=bridge.mtu, master=bridge.index, group=TAP_GROUP)
        changed = True
    ways = (vlans.get_vlans(socket, parent).get(joint.vlan), vlans.get_vlans(socket, side))
    if ways != (side.index, {joint.vlan: parent.index}):
        vlans.join(socket, parent, side, joint.vlan)
        changed = True
    if not side.up or side.mtu != bridge.mtu:
        links.set_link(socket, side, up=True, mtu=bridge.mtu)
        changed = True
    return changed


def _pair(socket: Netlink, joint: _Joint, bridge: Link) -> tuple[Link, Link, bool]:
    """The tap and its side, made if they are not one pair; the side stays down until it is joined."""
    tap, side = links.get_link(socket, joint.tap), links.get_link(socket, joint.side)
    if tap is not None and side is not None and (tap.peer, side.peer) == (side.index, tap.index):
        return tap, side, False
    for left in (tap, side):
        if left is not None:
            links.delete_link(socket, left.name)
    links.add_veth(socket, joint.tap, master=bridge.index, mtu=bridge.mtu, group=TAP_GROUP, peer=joint.side)
    tap, side = links.get_link(socket, joint.tap), links.get_link(socket, joint.side)
    if tap is None or side is None:
        raise NetlinkError(errno.ENODEV, f"{joint.tap} is gone")
    ensure_settings({f"ipv6/conf/{side.name}/disable_ipv6": "1"})  # nobody speaks there but the subport
    return tap, side, True
