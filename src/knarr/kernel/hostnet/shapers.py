"""Traffic shaping: a token bucket on a device, and the way to one for what a device receives.

The kernel shapes only what a device sends. What one receives is sent through a device of kind `ifb` first,
where a token bucket shapes it, and comes back as if nothing had been.
"""

from __future__ import annotations

import errno
import struct
from dataclasses import dataclass

from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.classifiers import (
    ETH_P_ALL,
    NOT_THERE,
    RTM_DELQDISC,
    RTM_NEWQDISC,
    TCA_KIND,
    TCA_OPTIONS,
    TCMSG,
    add_filter,
    drop_filter,
    get_filters,
    message,
)
from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Netlink,
    attribute,
    nested,
    parse,
    text,
)

RTM_GETQDISC = 38
TCA_TBF_PARMS, TCA_TBF_RATE64, TCA_TBF_BURST = 1, 4, 6
TCA_U32_SEL, TCA_U32_ACT = 5, 7
TCA_ACT_KIND, TCA_ACT_OPTIONS, TCA_MIRRED_PARMS = 1, 2, 2
ROOT = 0xFFFFFFFF
EGRESS_REDIRECT, STOLEN, TERMINAL, ETHERNET = 1, 4, 1, 1
DETOUR = 0xC000
"""The priority of the filter that leads on a detour: after those of VLANs."""
HANDLE = 0x4B4E0000
"""Of our token buckets ("KN"): a discipline with another handle is somebody else's."""
LATENCY = 0.05  # seconds that a packet may wait, as Neutron's agents have it
TICK_SHIFT = 6  # the kernel tells times in units of 64 ns

_RATE = struct.Struct("=BBHhHI")


@dataclass(frozen=True, slots=True)
class Bucket:
    """A token bucket. rate: bytes a second; burst: bytes that may go at once."""

    rate: int
    burst: int

    def like(self, other: Bucket) -> bool:
        """Whether the two are the same but for rounding (the kernel keeps the burst as a time)."""
        return self.rate == other.rate and abs(self.burst - other.burst) <= self.burst // 100 + 64


@dataclass(frozen=True, slots=True)
class Disciplines:
    """What stands on a device: our bucket, and whether incoming packets are classified."""

    bucket: Bucket | None = None
    ingress: bool = False


def get_disciplines(netlink: Netlink) -> dict[int, Disciplines]:
    """Of every device that has some of this module's, by ifindex."""
    found: dict[int, Disciplines] = {}
    for body in netlink.dump("list queueing disciplines", RTM_GETQDISC, message(0)):
        _, index, handle, _, _ = TCMSG.unpack_from(body)
        attributes = parse(body[TCMSG.size :])
        kind, before = text(attributes.get(TCA_KIND)), found.get(index, Disciplines())
        if kind == "tbf" and handle == HANDLE:
            found[index] = Disciplines(_bucket(attributes[TCA_OPTIONS]), before.ingress)
        elif kind == "ingress":
            found[index] = Disciplines(before.bucket, True)
    return found


def set_bucket(netlink: Netlink, link: Link, bucket: Bucket) -> None:
    """Shapes what the device sends."""
    waiting = bucket.burst + int(bucket.rate * LATENCY)
    rate = _RATE.pack(0, ETHERNET, 0, 0, 0, min(bucket.rate, 0xFFFFFFFF))
    parameters = rate + bytes(_RATE.size) + struct.pack("=III", min(waiting, 0xFFFFFFFF), 0, 0)
    options = [attribute(TCA_TBF_PARMS, parameters), attribute(TCA_TBF_BURST, bucket.burst)]
    if bucket.rate >= 1 << 32:
        options.append(attribute(TCA_TBF_RATE64, struct.pack("=Q", bucket.rate)))
    payload = message(link.index, HANDLE, ROOT) + attribute(TCA_KIND, "tbf") + nested(TCA_OPTIONS, *options)
    netlink.change(f"limit {link.name}", RTM_NEWQDISC, payload, NLM_F_CREATE | NLM_F_REPLACE)


def drop_bucket(netlink: Netlink, link: Link) -> bool:
    """Lets the device send freely again. False if no bucket of ours was there."""
    payload = message(link.index, HANDLE, ROOT) + attribute(TCA_KIND, "tbf")
    return netlink.change(f"free {link.name}", RTM_DELQDISC, payload, 0, NOT_THERE)


def add_detour(netlink: Netlink, name: str, group: int, mtu: int) -> bool:
    """Makes a device of kind `ifb` that is up. False if the name is taken."""
    info = nested(links.IFLA_LINKINFO, attribute(links.IFLA_INFO_KIND, "ifb"))
    payload = links.link_message(0, links.IFF_UP, links.IFF_UP) + attribute(links.IFLA_IFNAME, name)
    payload += attribute(links.IFLA_GROUP, group) + attribute(links.IFLA_MTU, mtu) + info
    fine = (errno.EEXIST,)
    return netlink.change(f"make {name}", links.RTM_NEWLINK, payload, NLM_F_CREATE | NLM_F_EXCL, fine)


def get_detour(netlink: Netlink, link: Link) -> int:
    """The ifindex of the device through which all that the device receives goes first; 0 if there is none."""
    for one in get_filters(netlink, link):
        action = parse(parse(one.options.get(TCA_U32_ACT, b"")).get(1, b"")) if one.kind == "u32" else {}
        parameters = parse(action.get(TCA_ACT_OPTIONS, b"")).get(TCA_MIRRED_PARMS, b"")
        if len(parameters) >= 28:
            return int(struct.unpack_from("=iI", parameters, 20)[1])
    return 0


def set_detour(netlink: Netlink, link: Link, detour: Link) -> None:
    """Sends what the device receives through the other first."""
    drop_detour(netlink, link)  # it may lead elsewhere
    everything = struct.pack("=BBBxHHhhI", TERMINAL, 0, 1, 0, 0, 0, 0, 0) + bytes(16)
    redirect = struct.pack("=IIiiiiI", 0, 0, STOLEN, 0, 0, EGRESS_REDIRECT, detour.index)
    action = nested(
        1, attribute(TCA_ACT_KIND, "mirred"), nested(TCA_ACT_OPTIONS, attribute(TCA_MIRRED_PARMS, redirect))
    )
    options = attribute(TCA_U32_SEL, everything), nested(TCA_U32_ACT, action)
    add_filter(netlink, link, DETOUR, ETH_P_ALL, 0, "u32", *options)


def drop_detour(netlink: Netlink, link: Link) -> bool:
    """Takes what the device receives straight again. False if it was."""
    return drop_filter(netlink, link, DETOUR, ETH_P_ALL)


def _bucket(options: bytes) -> Bucket:
    found = parse(options)
    parameters = found[TCA_TBF_PARMS]
    rate = _RATE.unpack_from(parameters)[5]
    if TCA_TBF_RATE64 in found:
        rate = struct.unpack("=Q", found[TCA_TBF_RATE64])[0]
    ticks = struct.unpack_from("=I", parameters, 2 * _RATE.size + 4)[0]
    return Bucket(rate, (ticks << TICK_SHIFT) * rate // 1_000_000_000)
