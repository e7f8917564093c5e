"""The host's end of external networks: it is the gateway of their subnets.

What it changes on the host besides the network's own bridge: the setting ip_forward, and where another
firewall drops what is forwarded, a chain that lets these networks' packets pass (`forwarding`).
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
from collections.abc import Iterable

from knarr.core.network.drivers.base import NetworkState
from knarr.core.network.drivers.linux import forwarding
from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.links import Interface, Link
from knarr.kernel.hostnet.netlink import Netlink, host
from knarr.kernel.hostnet.settings import ROOT, ensure_settings

LOG = logging.getLogger(__name__)

FORWARD = {"ipv4/ip_forward": "1"}


def apply(network: NetworkState) -> list[str]:
    """Gives the network's bridge the addresses that the host has in it: none if it is not external.

    Returns lines on what was changed.
    """
    socket = host()
    bridge = links.get_link(socket, network.bridge)
    if bridge is None:
        return []
    ours = bridge.mac == _mac(network.id)
    if not network.external and not ours:
        return []  # never external: an address on the bridge is not ours
    lines = []
    if network.external and not ours:
        # A bridge takes the lowest MAC of its devices, which changes as they come; neighbours would lose us.
        links.set_link(socket, bridge, mac=_mac(network.id))
        lines.append(f"MAC of {bridge.name}")
    wanted = set(_addresses(socket, bridge, network)) if network.external else set()
    found = links.get_addresses(socket, bridge.index)
    lines += [
        f"{item} from {bridge.name}"
        for item in found - wanted
        if links.delete_address(socket, bridge.index, item)
    ]
    lines += [
        f"{item} on {bridge.name}" for item in wanted - found if links.add_address(socket, bridge.index, item)
    ]
    return lines


def forward(bridges: Iterable[str]) -> list[str]:
    """Has the host forward for these bridges of external networks. Returns lines on what was changed."""
    names = sorted(bridges)
    lines = ensure_settings(FORWARD) if names else []
    return lines + forwarding.accept_routed(names)


def forwards() -> bool:
    """Whether the host forwards IPv4 at all, by Knarr's doing or another's."""
    return all((ROOT / name).read_text().strip() == value for name, value in FORWARD.items())


def _addresses(socket: Netlink, bridge: Link, network: NetworkState) -> list[Interface]:
    elsewhere = [item for index, item in links.get_destinations(socket) if index != bridge.index]
    found = []
    for subnet in network.subnets:
        if not subnet.gateway_ip:
            continue
        address = ipaddress.ip_interface(f"{subnet.gateway_ip}/{subnet.cidr.partition('/')[2]}")
        taken = [
            item for item in elsewhere if item.version == address.version and item.overlaps(address.network)
        ]
        if taken:
            text = "Network %s: %s is left alone, for this host reaches %s by another device"
            LOG.warning(text, network.id, subnet.cidr, taken[0])
            continue
        found.append(address)
    return found


def _mac(network_id: str) -> str:
    """A MAC of our own for the bridge, which also is the mark that the host's addresses on it are ours."""
    return "fa:16:3f:" + hashlib.sha256(network_id.encode()).digest()[:3].hex(":")
