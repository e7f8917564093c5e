"""What a subnet's addresses may be: CIDR, gateway, pools, routes, IPv6 modes."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address
from itertools import pairwise
from typing import Any

from knarr.core.network.errors import fault, invalid
from knarr.core.network.ipam import EUI64_MODES, parse_ip, parse_net, usable
from knarr.kernel.schema import UNSET

Ip = IPv4Address | IPv6Address
Net = IPv4Network | IPv6Network


def parse_cidr(value: str, version: Any, field: str = "cidr") -> Net:
    net = parse_net(value, field)
    if "/" not in value:
        raise invalid(f"'{value}' in '{field}' needs a prefix length, e.g. 10.0.0.0/24")
    if version is not UNSET and net.version != version:
        raise invalid(f"'{field}' {value} is not of 'ip_version' {version}")
    if net.is_multicast or net.is_loopback or net.prefixlen == 0:
        raise invalid(f"'{field}' {value} is not a network that ports can have addresses of")
    return net


def gateway(body: Any, net: Net) -> str | None:
    """The gateway asked for, the first address if nothing was said, None if none is wanted."""
    if body.gateway_ip is UNSET:
        return str(net[1]) if net.num_addresses > 2 else None
    return check_gateway(body.gateway_ip, net)


def check_gateway(value: str | None, net: Net) -> str | None:
    if value is None:
        return None
    ip = parse_ip(value, "gateway_ip")
    if ip.version != net.version:
        raise invalid(f"'gateway_ip' {value} is not of the subnet's IP version {net.version}")
    if ip in net and not usable(ip, str(net)):
        raise invalid(f"'gateway_ip' {value} is the network or broadcast address of {net}")
    if ip not in net and not (ip.version == 6 and ip.is_link_local):
        raise invalid(f"'gateway_ip' {value} lies outside of {net}")
    return str(ip)


def default_pools(net: Net, gateway_ip: str | None) -> list[dict[str, str]]:
    """All usable addresses save the gateway's, as one or two ranges."""
    small = net.prefixlen >= net.max_prefixlen - 1
    first = int(net.network_address) + (0 if small else 1)
    last = int(net.broadcast_address) - (1 if net.version == 4 and not small else 0)
    gate = int(ip_address(gateway_ip)) if gateway_ip and ip_address(gateway_ip) in net else None
    ranges = [(first, last)] if gate is None else [(first, gate - 1), (gate + 1, last)]
    make: Any = IPv4Address if net.version == 4 else IPv6Address
    return [{"start": str(make(a)), "end": str(make(b))} for a, b in ranges if a <= b]


def check_pools(pools: list[Any], net: Net, gateway_ip: str | None) -> list[dict[str, str]]:
    """The pools as they are stored, in order. Errors by Neutron's names."""
    ranges: list[tuple[Any, Any, str]] = []
    for pool in pools:
        start, end = parse_ip(pool.start, "allocation_pools"), parse_ip(pool.end, "allocation_pools")
        label = f"{start}-{end}"
        if start.version != net.version or end.version != net.version:
            raise fault("InvalidAllocationPool", pool=label, why=f"it is not of IP version {net.version}")
        if int(start) > int(end):
            raise fault("InvalidAllocationPool", pool=label, why="its end is before its start")
        if not (usable(start, str(net)) and usable(end, str(net))):
            raise fault("OutOfBoundsAllocationPool", pool=label, cidr=net)
        ranges.append((start, end, label))
    ranges.sort(key=lambda r: int(r[0]))
    for (_, end, label), (start, _, other) in pairwise(ranges):
        if int(start) <= int(end):
            raise fault("OverlappingAllocationPools", pool=label, other=other, cidr=net)
    check_gateway_outside([{"start": str(a), "end": str(b)} for a, b, _ in ranges], gateway_ip)
    return [{"start": str(a), "end": str(b)} for a, b, _ in ranges]


def check_gateway_outside(pools: list[dict[str, str]], gateway_ip: str | None) -> None:
    if gateway_ip is None:
        return
    gate = int(ip_address(gateway_ip))
    for pool in pools:
        if int(ip_address(pool["start"])) <= gate <= int(ip_address(pool["end"])):
            raise fault(
                "GatewayConflictWithAllocationPools", ip=gateway_ip, pool=f"{pool['start']}-{pool['end']}"
            )


def check_routes(routes: list[Any], version: int) -> list[dict[str, str]]:
    checked = []
    for route in routes:
        default = route.destination == "0.0.0.0/0"
        net = None if default else parse_cidr(route.destination, UNSET, "host_routes")
        hop = parse_ip(route.nexthop, "host_routes")
        if hop.version != version or (net is not None and net.version != version):
            raise invalid(f"'host_routes' must be of the subnet's IP version {version}")
        checked.append({"destination": str(net or "0.0.0.0/0"), "nexthop": str(hop)})
    return checked


def check_nameservers(servers: list[str]) -> list[str]:
    checked = [str(parse_ip(server, "dns_nameservers")) for server in servers]
    if len(set(checked)) < len(checked):
        raise invalid("'dns_nameservers' names a server twice")
    return checked


def check_modes(body: Any, net: Net) -> None:
    """The IPv6 modes go with each other, and SLAAC with a prefix of 64 bits (RFC 4862)."""
    ra, address = body.ipv6_ra_mode or None, body.ipv6_address_mode or None
    if net.version == 4 and (ra or address):
        raise invalid("'ipv6_ra_mode' and 'ipv6_address_mode' are for subnets of ip_version 6")
    if ra and address and ra != address:
        raise invalid("'ipv6_ra_mode' and 'ipv6_address_mode' must be the same if both are set")
    if (ra or address) and body.enable_dhcp is False:
        raise invalid("'ipv6_ra_mode' and 'ipv6_address_mode' need 'enable_dhcp'")
    if address in EUI64_MODES and net.prefixlen != 64:
        raise invalid(f"'ipv6_address_mode' {address} needs a 'cidr' with prefix length 64")
