"""What the kernel can do beyond bridges and filters, found by doing it in a namespace nobody else sees."""

from __future__ import annotations

import functools
import logging
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass

from knarr.kernel.hostnet import links, shapers, vlans
from knarr.kernel.hostnet.namespaces import run_in_new_namespace
from knarr.kernel.hostnet.netlink import Netlink
from knarr.kernel.hostnet.nft import Nft, NftError

LOG = logging.getLogger(__name__)

PATH = "/usr/sbin:/sbin:/usr/bin:/bin:/usr/local/sbin"
_NAT = [
    "add table inet probe",
    "add map inet probe to { type ipv4_addr : ipv4_addr; }",
    "add chain inet probe a { type nat hook prerouting priority -100; }",
    "add chain inet probe b { type nat hook postrouting priority 100; }",
    "add rule inet probe a dnat ip to ip daddr map @to",
    "add rule inet probe b ct status dnat snat ip to 192.0.2.1",
    "add rule inet probe b ip saddr 192.0.2.0/24 masquerade",
]


@dataclass(frozen=True, slots=True)
class Able:
    """Why each thing cannot be done; "" if it can."""

    routing: str
    shaping: str
    dhcp: str
    tagging: str


@functools.cache
def able() -> Able:
    """What this process can do here; found out once."""
    dhcp = "" if dnsmasq() else "dnsmasq is not installed"
    if os.geteuid() != 0:
        return Able(*["not run as root"] * 4)
    return Able(_attempt(_translate), _attempt(_shape), dhcp, _attempt(_tag))


def dnsmasq() -> str | None:
    """Path of the DHCP server."""
    return shutil.which("dnsmasq", path=PATH)


def _attempt(trial: Callable[[], None]) -> str:
    try:
        run_in_new_namespace(trial)
    except (OSError, NftError) as error:
        LOG.debug("probed in vain: %s", error)
        return str(error).splitlines()[0]
    return ""


def _translate() -> None:
    nft = Nft()
    try:
        nft.run(_NAT)
    finally:
        nft.close()


def _two(socket: Netlink) -> tuple[links.Link, links.Link]:
    """Two devices to try things with."""
    for name in ("ifb-a", "ifb-b"):
        shapers.add_detour(socket, name, 0, 1500)
    one, other = links.get_link(socket, "ifb-a"), links.get_link(socket, "ifb-b")
    assert one is not None and other is not None
    return one, other


def _shape() -> None:
    with Netlink() as socket:
        one, other = _two(socket)
        shapers.set_bucket(socket, one, shapers.Bucket(125_000, 100_000))
        shapers.set_detour(socket, other, one)


def _tag() -> None:
    with Netlink() as socket:
        one, other = _two(socket)
        vlans.join(socket, one, other, 1)
