"""Subnets out of pools: which prefixes a pool has, and which part of them is free."""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, collapse_addresses, ip_network
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.network.errors import fault, invalid
from knarr.core.network.ipam import parse_net
from knarr.core.network.models import Subnet, SubnetPool

Net = IPv4Network | IPv6Network
LONGEST = {4: 32, 6: 128}
SHORTEST = {4: 8, 6: 64}
"""The smallest `min_prefixlen` if none is given, as upstream has it."""
UNIT = {4: 32, 6: 64}
"""The prefix length that `default_quota` counts in: addresses of IPv4, /64 of IPv6."""


def parse_prefixes(texts: Iterable[str], version: int | None = None) -> list[Net]:
    """The prefixes, put together and in order; all of one IP version, the given one if it is."""
    nets = [_prefix(text) for text in texts]
    if not nets:
        raise fault("EmptySubnetPoolPrefixList")
    versions = {net.version for net in nets} | ({version} if version else set())
    if len(versions) > 1:
        raise fault("PrefixVersionMismatch")
    return _together(nets)


def _prefix(text: str) -> Net:
    net = parse_net(text, "prefixes")
    if net.prefixlen == 0 or net.is_multicast or net.is_loopback:
        raise invalid(f"'{text}' in 'prefixes' is not a network that subnets can be part of")
    return net


def _together(nets: Iterable[Any]) -> list[Net]:
    return sorted(collapse_addresses(nets), key=lambda net: int(net.network_address))


def without(nets: Iterable[Any], gone: Iterable[Any]) -> list[Net]:
    """The networks less what is gone of them."""
    left = list(nets)
    for net in gone:
        parts: list[Any] = []
        for one in left:
            if not one.overlaps(net):
                parts.append(one)
            elif net.prefixlen > one.prefixlen:
                parts.extend(one.address_exclude(net))
        left = parts
    return _together(left)


def within(inner: Iterable[Any], outer: Iterable[Any]) -> bool:
    """Whether every one of the inner networks is a part of an outer one."""
    around = list(outer)
    return all(any(net.subnet_of(one) for one in around) for net in inner)


def bounds(version: int, low: int | None, high: int | None, default: int | None) -> dict[str, int]:
    """The prefix lengths that subnets of a pool may have; 400 IllegalSubnetPoolPrefixBounds."""
    longest = LONGEST[version]
    smallest = SHORTEST[version] if low is None else low
    largest = longest if high is None else high
    chosen = smallest if default is None else default
    named = (("min_prefixlen", smallest), ("default_prefixlen", chosen), ("max_prefixlen", largest))
    for name, value in named:
        if not 0 <= value <= longest:
            raise fault("UnsupportedPrefixLength", name=name, value=value, most=longest)
    for (name, value), (other, bound) in ((named[0], named[2]), (named[0], named[1]), (named[1], named[2])):
        if value > bound:
            raise fault("IllegalSubnetPoolPrefixBounds", name=name, value=value, other=other, bound=bound)
    return dict(named)


def allocate(session: Session, pool: Any, project_id: str, prefixlen: int | None) -> str:
    """A free part of the pool, whose row the caller has locked.

    409 SubnetAllocationError if there is none of that length, 400 by name for a length out of bounds.
    """
    length = pool.default_prefixlen if prefixlen is None else prefixlen
    check_length(pool, length)
    taken = _taken(session, pool, project_id, length)
    found = first_free([ip_network(text) for text in pool.prefixes], taken, length)
    if found is None:
        why = f"there are no free addresses of prefix length {length} in subnet pool {pool.id}"
        raise fault("SubnetAllocationError", why=why)
    return str(found)


def allocate_asked(session: Session, pool: Any, project_id: str, net: Any) -> None:
    """Take this very part of the pool; 409 SubnetAllocationError if it is not there or not free."""
    check_length(pool, net.prefixlen)
    taken = _taken(session, pool, project_id, net.prefixlen)
    if net.version != pool.ip_version or not within([net], [ip_network(text) for text in pool.prefixes]):
        raise fault("SubnetAllocationError", why=f"{net} is no part of subnet pool {pool.id}")
    if any(net.overlaps(other) for other in taken):
        raise fault("SubnetAllocationError", why=f"{net} is taken in subnet pool {pool.id}")


def check_length(pool: Any, length: int) -> None:
    if length < pool.min_prefixlen:
        raise fault("MinPrefixSubnetAllocationError", length=length, bound=pool.min_prefixlen)
    if length > pool.max_prefixlen:
        raise fault("MaxPrefixSubnetAllocationError", length=length, bound=pool.max_prefixlen)


def _taken(session: Session, pool: Any, project_id: str, length: int) -> list[Net]:
    """What the pool gave out so far, once it is known that the project may have more of it."""
    rows = session.execute(
        select(Subnet.cidr, Subnet.project_id).where(Subnet.subnetpool_id == pool.id)
    ).all()
    if pool.default_quota is not None:
        used = sum(_units(ip_network(r.cidr).prefixlen, r) for r in rows if r.project_id == project_id)
        if used + _units(length, pool) > pool.default_quota:
            raise fault("SubnetPoolQuotaExceeded", id=pool.id, used=used, limit=pool.default_quota)
    return [ip_network(row.cidr) for row in rows]


def _units(length: int, what: Any) -> int:
    version = getattr(what, "ip_version", None) or ip_network(what.cidr).version
    return int(2 ** max(UNIT[version] - length, 0))


def first_free(prefixes: Iterable[Any], taken: Iterable[Any], length: int) -> Net | None:
    """The lowest network of the length in the prefixes that overlaps nothing taken. The smallest prefix that
    has one comes first, so that large ones stay whole.
    """
    used = sorted((int(net.network_address), int(net.broadcast_address)) for net in taken)
    for prefix in sorted(prefixes, key=lambda net: (-net.prefixlen, int(net.network_address))):
        if prefix.prefixlen > length:
            continue
        start = _gap(used, prefix, 1 << (prefix.max_prefixlen - length))
        if start is not None:
            return type(prefix)((start, length))
    return None


def _gap(used: list[tuple[int, int]], prefix: Any, size: int) -> int | None:
    """The first multiple of the size, in the prefix, from which on as many addresses are unused."""
    at, end = int(prefix.network_address), int(prefix.broadcast_address)
    for first, last in used:
        if last < at:
            continue
        if first >= at + size:
            break
        at = -(-(last + 1) // size) * size
    return at if at + size - 1 <= end else None


def check_affinity(session: Session, network_id: str, version: int, pool_id: str | None) -> None:
    """All subnets of one IP version of a network come from one pool, or none does."""
    others = session.scalars(
        select(Subnet.subnetpool_id).where(Subnet.network_id == network_id, Subnet.ip_version == version)
    )
    if any(other != pool_id for other in others):
        raise fault("NetworkSubnetPoolAffinityError")


def check_scope(session: Session, scope_id: str, pool_id: str, prefixes: Iterable[Any]) -> None:
    """No two pools of an address scope have an address in common; the caller has locked the scope."""
    mine = list(prefixes)
    others = session.execute(
        select(SubnetPool.id, SubnetPool.prefixes).where(
            SubnetPool.address_scope_id == scope_id, SubnetPool.id != pool_id
        )
    )
    for other in others:
        if any(net.overlaps(ip_network(text)) for net in mine for text in other.prefixes):
            raise fault("AddressScopePrefixConflict", scope=scope_id, pool=other.id)
