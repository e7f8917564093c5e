"""Filters on what a device receives (`tc filter`), before anything else of the kernel sees it.

They hang on one hook of the device, which is there as long as a filter is: several modules share it, each
with a priority of its own.
"""

from __future__ import annotations

import errno
import socket
import struct
import threading
from dataclasses import dataclass

from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    Attributes,
    Netlink,
    attribute,
    nested,
    parse,
    text,
)

RTM_NEWQDISC, RTM_DELQDISC = 36, 37
RTM_NEWTFILTER, RTM_DELTFILTER, RTM_GETTFILTER = 44, 45, 46
TCA_KIND, TCA_OPTIONS = 1, 2
INGRESS, INGRESS_HANDLE = 0xFFFFFFF1, 0xFFFF0000
ETH_P_ALL, ETH_P_8021Q = 0x0003, 0x8100
NOT_THERE = (errno.ENOENT, errno.EINVAL, errno.ENODEV)
TCMSG = struct.Struct("=BxxxiIII")

_lock = threading.Lock()  # so that a hook is not taken away while another thread uses it


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as the kernel lists it; its options are those of its kind."""

    kind: str
    priority: int
    handle: int
    options: Attributes


def message(index: int, handle: int = 0, parent: int = 0, info: int = 0) -> bytes:
    """The fixed head of a request on a device's disciplines and filters."""
    return TCMSG.pack(socket.AF_UNSPEC, index, handle, parent, info)


def get_filters(netlink: Netlink, link: Link) -> list[Filter]:
    """Those on what the device receives, without the heads of their lists."""
    found = []
    head = message(link.index, 0, INGRESS_HANDLE)
    for body in netlink.dump(f"list filters of {link.name}", RTM_GETTFILTER, head):
        _, _, handle, _, info = TCMSG.unpack_from(body)
        attributes = parse(body[TCMSG.size :])
        options = parse(attributes.get(TCA_OPTIONS, b""))
        if options:
            found.append(Filter(text(attributes.get(TCA_KIND)), info >> 16, handle, options))
    return found


def add_filter(
    netlink: Netlink, link: Link, priority: int, protocol: int, handle: int, kind: str, *options: bytes
) -> None:
    """Adds a filter, in place of one that has its priority and handle. handle: 0 where a priority has one."""
    step = f"classify what {link.name} gets"
    hook = message(link.index, INGRESS_HANDLE, INGRESS) + attribute(TCA_KIND, "ingress")
    payload = message(link.index, handle, INGRESS_HANDLE, _info(priority, protocol))
    payload += attribute(TCA_KIND, kind) + nested(TCA_OPTIONS, *options)
    new = NLM_F_CREATE | NLM_F_EXCL
    with _lock:
        netlink.change(step, RTM_NEWQDISC, hook, new, fine=(errno.EEXIST,))
        if not netlink.change(step, RTM_NEWTFILTER, payload, new, fine=(errno.EEXIST,)):
            _drop(netlink, link, priority, protocol, handle)
            netlink.change(step, RTM_NEWTFILTER, payload, new)


def drop_filter(netlink: Netlink, link: Link, priority: int, protocol: int, handle: int = 0) -> bool:
    """Takes a filter away, or all of a priority (handle 0), and the hook when it was the last.

    False if it was not there.
    """
    with _lock:
        dropped = _drop(netlink, link, priority, protocol, handle)
        if not get_filters(netlink, link):
            hook = message(link.index, INGRESS_HANDLE, INGRESS) + attribute(TCA_KIND, "ingress")
            netlink.change(f"free {link.name}", RTM_DELQDISC, hook, 0, NOT_THERE)
        return dropped


def _drop(netlink: Netlink, link: Link, priority: int, protocol: int, handle: int) -> bool:
    payload = message(link.index, handle, INGRESS_HANDLE, _info(priority, protocol))
    return netlink.change(f"free {link.name}", RTM_DELTFILTER, payload, 0, NOT_THERE)


def _info(priority: int, protocol: int) -> int:
    return priority << 16 | socket.htons(protocol)
