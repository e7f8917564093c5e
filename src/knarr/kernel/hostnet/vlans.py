"""VLANs on a device: what comes in with a tag leaves, without it, by another device, and the way back.

Done by two classifier programs. The kernel's own VLAN devices would do the same, but not every kernel has
them, while every one that can shape traffic can do this.
"""

from __future__ import annotations

import os
import socket
import struct

from knarr.kernel.hostnet import bpf
from knarr.kernel.hostnet.bpf import AND, CALL, EXIT, LOAD_WORD, MOVE, SET, UNLESS, instruction
from knarr.kernel.hostnet.classifiers import ETH_P_8021Q, ETH_P_ALL, add_filter, drop_filter, get_filters
from knarr.kernel.hostnet.links import Link
from knarr.kernel.hostnet.netlink import Netlink, attribute, text

PRIORITY = 0x4B4E
"""Of these filters ("KN"): before a detour for bandwidth, which is for what has no tag."""
TCA_BPF_FD, TCA_BPF_NAME, TCA_BPF_FLAGS = 6, 7, 8
DIRECT_ACTION = 1
VLAN_PUSH, VLAN_POP, REDIRECT = 18, 19, 23  # functions of the kernel
TCI, VLAN_BITS = 24, 0x0FFF  # where a packet's tag stands in what a program is given
PASS_ON, DROP = -1, 2
NAME = "knarr-vlan-"  # and the ifindex of the device that a program sends to


def join(netlink: Netlink, trunk: Link, side: Link, vlan: int) -> None:
    """What `trunk` receives in the VLAN is sent by `side` without its tag; all that `side` receives is sent
    by `trunk` with the tag. Other filters on what `side` receives never see anything.
    """
    _attach(netlink, side, ETH_P_ALL, vlan, trunk, _tagging(vlan, trunk.index))
    _attach(netlink, trunk, ETH_P_8021Q, vlan, side, _untagging(vlan, side.index))


def part(netlink: Netlink, trunk: Link, vlan: int) -> bool:
    """Lets what `trunk` receives in the VLAN be again. False if it was."""
    return drop_filter(netlink, trunk, PRIORITY, ETH_P_8021Q, vlan)


def get_vlans(netlink: Netlink, link: Link) -> dict[int, int]:
    """By VLAN, the ifindex of the device that what the link receives is sent to."""
    found = {}
    for one in get_filters(netlink, link):
        name = text(one.options.get(TCA_BPF_NAME)) if one.kind == "bpf" else ""
        if one.priority == PRIORITY and name.startswith(NAME):
            found[one.handle] = int(name.removeprefix(NAME))
    return found


def _attach(
    netlink: Netlink, link: Link, protocol: int, vlan: int, target: Link, program: tuple[bytes, ...]
) -> None:
    descriptor = bpf.load(*program)
    try:
        options = (
            attribute(TCA_BPF_FD, descriptor),
            attribute(TCA_BPF_NAME, f"{NAME}{target.index}"),
            attribute(TCA_BPF_FLAGS, struct.pack("=I", DIRECT_ACTION)),
        )
        add_filter(netlink, link, PRIORITY, protocol, vlan, "bpf", *options)
    finally:
        os.close(descriptor)


def _untagging(vlan: int, target: int) -> tuple[bytes, ...]:
    return (
        instruction(MOVE, 6, 1),
        instruction(LOAD_WORD, 0, 6, TCI),
        instruction(AND, 0, value=VLAN_BITS),
        instruction(UNLESS, 0, offset=7, value=vlan),
        instruction(MOVE, 1, 6),
        instruction(CALL, value=VLAN_POP),
        instruction(UNLESS, 0, offset=6),
        *_redirect(target),
        *_end(PASS_ON),
        *_end(DROP),
    )


def _tagging(vlan: int, target: int) -> tuple[bytes, ...]:
    return (
        instruction(SET, 2, value=socket.htons(ETH_P_8021Q)),
        instruction(SET, 3, value=vlan),
        instruction(CALL, value=VLAN_PUSH),
        instruction(UNLESS, 0, offset=4),
        *_redirect(target),
        *_end(DROP),
    )


def _redirect(target: int) -> tuple[bytes, ...]:
    """Send by the device and end."""
    return (
        instruction(SET, 1, value=target),
        instruction(SET, 2),
        instruction(CALL, value=REDIRECT),
        instruction(EXIT),
    )


def _end(verdict: int) -> tuple[bytes, ...]:
    return instruction(SET, 0, value=verdict), instruction(EXIT)
