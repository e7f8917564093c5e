"""Ports: a veth pair, one end (the tap) in a bridge of the host, the other as eth0, eth1 … in a namespace."""

from __future__ import annotations

import errno
import ipaddress
import os
from dataclasses import dataclass

from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.bridges import ensure_bridge
from knarr.kernel.hostnet.links import Link, RouteEntry
from knarr.kernel.hostnet.namespaces import Netns, namespace_path, run_in_namespace
from knarr.kernel.hostnet.netlink import Netlink, NetlinkError, host

TAP_GROUP = 27502
"""Device group (`ip link set group`) of every tap that is plugged here; set in the very request that makes
the tap, so filters can tell a tap of ours, described or not, from other software's devices."""


@dataclass(frozen=True, slots=True)
class Route:
    """A host route: destination CIDR, and the address of the next hop (None: on the link)."""

    destination: str
    nexthop: str | None


@dataclass(frozen=True, slots=True)
class PlugSpec:
    """A port to be plugged.

    tap: name of the host end.
    bridge: name of the bridge, which `plug` makes if it is missing.
    netns: path or pid.
    ifname: name in the namespace.
    addresses: with prefix lengths, "10.0.0.5/24", IPv4 and IPv6 in any order.
    gateways: next hops of the default routes, at most one per family; empty on all but one interface of a
    namespace.
    """

    tap: str
    bridge: str
    netns: Netns
    ifname: str
    mac: str
    mtu: int = 1500
    addresses: tuple[str, ...] = ()
    gateways: tuple[str, ...] = ()
    routes: tuple[Route, ...] = ()


@dataclass(frozen=True, slots=True)
class Tap:
    """A tap as it stands on the host. bridge: None if it is plugged into none."""

    name: str
    bridge: str | None
    up: bool


def plug(spec: PlugSpec) -> bool:
    """Makes the port as described: veth pair, MAC, MTU, addresses (no duplicate address detection), routes,
    both ends and the namespace's lo up. May be called again: an existing port is completed and corrected;
    addresses and routes that the spec does not name are taken away from the interface. A tap whose other
    end is gone or elsewhere is made anew.

    Returns whether anything had to be changed. Raises NetlinkError; FileNotFoundError if the namespace is
    gone.
    """
    netlink = host()
    namespace = os.open(namespace_path(spec.netns), os.O_RDONLY | os.O_CLOEXEC)
    try:
        bridge = _bridge(netlink, spec)
        there = f"/proc/self/fd/{namespace}"
        tap = links.get_link(netlink, spec.tap)
        if tap is not None and run_in_namespace(there, lambda: _is_other_end(spec, tap)):
            changed = _correct_tap(netlink, tap, bridge, spec.mtu)
            return run_in_namespace(there, lambda: _configure(spec)) or changed
        if tap is not None:
            links.delete_link(netlink, spec.tap)
        links.add_veth(
            netlink,
            spec.tap,
            master=bridge.index,
            mtu=spec.mtu,
            group=TAP_GROUP,
            peer=spec.ifname,
            peer_mac=spec.mac,
            peer_namespace=namespace,
        )
        run_in_namespace(there, lambda: _configure(spec))
    finally:
        os.close(namespace)
    return True


def unplug(tap: str) -> bool:
    """Removes the port with both its ends. Returns whether it was there."""
    return links.delete_link(host(), tap)


def list_taps(prefix: str = "tap") -> dict[str, Tap]:
    """Every device of the host whose name starts with `prefix`, by name."""
    found = links.get_links(host())
    names = {link.index: link.name for link in found}
    return {
        link.name: Tap(link.name, names.get(link.master), link.up)
        for link in found
        if link.name.startswith(prefix) and link.kind == "veth"
    }


def _bridge(netlink: Netlink, spec: PlugSpec) -> Link:
    bridge = links.get_link(netlink, spec.bridge)
    if bridge is None:
        ensure_bridge(spec.bridge, spec.mtu)
        bridge = links.get_link(netlink, spec.bridge)
    if bridge is None:
        raise NetlinkError(errno.ENODEV, f"the bridge {spec.bridge} is gone")
    return bridge


def _correct_tap(netlink: Netlink, tap: Link, bridge: Link, mtu: int) -> bool:
    if (tap.master, tap.mtu, tap.group, tap.up) == (bridge.index, mtu, TAP_GROUP, True):
        return False
    links.set_link(netlink, tap, up=True, mtu=mtu, master=bridge.index, group=TAP_GROUP)
    return True


def _is_other_end(spec: PlugSpec, tap: Link) -> bool:
    """Whether the interface in this thread's namespace is the far end of the tap."""
    with Netlink() as netlink:
        guest = links.get_link(netlink, spec.ifname)
    return guest is not None and guest.peer == tap.index and guest.index == tap.peer


def _configure(spec: PlugSpec) -> bool:
    """Sets up the far end, in a thread that stands in its namespace."""
    with Netlink() as netlink:
        changed = _up(netlink, "lo")
        guest = links.get_link(netlink, spec.ifname)
        if guest is None:
            raise NetlinkError(errno.ENODEV, f"{spec.ifname} is not in the namespace of {spec.tap}")
        wrong_mac = guest.mac != spec.mac.lower()
        if not guest.up or wrong_mac or guest.mtu != spec.mtu:
            links.set_link(netlink, guest, up=True, mtu=spec.mtu, mac=spec.mac if wrong_mac else None)
            changed = True
        changed |= _set_addresses(netlink, guest.index, spec)
        changed |= _set_routes(netlink, guest.index, spec)
    return changed


def _up(netlink: Netlink, name: str) -> bool:
    link = links.get_link(netlink, name)
    if link is None or link.up:
        return False
    links.set_link(netlink, link, up=True)
    return True


def _set_addresses(netlink: Netlink, index: int, spec: PlugSpec) -> bool:
    wanted = {ipaddress.ip_interface(address) for address in spec.addresses}
    found = links.get_addresses(netlink, index)
    for address in found - wanted:
        links.delete_address(netlink, index, address)
    for address in wanted - found:
        links.add_address(netlink, index, address)
    return found != wanted


def _set_routes(netlink: Netlink, index: int, spec: PlugSpec) -> bool:
    wanted = {RouteEntry(_cidr(route.destination), _canonical(route.nexthop)) for route in spec.routes}
    for gateway in spec.gateways:
        default = "0.0.0.0/0" if ipaddress.ip_address(gateway).version == 4 else "::/0"
        wanted.add(RouteEntry(default, _canonical(gateway)))
    found = links.get_routes(netlink, index)
    for route in found - wanted:
        links.delete_route(netlink, index, route)
    # Routes on the link come first: a next hop may lie behind one of them.
    for route in sorted(wanted - found, key=lambda route: route.nexthop is not None):
        links.add_route(netlink, index, route)
    return found != wanted


def _cidr(destination: str) -> str:
    return str(ipaddress.ip_network(destination, strict=False))


def _canonical(address: str | None) -> str | None:
    return str(ipaddress.ip_address(address)) if address else None
