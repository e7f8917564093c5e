"""Tells the neighbours which MAC address has an address now: gratuitous ARP, unsolicited advertisements."""

from __future__ import annotations

import ipaddress
import socket
import struct
from collections.abc import Iterable

from knarr.kernel.hostnet.links import mac_bytes

ETH_ARP, ETH_IPV6 = 0x0806, 0x86DD
ARP_REQUEST, ARP_REPLY = 1, 2
ALL_STATIONS, ALL_NODES_MAC = b"\xff" * 6, bytes.fromhex("333300000001")
ALL_NODES = ipaddress.IPv6Address("ff02::1").packed
ICMPV6, ADVERTISEMENT, OVERRIDE, TARGET_MAC = 58, 136, 0x20000000, 2


def announce(device: str, mac: str, addresses: Iterable[str]) -> None:
    """Sends the announcements for these addresses (a prefix length is passed over) from a device of the
    calling thread's namespace. Raises OSError.
    """
    frames = [frame for address in addresses for frame in _frames(mac_bytes(mac), address.partition("/")[0])]
    if not frames:
        return
    with socket.socket(socket.AF_PACKET, socket.SOCK_RAW | socket.SOCK_CLOEXEC) as packets:
        packets.bind((device, 0))
        for frame in frames:
            packets.send(frame)


def _frames(mac: bytes, text: str) -> list[bytes]:
    address = ipaddress.ip_address(text)
    if address.version == 6:
        return [ALL_NODES_MAC + mac + struct.pack("!H", ETH_IPV6) + _advertisement(mac, address.packed)]
    # Both forms, for there are hosts that listen to one of them only (RFC 5227, 3).
    head = ALL_STATIONS + mac + struct.pack("!HHHBB", ETH_ARP, 1, 0x0800, 6, 4)
    own = mac + address.packed
    return [
        head + struct.pack("!H", ARP_REQUEST) + own + bytes(6) + address.packed,
        head + struct.pack("!H", ARP_REPLY) + own + ALL_STATIONS + address.packed,
    ]


def _advertisement(mac: bytes, address: bytes) -> bytes:
    body = struct.pack("!I", OVERRIDE) + address + struct.pack("!BB", TARGET_MAC, 1) + mac
    message = struct.pack("!BBH", ADVERTISEMENT, 0, 0) + body
    pseudo = address + ALL_NODES + struct.pack("!II", len(message), ICMPV6)
    message = message[:2] + struct.pack("!H", checksum(pseudo + message)) + message[4:]
    return struct.pack("!IHBB", 6 << 28, len(message), ICMPV6, 255) + address + ALL_NODES + message


def checksum(data: bytes) -> int:
    """The internet checksum (RFC 1071) of an even number of bytes."""
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
