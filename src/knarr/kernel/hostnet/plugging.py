"""Ports: a veth pair, one end (the tap) in a bridge of the host, the other as eth0, eth1 … in a namespace."""

from __future__ import annotations

from dataclasses import dataclass

from knarr.kernel.hostnet.namespaces import Netns


@dataclass(frozen=True, slots=True)
class Route:
    """A host route: destination CIDR, and the address of the next hop (None: on the link)."""

    destination: str
    nexthop: str | None


@dataclass(frozen=True, slots=True)
class PlugSpec:
    """A port to be plugged.

    tap: name of the host end. bridge: name of the bridge, which `plug` makes if it is missing. netns: path or pid.
    ifname: name in the namespace. addresses: with prefix lengths, "10.0.0.5/24", IPv4 and IPv6 in any order.
    gateways: next hops of the default routes, at most one per family; leave empty on all but one interface of a namespace.
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
    """Makes the port as described: veth pair, MAC, MTU, addresses (no duplicate address detection), routes, both ends and
    the namespace's lo up. May be called again: an existing port is completed and corrected, addresses and default routes that
    the spec does not name are taken away from the interface. A tap whose other end is gone or stands elsewhere is made anew.

    Returns whether anything had to be changed. Raises NetlinkError; FileNotFoundError if the namespace is gone.
    """
    raise NotImplementedError


def unplug(tap: str) -> bool:
    """Removes the port with both its ends. Returns whether it was there."""
    raise NotImplementedError


def list_taps(prefix: str = "tap") -> dict[str, Tap]:
    """Every device of the host whose name starts with `prefix`, by name."""
    raise NotImplementedError
