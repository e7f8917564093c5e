"""Giving out addresses: correct when many ask at once, and quick in large and in nearly full subnets.

The table `port_address` with its key (subnet, position) is the truth. A free address is looked for in a small
window at a random place of the pools; only where that is full, by halving: the used addresses of half a range
are counted (by the index) until a range has a free one. Whoever loses a race to the insert tries again.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Any, TypeVar

from sqlalchemy import delete, func, insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.core.network.errors import fault
from knarr.core.network.models import Address, Port, Subnet
from knarr.kernel.db import affected, retry_on_conflict
from knarr.kernel.errors import Conflict

T = TypeVar("T")

WINDOW = 32  # addresses looked at around a random place
ATTEMPTS = 20  # transactions that may lose a race before the caller is told so
EUI64_MODES = ("slaac", "dhcpv6-stateless")
WIDTH = {4: 8, 6: 32}  # hexadecimal digits of a position


def position(number: int, version: int) -> str:
    return f"{number:0{WIDTH[version]}x}"


def text(number: int, version: int) -> str:
    return str(IPv4Address(number) if version == 4 else IPv6Address(number))


def uses_eui64(subnet: Any) -> bool:
    """Whether addresses of the subnet follow from the MAC address (RFC 4291, appendix A)."""
    return subnet.ipv6_address_mode in EUI64_MODES


def eui64(cidr: str, mac: str) -> str:
    digits = bytes.fromhex(mac.replace(":", ""))
    interface = bytes((digits[0] ^ 2, *digits[1:3], 0xFF, 0xFE, *digits[3:]))
    return str(IPv6Address(int(ip_network(cidr).network_address) + int.from_bytes(interface, "big")))


def free_address(session: Session, subnet: Any) -> str | None:
    """An address of the subnet's pools that nobody has, None if all are taken."""
    version = subnet.ip_version
    pools = [(int(ip_address(p["start"])), int(ip_address(p["end"]))) for p in subnet.allocation_pools]
    if not pools:
        return None
    chosen = random.choices(pools, [last - first + 1 for first, last in pools])[0]  # noqa: S311
    begin = random.randint(*chosen)  # noqa: S311  an address is no secret
    number = _in_window(session, subnet.id, version, begin, min(begin + WINDOW - 1, chosen[1]))
    if number is None:
        halved = (_by_halving(session, subnet.id, version, *pool) for pool in pools)
        number = next((found for found in halved if found is not None), None)
    return None if number is None else text(number, version)


def _in_window(session: Session, subnet_id: str, version: int, first: int, last: int) -> int | None:
    used = set(
        session.scalars(
            select(Address.position).where(
                Address.subnet_id == subnet_id,
                Address.position.between(position(first, version), position(last, version)),
            )
        )
    )
    return next((n for n in range(first, last + 1) if position(n, version) not in used), None)


def _by_halving(session: Session, subnet_id: str, version: int, first: int, last: int) -> int | None:
    """The lowest free number of the range; about log2(size) counts over the index."""
    if _used(session, subnet_id, version, first, last) > last - first:
        return None
    while first < last:
        middle = (first + last) // 2
        if _used(session, subnet_id, version, first, middle) <= middle - first:
            last = middle
        else:
            first = middle + 1
    return first


def _used(session: Session, subnet_id: str, version: int, first: int, last: int) -> int:
    statement = select(func.count()).where(
        Address.subnet_id == subnet_id,
        Address.position.between(position(first, version), position(last, version)),
    )
    return session.scalar(statement) or 0


def holder(session: Session, subnet_id: str, address: str) -> str | None:
    """The id of the port that has the address."""
    ip = ip_address(address)
    return session.scalar(
        select(Address.port_id).where(
            Address.subnet_id == subnet_id, Address.position == position(int(ip), ip.version)
        )
    )


def lock_subnets(session: Session, network_id: str) -> list[Any]:
    """The network's subnets, in order of creation.

    PostgreSQL and MariaDB lock the rows, so that who allocates next sees what was allocated before.
    """
    columns = (
        Subnet.id,
        Subnet.cidr,
        Subnet.ip_version,
        Subnet.gateway_ip,
        Subnet.ipv6_address_mode,
        Subnet.allocation_pools,
        Subnet.service_types,
        Subnet.created_at,
    )
    rows = session.execute(
        select(*columns).where(Subnet.network_id == network_id).order_by(Subnet.id).with_for_update()
    ).all()
    return sorted(rows, key=lambda row: (row.created_at, row.id))


def serving(network_id: str, subnets: list[Any], device_owner: str) -> list[Any]:
    """The subnets that give addresses to ports of this owner: those that name it among their service types,
    then those that name none.

    Raises 409 IpAddressGenerationFailureNoMatchingSubnet if there are subnets, but all for other owners.
    """
    named = [subnet for subnet in subnets if device_owner in (subnet.service_types or ())]
    found = named + [subnet for subnet in subnets if not subnet.service_types]
    if subnets and not found:
        raise fault("IpAddressGenerationFailureNoMatchingSubnet", network=network_id, owner=device_owner)
    return found


def choose(session: Session, network_id: str, subnets: Iterable[Any], mac: str) -> list[tuple[Any, str]]:
    """Addresses for a port that asked for none: one of IPv4, one of IPv6, and one of each SLAAC subnet.

    Raises 409 IpAddressGenerationFailure if an IP version has subnets but no free address.
    """
    chosen = [(subnet, eui64(subnet.cidr, mac)) for subnet in subnets if uses_eui64(subnet)]
    for version in (4, 6):
        candidates = [s for s in subnets if s.ip_version == version and not uses_eui64(s)]
        found = ((subnet, free_address(session, subnet)) for subnet in candidates)
        pick = next(((subnet, address) for subnet, address in found if address), None)
        if pick:
            chosen.append((pick[0], pick[1]))
        elif candidates:
            raise fault("IpAddressGenerationFailure", network=network_id)
    return sorted(chosen, key=lambda pair: pair[0].ip_version)


def ask(
    session: Session, network_id: str, subnets: list[Any], wanted: Any, mac: str, routing: bool = False
) -> tuple[Any, str]:
    """The (subnet, address) of one entry of `fixed_ips`, which names a subnet, an address or both. On SLAAC
    subnets only legs of routers (`routing`) choose theirs.
    """
    subnet = _asked_subnet(network_id, subnets, wanted)
    if not wanted.ip_address:
        address = eui64(subnet.cidr, mac) if uses_eui64(subnet) else free_address(session, subnet)
        if address is None:
            raise fault("IpAddressGenerationFailure", network=network_id)
        return subnet, address
    ip = parse_ip(wanted.ip_address, "fixed_ips.ip_address")
    if not usable(ip, subnet.cidr):
        raise fault("InvalidIpForSubnet", ip=ip, subnet=subnet.id, cidr=subnet.cidr)
    if uses_eui64(subnet) and not routing and str(ip) != eui64(subnet.cidr, mac):
        raise fault("AllocationOnAutoAddressSubnet", ip=ip, subnet=subnet.id)
    if holder(session, subnet.id, str(ip)):
        raise fault("IpAddressInUse", ip=ip, network=network_id)
    return subnet, str(ip)


def _asked_subnet(network_id: str, subnets: list[Any], wanted: Any) -> Any:
    if wanted.subnet_id:
        found = next((s for s in subnets if s.id == wanted.subnet_id), None)
        if found is None:
            why = f"subnet {wanted.subnet_id} of 'fixed_ips' is not a subnet of network {network_id}"
            raise fault("InvalidInput", why=why)
        return found
    if not wanted.ip_address:
        raise fault("InvalidInput", why="each entry of 'fixed_ips' needs a subnet_id or an ip_address")
    ip = parse_ip(wanted.ip_address, "fixed_ips.ip_address")
    found = next((s for s in subnets if ip.version == s.ip_version and ip in ip_network(s.cidr)), None)
    if found is None:
        raise fault("InvalidIpForNetwork", ip=ip, network=network_id)
    return found


def parse_ip(value: str, field: str) -> IPv4Address | IPv6Address:
    try:
        if "%" not in value:  # a zone means something on one host only
            return ip_address(value)
    except ValueError:
        pass
    raise fault("InvalidInput", why=f"'{value[:64]}' in '{field}' is not a valid IP address")


def parse_net(value: str, field: str) -> IPv4Network | IPv6Network:
    """A CIDR or one address; bits behind the prefix are dropped."""
    try:
        if "%" not in value:
            return ip_network(value, strict=False)
    except ValueError:
        pass
    raise fault(
        "InvalidInput", why=f"'{value[:64]}' in '{field}' is not a valid IP network, e.g. 10.0.0.0/24"
    )


def usable(ip: IPv4Address | IPv6Address, cidr: str) -> bool:
    """Whether a port may have the address: in the subnet, neither its first nor its IPv4 broadcast one."""
    net = ip_network(cidr)
    if ip.version != net.version or ip not in net:
        return False
    if net.prefixlen >= net.max_prefixlen - 1:
        return True
    return ip != net.network_address and not (ip.version == 4 and ip == net.broadcast_address)


def take(session: Session, port_id: str, pairs: Iterable[tuple[Any, str]]) -> None:
    """Write the addresses down for the port. An IntegrityError means that another was quicker."""
    rows = []
    for subnet, address in pairs:
        place = position(int(ip_address(address)), subnet.ip_version)
        rows.append({"subnet_id": subnet.id, "position": place, "port_id": port_id, "ip_address": address})
    if rows:
        session.execute(insert(Address), rows)


def take_asked(
    session: Session,
    network_id: str,
    subnets: list[Any],
    wanted: list[Any],
    port_id: str,
    mac: str,
    routing: bool = False,
) -> list[tuple[Any, str]]:
    """Take what `fixed_ips` asks for, and tell it. Addresses that name themselves come first, so that none is
    picked that a later entry asks for.
    """
    pairs = []
    for entry in sorted(wanted, key=lambda entry: not entry.ip_address):
        pairs.append(ask(session, network_id, subnets, entry, mac, routing))
        take(session, port_id, pairs[-1:])
    return pairs


def give_all(session: Session, subnet: Any) -> bool:
    """Give the ports that are on the network of a new SLAAC subnet their addresses of it; whether there are
    any. Legs of routers get theirs when they are connected.
    """
    stmt = select(Port.id, Port.mac_address).where(
        Port.network_id == subnet.network_id, Port.device_owner.not_like("network:%")
    )
    ports = session.execute(stmt).all()
    rows = []
    for port in ports:
        address = eui64(subnet.cidr, port.mac_address)
        place = position(int(ip_address(address)), 6)
        rows.append({"subnet_id": subnet.id, "position": place, "port_id": port.id, "ip_address": address})
    if rows:
        session.execute(insert(Address), rows)
    return bool(rows)


def take_all_back(session: Session, subnet: Any) -> bool:
    """Before a SLAAC subnet goes: take its addresses from the ports that did not ask for them."""
    owned = select(Port.id).where(
        Port.network_id == subnet.network_id, Port.device_owner.not_like("network:%")
    )
    gone = delete(Address).where(Address.subnet_id == subnet.id, Address.port_id.in_(owned))
    return affected(session, gone) > 0


def readdress(session: Session, port_id: str, network_id: str, wanted: list[Any], mac: str = "") -> list[str]:
    """Keep what is asked for again, give back the rest, take what is new. Returns what was given back."""
    subnets = lock_subnets(session, network_id)
    have = session.execute(
        select(Address.subnet_id, Address.ip_address).where(Address.port_id == port_id)
    ).all()
    left, new = list(have), []
    for entry in sorted(wanted, key=lambda entry: not entry.ip_address):
        match = next((a for a in left if _same(a, entry)), None)
        if match is None:
            new.append(entry)
        else:
            left.remove(match)
    gone = [address.ip_address for address in left]
    session.execute(delete(Address).where(Address.port_id == port_id, Address.ip_address.in_(gone)))
    take_asked(session, network_id, subnets, new, port_id, mac)
    return gone


def _same(address: Any, entry: Any) -> bool:
    if entry.subnet_id and entry.subnet_id != address.subnet_id:
        return False
    if entry.ip_address:
        return str(parse_ip(entry.ip_address, "fixed_ips.ip_address")) == address.ip_address
    return bool(entry.subnet_id)


def race(transaction: Callable[[], T]) -> T:
    """The result of a whole transaction, which is tried again when it lost a row to another one."""
    for _ in range(ATTEMPTS):
        try:
            return retry_on_conflict(transaction)
        except IntegrityError:
            continue
    raise Conflict("Others changed the same things over and over; try again.")
