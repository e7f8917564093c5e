"""Security group rules: as nftables expressions, and as a judgement on a connection that exists.

One file, for the two must never differ in what a rule means.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from knarr.core.network.drivers.base import RuleState, SecurityGroupState
from knarr.core.network.drivers.linux.filters import members_set, rules_chain, version_of
from knarr.core.network.drivers.linux.fragments import Chain, Fragment
from knarr.kernel.hostnet.conntrack import Address, Connection

LOG = logging.getLogger(__name__)

PROTOCOLS = {
    "ah": 51, "dccp": 33, "egp": 8, "esp": 50, "gre": 47, "icmp": 1, "icmpv6": 58, "igmp": 2, "ip": 0,
    "ipip": 4, "ipv6-encap": 41, "ipv6-frag": 44, "ipv6-icmp": 58, "ipv6-nonxt": 59, "ipv6-opts": 60,
    "ipv6-route": 43, "ospf": 89, "pgm": 113, "rsvp": 46, "sctp": 132, "tcp": 6, "udp": 17, "udplite": 136,
    "vrrp": 112,
}  # fmt: skip
WITH_PORTS = frozenset((6, 17, 33, 132, 136))
ICMP, ICMPV6 = 1, 58

Prefixes = Callable[[str], Iterable[str]]
"""The prefixes (not single addresses) among the addresses of a group, by its id."""


@dataclass(frozen=True, slots=True)
class _Match:
    """What a rule asks of a packet besides the other end:

    protocol (None: any), ports or ICMP type and code.
    """

    protocol: int | None
    low: int | None
    high: int | None


def protocol_number(rule: RuleState) -> int | None:
    """The number of a rule's protocol; None stands for any.

    "icmp" means ICMPv6 in an IPv6 rule, as in Neutron.

    Raises ValueError for a name that is not known.
    """
    name = (rule.protocol or "").lower()
    if name in ("", "any"):
        return None
    number = int(name) if name.isdigit() else PROTOCOLS.get(name)
    if number is None or not 0 <= number <= 255:
        raise ValueError(f"protocol {rule.protocol!r} is neither a number nor one of {', '.join(PROTOCOLS)}")
    if number == 0:
        return None
    return ICMPV6 if rule.ethertype == "IPv6" and number == ICMP else number


def group(state: SecurityGroupState, network_id: str, prefixes: Prefixes) -> Fragment:
    """The two chains of a group's rules as they hold in one network."""
    fragment = Fragment()
    for direction, target in (("egress", "out"), ("ingress", "in")):
        matches: dict[tuple[str, str], list[_Match]] = {}
        for rule in _sound(state.rules, direction):
            for remote in _remotes(rule, network_id, prefixes):
                matches.setdefault((rule.ethertype, remote), []).append(_match(rule))
        texts = [text for (ether, remote), found in matches.items() for text in _texts(ether, remote, found)]
        fragment.chains["bridge", rules_chain(target, state.id, network_id)] = Chain("", tuple(texts))
    return fragment


def _sound(rules: Iterable[RuleState], direction: str) -> list[RuleState]:
    """Rules of the direction that can be understood. One that cannot allows nothing, and spoils no other."""
    found = []
    for rule in rules:
        if rule.direction != direction:
            continue
        try:
            protocol_number(rule)
            ipaddress.ip_network(rule.remote_ip_prefix or "::", strict=False)
        except ValueError as error:
            LOG.warning("A security group rule allows nothing: %s", error)
        else:
            found.append(rule)
    return found


def _match(rule: RuleState) -> _Match:
    number = protocol_number(rule)
    low, high = rule.port_range_min, rule.port_range_max
    if number in WITH_PORTS and (low is not None or high is not None):
        low, high = low if low is not None else high, high if high is not None else low
    elif number not in (ICMP, ICMPV6):
        low = high = None
    return _Match(number, low, high)


def _remotes(rule: RuleState, network_id: str, prefixes: Prefixes) -> list[str]:
    """Expressions, one of which the packet's other end must satisfy; "" is satisfied by all."""
    version, family = (4, "ip") if rule.ethertype == "IPv4" else (6, "ip6")
    field = f"{family} saddr" if rule.direction == "ingress" else f"{family} daddr"
    if rule.remote_group_id:
        inline = [prefix for prefix in prefixes(rule.remote_group_id) if version_of(prefix) == version]
        found = [f"{field} @{members_set(version, rule.remote_group_id, network_id)}"]
        return found + [f"{field} {prefix}" for prefix in sorted(set(inline))]
    if rule.remote_ip_prefix:
        network = ipaddress.ip_network(rule.remote_ip_prefix, strict=False)
        if network.version != version:
            return []  # the other family's prefix matches no packet of this one
        return [f"{field} {network}"] if network.prefixlen else [""]
    return [""]


def _texts(ethertype: str, remote: str, matches: list[_Match]) -> list[str]:
    """Expressions for everything that is allowed with one remote; as few as sets can make them."""
    start = "ether type ip" if ethertype == "IPv4" else "ether type ip6"
    start = f"{start} {remote}" if remote else start
    if any(match.protocol is None for match in matches):
        return [f"{start} accept"]
    whole = sorted({match.protocol for match in matches if match.low is None and match.protocol is not None})
    texts = [f"{start} meta l4proto {{ {', '.join(map(str, whole))} }} accept"] if whole else []
    ports: dict[int, list[tuple[int, int]]] = {}
    for match in matches:
        if match.protocol is None or match.low is None or match.protocol in whole:
            continue
        if match.protocol in WITH_PORTS:
            ports.setdefault(match.protocol, []).append((match.low, match.high or match.low))
        else:
            texts.append(f"{start} {_icmp(match)} accept")
    pairs = [f"{number} . {_range(span)}" for number in sorted(ports) for span in _union(ports[number])]
    if pairs:
        texts.append(f"{start} meta l4proto . th dport {{ {', '.join(pairs)} }} accept")
    return list(dict.fromkeys(texts))


def _icmp(match: _Match) -> str:
    name = "icmp" if match.protocol == ICMP else "icmpv6"
    code = "" if match.high is None else f" {name} code {match.high}"
    return f"{name} type {match.low}{code}"


def _range(span: tuple[int, int]) -> str:
    return str(span[0]) if span[0] == span[1] else f"{span[0]}-{span[1]}"


def _union(spans: list[tuple[int, int]]) -> list[tuple[int, int]]:
    """Ranges that do not overlap: nftables refuses a set whose elements do."""
    merged: list[tuple[int, int]] = []
    for low, high in sorted(spans):
        if merged and low <= merged[-1][1] + 1:
            merged[-1] = (merged[-1][0], max(merged[-1][1], high))
        else:
            merged.append((low, high))
    return merged


def allows(
    rules: Iterable[RuleState],
    direction: str,
    connection: Connection,
    group_addresses: Callable[[str], Mapping[str, object]],
) -> bool:
    """Whether one of the rules lets the connection's first packet through in this direction.

    group_addresses: the addresses and prefixes of a remote group, by its id.
    """
    remote = connection.source if direction == "ingress" else connection.destination
    ethertype = "IPv4" if remote.version == 4 else "IPv6"
    return any(
        rule.ethertype == ethertype
        and _matches(_match(rule), connection)
        and _is_remote(rule, remote, group_addresses)
        for rule in _sound(rules, direction)
    )


def _matches(match: _Match, connection: Connection) -> bool:
    if match.protocol is None:
        return True
    if match.protocol != connection.protocol:
        return False
    if match.low is None:
        return True
    if match.protocol in WITH_PORTS:
        return connection.port is not None and match.low <= connection.port <= (match.high or match.low)
    kind, code = connection.icmp or (None, None)
    return kind == match.low and match.high in (None, code)


def _is_remote(
    rule: RuleState, remote: Address, group_addresses: Callable[[str], Mapping[str, object]]
) -> bool:
    if rule.remote_group_id:
        known = group_addresses(rule.remote_group_id)
        return str(remote) in known or any("/" in item and holds(item, remote) for item in known)
    return not rule.remote_ip_prefix or holds(rule.remote_ip_prefix, remote)


def holds(prefix: str, address: Address) -> bool:
    """Whether the address lies in the prefix (of either family)."""
    network = ipaddress.ip_network(prefix, strict=False)
    return network.version == address.version and address in network
