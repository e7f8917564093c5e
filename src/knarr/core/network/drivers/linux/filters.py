"""What security groups and anti-spoofing mean in nftables: each owner's fragment, from the desired state.

Where what is decided:
- The bridge family knows each frame's tap, but no connection state. So table `inet` (which sees bridged
  packets by br_netfilter) writes the state into two bits of the packet's mark, and table `bridge` decides
  everything by tap.
- prerouting: sources (MAC, IP, ARP, ND) of taps, before anything else sees the packet. Stateless.
- forward: first the sender's egress rules, then the receiver's ingress rules; each port has a chain for
  either, which jumps to chains of its groups.
- input: guests do not reach the host itself, which has no business on their networks; but on an external
  network it is the gateway. output: what the host sends into a network meets the receiver's rules.
- A conntrack zone per network: networks may have the same addresses. External ones, between which the host
  routes, are in the host's own zone.
- Legs of routers and DHCP servers are no ports: everything passes them.

Closed when in doubt: taps carry a device group from birth (`TAP_GROUP`); one that no map knows is dropped,
and a packet without state bits (no br_netfilter, an invalid packet) is dropped by every port that has port
security.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable, Mapping

from knarr.core.network.drivers.base import NetworkState, PortState, bridge_name
from knarr.core.network.drivers.linux.fragments import Chain, Fragment
from knarr.kernel.hostnet.links import mac_bytes
from knarr.kernel.hostnet.plugging import TAP_GROUP

STATE_BITS, ESTABLISHED, NEW = 0x30000000, 0x10000000, 0x20000000
KEEP_BITS = 0xFFFFFFFF ^ STATE_BITS

_SET = "meta mark set meta mark & {keep:#x} | {bit:#x}"
_MARK_ESTABLISHED = "ct state established,related " + _SET.format(keep=KEEP_BITS, bit=ESTABLISHED)
_MARK_NEW = "ct state new " + _SET.format(keep=KEEP_BITS, bit=NEW)

_STATEFUL = (
    f"meta mark & {STATE_BITS:#x} == {ESTABLISHED:#x} accept",
    f"meta mark & {STATE_BITS:#x} == 0x0 drop",
)
# DHCP is asked for by guests and answered by the network, never the other way round. 136 (neighbour
# advertisement) is accepted before, in the port's own chain, for its own addresses.
_OUT = (
    "ether type arp accept",
    "ether type ip udp sport 68 udp dport 67 accept",
    "ether type ip udp sport 67 udp dport 68 drop",
    "ether type ip6 udp sport 546 udp dport 547 accept",
    "ether type ip6 udp sport 547 udp dport 546 drop",
    "ether type ip6 icmpv6 type { 130, 131, 132, 133, 135, 143 } accept",
    "ether type ip6 icmpv6 type { 134, 136, 137 } drop",
)
_IN = (
    "ether type arp accept",
    "ether type ip udp sport 67 udp dport 68 accept",
    "ether type ip6 udp sport 547 udp dport 546 accept",
    "ether type ip6 icmpv6 type { 130, 134, 135, 136 } accept",
)
_SOURCES = (
    f"iifgroup != {TAP_GROUP} accept",
    f"meta mark set meta mark & {KEEP_BITS:#x}",
    "iifname @trusted accept",
    "iifname . ether saddr != @macs drop",
    "ether type arp iifname . arp saddr ether . arp saddr ip @sources4 accept",
    "ether type arp arp saddr ip 0.0.0.0 iifname . arp saddr ether @macs accept",
    "ether type ip iifname . ether saddr . ip saddr @sources4 accept",
    "ether type ip ip saddr 0.0.0.0 ip daddr 255.255.255.255 udp sport 68 udp dport 67 accept",
    "ether type ip6 icmpv6 type { 134, 137 } drop",
    "ether type ip6 iifname . ether saddr . ip6 saddr @sources6 accept",
    "ether type ip6 ip6 saddr :: icmpv6 type { 131, 132, 135, 143 } accept",
    "iifname vmap @prefixes",
    "drop",
)

BRIDGE_SETS = {
    "macs": "type ifname . ether_addr",
    "sources4": "type ifname . ether_addr . ipv4_addr",
    "sources6": "type ifname . ether_addr . ipv6_addr",
    "trusted": "type ifname",
    "outward": "type ifname",
    "prefixes": "type ifname : verdict",
    "egress": "type ifname : verdict",
    "ingress": "type ifname : verdict",
}
_EGRESS = (f"iifgroup {TAP_GROUP} iifname vmap @egress", f"iifgroup {TAP_GROUP} drop")
_INPUT = (f"iifgroup {TAP_GROUP} iifname @outward iifname vmap @egress", f"iifgroup {TAP_GROUP} drop")
_INGRESS = (f"oifgroup {TAP_GROUP} oifname vmap @ingress", f"oifgroup {TAP_GROUP} drop")
BRIDGE_CHAINS = {
    "sources": Chain("type filter hook prerouting priority -300", _SOURCES),
    "egress-forward": Chain("type filter hook forward priority -200", _EGRESS),
    "ingress-forward": Chain("type filter hook forward priority -190", _INGRESS),
    "egress-input": Chain("type filter hook input priority -200", _INPUT),
    "ingress-output": Chain("type filter hook output priority -200", _INGRESS),
    "out-basics": Chain("", _OUT + _STATEFUL),
    "in-basics": Chain("", _IN + _STATEFUL),
    "out-basics-stateless": Chain("", _OUT),
    "in-basics-stateless": Chain("", _IN),
}
INET_CHAINS = {
    "zones-in": Chain("type filter hook prerouting priority -300", ("ct zone set iifname map @zones",)),
    "zones-out": Chain("type filter hook output priority -300", ("ct zone set oifname map @zones",)),
    "state-in": Chain(
        "type filter hook prerouting priority -150",
        (f"iifname @zones {_MARK_ESTABLISHED}", f"iifname @zones {_MARK_NEW}"),
    ),
    "state-out": Chain(
        "type filter hook output priority -150",
        (f"oifname @zones {_MARK_ESTABLISHED}", f"oifname @zones {_MARK_NEW}"),
    ),
    "state-routed": Chain(
        "type filter hook forward priority -150",
        (
            "iifname @external oifname @external return",
            f"oifname @external {_MARK_ESTABLISHED}",
            f"oifname @external {_MARK_NEW}",
        ),
    ),
}
INET_SETS = {
    "zones": "typeof iifname : ct zone",
    "external": "type ifname",
    "outside": "type ifname : verdict",
}
HOST_ZONE = 0
_OUTSIDE = Chain(
    "type nat hook postrouting priority 100", ("oifname @external accept", "iifname vmap @outside")
)


def base() -> Fragment:
    """What stands on the host before any network does."""
    return Fragment(
        sets={("bridge", name): kind for name, kind in BRIDGE_SETS.items()}
        | {("inet", name): kind for name, kind in INET_SETS.items()},
        chains={("bridge", name): chain for name, chain in BRIDGE_CHAINS.items()}
        | {("inet", name): chain for name, chain in INET_CHAINS.items()},
    )


def outside() -> Fragment:
    """The chain that translates what leaves external networks through the host."""
    return Fragment(chains={("inet", "outside"): _OUTSIDE})


def network(state: NetworkState | None, network_id: str, zone: int) -> Fragment:
    """The conntrack zone of a network, and how addresses of an external one are hidden elsewhere.

    state: None if only ports of the network are known yet.
    """
    bridge = bridge_name(network_id)
    fragment = Fragment()
    fragment.add("inet", "zones", (bridge,), str(zone))
    if state is not None and state.external:
        hidden = [f"ip saddr {subnet.cidr} masquerade" for subnet in state.subnets if subnet.ip_version == 4]
        fragment.chains["inet", f"outside-{bridge}"] = Chain("", tuple(hidden))
        fragment.add("inet", "external", (bridge,))
        fragment.add("inet", "outside", (bridge,), f"jump outside-{bridge}")
    return fragment


def leg(tap: str, outward: bool) -> Fragment:
    """A device behind which something of ours stands that is no port: everything passes.

    outward: it is in an external network.
    """
    fragment = Fragment()
    for name, value in (("trusted", ""), ("egress", "accept"), ("ingress", "accept")):
        fragment.add("bridge", name, (tap,), value)
    if outward:
        fragment.add("bridge", "outward", (tap,))
    return fragment


def port(state: PortState, stateless: bool, outward: bool = False) -> Fragment:
    """Sources and chains of a port on this host.

    stateless: its groups are; replies then need rules of their own. outward: its network is external.
    """
    tap = state.tap
    if not state.port_security_enabled:
        return leg(tap, outward)
    fragment = Fragment()
    if outward:
        fragment.add("bridge", "outward", (tap,))
    _sources(fragment, state)
    basics = "basics-stateless" if stateless else "basics"
    for direction, target, first in (("egress", "out", _own_neighbours(state)), ("ingress", "in", ())):
        jumps = [f"jump {rules_chain(target, group, state.network_id)}" for group in state.security_groups]
        rules = (*first, f"jump {target}-{basics}", *jumps, "drop")
        fragment.chains["bridge", f"{target}-{tap}"] = Chain("", rules)
        fragment.add("bridge", direction, (tap,), f"goto {target}-{tap}")
    return fragment


def rules_chain(target: str, group_id: str, network_id: str) -> str:
    """Name of the chain of a group's rules as they hold in one network. target: "out" or "in"."""
    return f"rules-{target}-{group_id}-{network_id[:11]}"


def members_set(version: int, group_id: str, network_id: str) -> str:
    """Name of the set of a group's addresses in one network."""
    return f"members{version}-{group_id}-{network_id[:11]}"


def members(group_id: str, network_id: str, addresses: Iterable[str]) -> Fragment:
    """The sets of a group's addresses in one network;

    networks (prefixes) among them stand in rules instead.
    """
    fragment = Fragment()
    for version in (4, 6):
        name = members_set(version, group_id, network_id)
        fragment.sets["bridge", name] = f"type ipv{version}_addr"
        fragment.elements["bridge", name] = {}
    for address in addresses:
        if "/" not in address:
            fragment.add("bridge", members_set(version_of(address), group_id, network_id), (address,))
    return fragment


def claimed(state: PortState) -> Iterable[tuple[str, str]]:
    """(MAC, address or prefix) pairs that a port may send from, its IPv6 link-local address among them.

    Raises ValueError for what is no address or MAC.
    """
    mac = _mac(state.mac_address)
    found = {(mac, _plain(address)): None for address in state.fixed_ips}
    found[mac, link_local(mac)] = None
    for pair in state.allowed_address_pairs:
        owner = _mac(pair.mac_address or mac)
        found[owner, _plain(pair.ip_address)] = None
        found[owner, link_local(owner)] = None
    return found


def version_of(address: str) -> int:
    """4 or 6, of an address or prefix that is known to be one."""
    return 6 if ":" in address else 4


def link_local(mac: str) -> str:
    """The address that a device with this MAC gives itself (RFC 4291, appendix A)."""
    packed = bytearray(mac_bytes(mac))
    packed[0] ^= 2
    return str(ipaddress.IPv6Address(b"\xfe\x80" + bytes(6) + packed[:3] + b"\xff\xfe" + packed[3:]))


def _mac(text: str) -> str:
    return mac_bytes(text).hex(":")


def _plain(address: str) -> str:
    """The canonical form; a prefix that holds one address is that address."""
    network = ipaddress.ip_network(address, strict=False)
    whole = network.prefixlen == network.max_prefixlen
    return str(network.network_address) if whole else str(network)


def _sources(fragment: Fragment, state: PortState) -> None:
    prefixes: list[str] = []
    for mac, address in claimed(state):
        fragment.add("bridge", "macs", (state.tap, mac))
        version = version_of(address)
        if "/" not in address:
            fragment.add("bridge", f"sources{version}", (state.tap, mac, address))
        elif version == 4:
            prefixes.append(f"ether saddr {mac} ip saddr {address} accept")
            prefixes.append(f"ether saddr {mac} arp saddr ether {mac} arp saddr ip {address} accept")
        else:
            prefixes.append(f"ether saddr {mac} ip6 saddr {address} accept")
    if prefixes:
        fragment.chains["bridge", f"from-{state.tap}"] = Chain("", tuple(prefixes))
        fragment.add("bridge", "prefixes", (state.tap,), f"jump from-{state.tap}")


def _own_neighbours(state: PortState) -> tuple[str, ...]:
    """Neighbour advertisements for the port's own addresses (the target stands 8 bytes into the message)."""
    found = []
    for target in (ipaddress.ip_network(address) for _, address in claimed(state)):
        if target.version == 6:
            mask, value = int(target.netmask), int(target.network_address)
            field = "@th,64,128" if target.prefixlen == 128 else f"@th,64,128 & {mask:#x} =="
            found.append(f"ether type ip6 icmpv6 type 136 {field} {value:#x} accept")
    return tuple(found)


def zone_for(bridge: str, taken: Mapping[int, str]) -> int:
    """A conntrack zone (1 to 65535) for a network, by its bridge; the one it has, if it has one.

    taken: bridges by zone.
    """
    for zone, owner in taken.items():
        if owner == bridge:
            return zone
    zone = int.from_bytes(bridge.encode(), "big") % 65535 + 1
    while zone in taken:
        zone = zone % 65535 + 1
    return zone
