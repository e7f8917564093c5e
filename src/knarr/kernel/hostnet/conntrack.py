"""The kernel's table of connections: read and cut entries of a conntrack zone."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from collections.abc import Callable
from dataclasses import dataclass

from knarr.kernel.hostnet.netlink import Netlink, attribute, parse

NETLINK_NETFILTER = 12
CT_GET, CT_DELETE = (1 << 8) | 1, (1 << 8) | 2
CTA_TUPLE_ORIG, CTA_TUPLE_REPLY, CTA_ID, CTA_ZONE = 1, 2, 12, 18
CTA_TUPLE_IP, CTA_TUPLE_PROTO = 1, 2
CTA_PROTO_NUM, CTA_PROTO_SRC_PORT, CTA_PROTO_DST_PORT = 1, 2, 3
CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMPV6_TYPE = 5, 8

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Connection:
    """A tracked connection as its first packet went.

    port: destination port, or None; icmp: (type, code), or None. answerer, answer_port: where replies come
    from, which is not the destination when that was translated; answered: where they go, which is not the
    source when that was.
    """

    zone: int
    source: Address
    destination: Address
    protocol: int
    port: int | None
    icmp: tuple[int, int] | None
    answerer: Address | None = None
    answer_port: int | None = None
    answered: Address | None = None


def cut(doomed: Callable[[Connection], bool], zones: set[int]) -> int:
    """Removes every connection of these zones for which `doomed` is true. Returns how many there were.

    A packet of a removed connection is new to the firewall, which then judges it by its rules.
    """
    count = 0
    with Netlink(NETLINK_NETFILTER) as netlink:
        for body in netlink.dump("list connections", CT_GET, _head(socket.AF_UNSPEC)):
            found = parse(body[4:])
            zone = int.from_bytes(found.get(CTA_ZONE, b"\0\0"), "big")
            if zone in zones and doomed(_connection(zone, found)):
                count += _delete(netlink, body[0], found)
    return count


def _delete(netlink: Netlink, family: int, found: dict[int, bytes]) -> bool:
    payload = _head(family) + attribute(CTA_TUPLE_ORIG | 0x8000, found[CTA_TUPLE_ORIG])
    for kind in (CTA_ZONE, CTA_ID):  # an entry of zone 0 names none
        if kind in found:
            payload += attribute(kind, found[kind])
    return netlink.change("cut a connection", CT_DELETE, payload, 0, (errno.ENOENT,))


def _head(family: int) -> bytes:
    return struct.pack("=BBH", family, 0, 0)


def _connection(zone: int, found: dict[int, bytes]) -> Connection:
    source, destination, protocol = _tuple(found[CTA_TUPLE_ORIG])
    answerer, answered, reply = _tuple(found[CTA_TUPLE_REPLY])
    icmp = None
    for kind in (CTA_PROTO_ICMP_TYPE, CTA_PROTO_ICMPV6_TYPE):
        if kind in protocol:
            icmp = (protocol[kind][0], protocol[kind + 1][0])
    return Connection(
        zone,
        source,
        destination,
        protocol[CTA_PROTO_NUM][0],
        _port(protocol.get(CTA_PROTO_DST_PORT)),
        icmp,
        answerer,
        _port(reply.get(CTA_PROTO_SRC_PORT)),
        answered,
    )


def _tuple(packed: bytes) -> tuple[Address, Address, dict[int, bytes]]:
    """Source, destination and the protocol's attributes."""
    both = parse(packed)
    addresses, protocol = parse(both[CTA_TUPLE_IP]), parse(both[CTA_TUPLE_PROTO])
    source, destination = (1, 2) if 1 in addresses else (3, 4)
    return ipaddress.ip_address(addresses[source]), ipaddress.ip_address(addresses[destination]), protocol


def _port(packed: bytes | None) -> int | None:
    return int.from_bytes(packed, "big") if packed else None
