"""Linux bridges."""

from __future__ import annotations

from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.netlink import host


def ensure_bridge(name: str, mtu: int = 1500) -> bool:
    """Makes the bridge `name` if it is missing, sets its MTU and has it up. No STP, no forward delay.

    Returns whether anything had to be changed. Raises NetlinkError (EPERM without root).
    """
    netlink = host()
    found = links.get_link(netlink, name)
    if found is None:
        made = links.add_bridge(netlink, name)
        found = links.get_link(netlink, name)
        if made and found is not None:
            # Only an MTU that is changed counts as chosen; else the bridge takes its ports' smallest.
            links.set_link(netlink, found, mtu=mtu)
            return True
    if found is None or (found.up and found.mtu == mtu):
        return False
    links.set_link(netlink, found, up=True, mtu=mtu)
    return True


def delete_bridge(name: str) -> bool:
    """Removes the bridge; what is plugged into it stays, without a master. Returns whether it was there."""
    return links.delete_link(host(), name)


def list_bridges(prefix: str = "brq") -> list[str]:
    """Names of the bridges that start with `prefix`."""
    found = links.get_links(host())
    return [link.name for link in found if link.kind == "bridge" and link.name.startswith(prefix)]
