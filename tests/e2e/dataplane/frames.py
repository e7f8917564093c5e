"""Frames made by hand, for what no honest guest sends."""

from __future__ import annotations

import contextlib
import ipaddress
import itertools
import socket
import struct

from knarr.kernel.hostnet.links import mac_bytes

from .cloud import BLOCKED_SECONDS, Guest, checksum

ETH_P_ALL = 3
LATE_SECONDS = 0.05
IPV4, ARP, TAGGED, IPV6 = 0x0800, 0x0806, 0x8100, 0x86DD
UDP, ICMPV6, FRAGMENT, HOP_BY_HOP, DESTINATION_OPTIONS = 17, 58, 44, 0, 60
EVERYONE = "ff:ff:ff:ff:ff:ff"
ALL_NODES, ALL_NODES_MAC = "ff02::1", "33:33:00:00:00:01"
_numbers = itertools.count(1)


def token() -> bytes:
    """Something to recognise a packet by."""
    return b"frame %8d" % next(_numbers)


def ethernet(sender: str, receiver: str, kind: int, body: bytes, vlan: int | None = None) -> bytes:
    tag = b"" if vlan is None else struct.pack("!HH", TAGGED, vlan)
    return mac_bytes(receiver) + mac_bytes(sender) + tag + struct.pack("!H", kind) + body


def arp(operation: int, mac: str, address: str, target: str) -> bytes:
    """operation: 1 asks, 2 answers."""
    head = struct.pack("!HHBBH", 1, IPV4, 6, 4, operation)
    return head + mac_bytes(mac) + socket.inet_aton(address) + bytes(6) + socket.inet_aton(target)


def ipv4(source: str, target: str, body: bytes, *, offset: int = 0, more: bool = False) -> bytes:
    """A UDP packet, or a fragment of one: from this byte on, with more to come or not."""
    fragment = (0x2000 if more else 0) | offset // 8
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, fragment, 64, UDP, 0)
    head += socket.inet_aton(source) + socket.inet_aton(target)
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + body


def ipv6(source: str, target: str, following: int, body: bytes, hops: int = 255) -> bytes:
    head = struct.pack("!IHBB", 0x60000000, len(body), following, hops)
    return head + packed(source) + packed(target) + body


def packed(address: str) -> bytes:
    return ipaddress.ip_address(address).packed


def udp(source: str, target: str, ports: tuple[int, int], data: bytes) -> bytes:
    """A datagram with its checksum, over either IP version. ports: (from, to)."""
    length = 8 + len(data)
    pseudo = packed(source) + packed(target) + struct.pack("!IBBBB", length, 0, 0, 0, UDP)
    if "." in source:
        pseudo = packed(source) + packed(target) + struct.pack("!BBH", 0, UDP, length)
    found = checksum(pseudo + struct.pack("!HHHH", *ports, length, 0) + data)
    return struct.pack("!HHHH", *ports, length, found) + data


def icmpv6(source: str, target: str, kind: int, body: bytes) -> bytes:
    """A message of this type and code 0, with its checksum."""
    message = struct.pack("!BBH", kind, 0, 0) + body
    pseudo = packed(source) + packed(target) + struct.pack("!IBBBB", len(message), 0, 0, 0, ICMPV6)
    return message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]


def fragments6(following: int, body: bytes, *cuts: int) -> list[bytes]:
    """The body as IPv6 fragments that begin at these offsets (multiples of 8) beside 0; whole without any."""
    edges = [0, *cuts, len(body)]
    found = []
    for start, end in itertools.pairwise(edges):
        more = int(end < len(body))
        found.append(struct.pack("!BBHI", following, 0, start | more, 77) + body[start:end])
    return found


def send(sender: Guest, *frames: bytes, device: str = "eth0") -> None:
    with sender.open(socket.SOCK_RAW, family=socket.AF_PACKET, protocol=socket.htons(ETH_P_ALL)) as out:
        out.bind((device, ETH_P_ALL))
        for frame in frames:
            out.send(frame)


def arrives(sender: Guest, receiver: Guest, frames: bytes | list[bytes], mark: bytes) -> bool:
    """Whether something with the mark at its end comes out at the receiver when these frames are sent.

    An honest announcement goes after them: once that is there, little more needs to be waited for.
    """
    last, mac = token(), sender.port.mac_address
    honest = ethernet(mac, EVERYONE, ARP, arp(2, mac, sender.ip, sender.ip) + last)
    with receiver.open(socket.SOCK_RAW, family=socket.AF_PACKET, protocol=socket.htons(ETH_P_ALL)) as there:
        there.bind(("eth0", ETH_P_ALL))
        there.settimeout(BLOCKED_SECONDS)
        send(sender, *([frames] if isinstance(frames, bytes) else frames), honest)
        with contextlib.suppress(TimeoutError):
            while True:
                got = there.recv(4096)
                if got.endswith(mark):
                    return True
                if got.endswith(last):
                    there.settimeout(LATE_SECONDS)
    return False
