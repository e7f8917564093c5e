"""Protocols of security group rules: the names and numbers that Neutron knows."""

from __future__ import annotations

NUMBERS: dict[str, int] = {
    "ah": 51,
    "dccp": 33,
    "egp": 8,
    "esp": 50,
    "gre": 47,
    "icmp": 1,
    "icmpv6": 58,
    "igmp": 2,
    "ipip": 4,
    "ipv6-encap": 41,
    "ipv6-frag": 44,
    "ipv6-icmp": 58,
    "ipv6-nonxt": 59,
    "ipv6-opts": 60,
    "ipv6-route": 43,
    "ospf": 89,
    "pgm": 113,
    "rsvp": 46,
    "sctp": 132,
    "tcp": 6,
    "udp": 17,
    "udplite": 136,
    "vrrp": 112,
}

WITH_PORTS = frozenset({6, 17, 33, 132, 136})
ICMP = frozenset({1, 58})
IPV6_ONLY = frozenset({41, 43, 44, 58, 59, 60})


def number_of(protocol: str) -> int | None:
    """The IP protocol number of a name or a number, None if it is neither."""
    if protocol.isascii() and protocol.isdecimal() and len(protocol) < 4:
        return int(protocol) if int(protocol) <= 255 else None
    return NUMBERS.get(protocol)
