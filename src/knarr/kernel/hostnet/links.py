"""Single requests on links, addresses and routes: each a line of rtnetlink, without policy."""

from __future__ import annotations

import errno
import ipaddress
import socket
import struct
from dataclasses import dataclass

from knarr.kernel.hostnet.netlink import (
    NLM_F_CREATE,
    NLM_F_EXCL,
    NLM_F_REPLACE,
    Netlink,
    attribute,
    nested,
    number,
    parse,
    text,
)

RTM_NEWLINK, RTM_DELLINK, RTM_GETLINK = 16, 17, 18
RTM_NEWADDR, RTM_DELADDR, RTM_GETADDR = 20, 21, 22
RTM_NEWROUTE, RTM_DELROUTE, RTM_GETROUTE = 24, 25, 26
IFLA_ADDRESS, IFLA_IFNAME, IFLA_MTU, IFLA_LINK = 1, 3, 4, 5
IFLA_MASTER, IFLA_LINKINFO, IFLA_GROUP, IFLA_NET_NS_FD, IFLA_LINK_NETNSID = 10, 18, 27, 28, 37
IFLA_INFO_KIND, IFLA_INFO_DATA, VETH_INFO_PEER = 1, 2, 1
IFLA_BR_FORWARD_DELAY, IFLA_BR_STP_STATE, IFLA_BR_MCAST_SNOOPING = 1, 5, 23
IFA_ADDRESS, IFA_LOCAL, IFA_FLAGS = 1, 2, 8
RTA_DST, RTA_OIF, RTA_GATEWAY = 1, 4, 5
IFF_UP = 1
IFA_F_NODAD = 0x02
RT_TABLE_MAIN, RTPROT_STATIC, RTPROT_KERNEL, RTN_UNICAST = 254, 4, 2, 1
RT_SCOPE_UNIVERSE, RT_SCOPE_LINK = 0, 253

Interface = ipaddress.IPv4Interface | ipaddress.IPv6Interface


@dataclass(frozen=True, slots=True)
class Link:
    """A device. mac without meaning is "". master and peer are ifindexes, 0 for none; kind is "veth",
    "bridge", …
    """

    index: int
    name: str
    up: bool
    mac: str
    mtu: int
    master: int
    peer: int
    group: int
    kind: str


def link_message(index: int = 0, flags: int = 0, change: int = 0) -> bytes:
    """The fixed head of a request on a device."""
    return struct.pack("=BxHiII", socket.AF_UNSPEC, 0, index, flags, change)


def read_link(body: bytes) -> Link:
    """A Link of the body of an RTM_NEWLINK or RTM_DELLINK message."""
    _, _, index, flags, _ = struct.unpack_from("=BxHiII", body)
    found = parse(body[16:])
    return Link(
        index=index,
        name=text(found.get(IFLA_IFNAME)),
        up=bool(flags & IFF_UP),
        mac=found.get(IFLA_ADDRESS, b"").hex(":"),
        mtu=number(found.get(IFLA_MTU)),
        master=number(found.get(IFLA_MASTER)),
        peer=number(found.get(IFLA_LINK)),
        group=number(found.get(IFLA_GROUP)),
        kind=text(parse(found.get(IFLA_LINKINFO, b"")).get(IFLA_INFO_KIND)),
    )


def get_link(netlink: Netlink, name: str) -> Link | None:
    """The device of that name, or None."""
    payload = link_message() + attribute(IFLA_IFNAME, name)
    body = netlink.get(f"look for {name}", RTM_GETLINK, payload, fine=(errno.ENODEV,))
    return read_link(body) if body else None


def get_links(netlink: Netlink) -> list[Link]:
    """Every device."""
    return [read_link(body) for body in netlink.dump("list devices", RTM_GETLINK, link_message())]


def add_bridge(netlink: Netlink, name: str) -> bool:
    """Makes a bridge that is up. False if the name is taken."""
    # Snooping is off: groups joined before a querier exists would not be reached, and neighbour discovery
    # is multicast.
    data = nested(
        IFLA_INFO_DATA,
        attribute(IFLA_BR_FORWARD_DELAY, 0),
        attribute(IFLA_BR_STP_STATE, 0),
        attribute(IFLA_BR_MCAST_SNOOPING, b"\0"),
    )
    info = nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, "bridge"), data)
    payload = link_message(0, IFF_UP, IFF_UP) + attribute(IFLA_IFNAME, name) + info
    step, fine = f"make bridge {name}", (errno.EEXIST,)
    return netlink.change(step, RTM_NEWLINK, payload, NLM_F_CREATE | NLM_F_EXCL, fine)


def add_veth(
    netlink: Netlink,
    name: str,
    *,
    master: int,
    mtu: int,
    group: int,
    peer: str,
    peer_mac: str = "",
    peer_namespace: int | None = None,
) -> None:
    """Makes a veth pair in one request: the near end in a bridge and up, the far end in the namespace of
    the open file, or beside the near one.
    """
    far = link_message() + attribute(IFLA_IFNAME, peer) + attribute(IFLA_MTU, mtu)
    if peer_mac:
        far += attribute(IFLA_ADDRESS, mac_bytes(peer_mac))
    if peer_namespace is not None:
        far += attribute(IFLA_NET_NS_FD, peer_namespace)
    data = nested(IFLA_INFO_DATA, attribute(VETH_INFO_PEER | 0x8000, far))
    payload = (
        link_message(0, IFF_UP, IFF_UP)
        + attribute(IFLA_IFNAME, name)
        + attribute(IFLA_MTU, mtu)
        + attribute(IFLA_MASTER, master)
        + attribute(IFLA_GROUP, group)
        + nested(IFLA_LINKINFO, attribute(IFLA_INFO_KIND, "veth"), data)
    )
    netlink.change(f"make {name}", RTM_NEWLINK, payload, NLM_F_CREATE | NLM_F_EXCL)


def set_link(
    netlink: Netlink,
    link: Link,
    *,
    up: bool | None = None,
    mtu: int | None = None,
    mac: str | None = None,
    master: int | None = None,
    group: int | None = None,
) -> None:
    """Changes what is given."""
    payload = link_message(link.index, IFF_UP if up else 0, 0 if up is None else IFF_UP)
    if mtu is not None:
        payload += attribute(IFLA_MTU, mtu)
    if mac is not None:
        payload += attribute(IFLA_ADDRESS, mac_bytes(mac))
    if master is not None:
        payload += attribute(IFLA_MASTER, master)
    if group is not None:
        payload += attribute(IFLA_GROUP, group)
    netlink.change(f"set up {link.name}", RTM_NEWLINK, payload)


def delete_link(netlink: Netlink, name: str) -> bool:
    """Removes a device. False if it is not there."""
    payload = link_message() + attribute(IFLA_IFNAME, name)
    return netlink.change(f"remove {name}", RTM_DELLINK, payload, 0, (errno.ENODEV,))


def _address(index: int, address: Interface) -> bytes:
    family = socket.AF_INET if address.version == 4 else socket.AF_INET6
    head = struct.pack("=BBBBi", family, address.network.prefixlen, 0, 0, index)
    return head + attribute(IFA_LOCAL, address.packed) + attribute(IFA_ADDRESS, address.packed)


def add_address(netlink: Netlink, index: int, address: Interface) -> bool:
    """Adds an address without duplicate address detection. False if it was there."""
    payload = _address(index, address) + attribute(IFA_FLAGS, IFA_F_NODAD)
    fine = (errno.EEXIST,)
    return netlink.change(f"add {address}", RTM_NEWADDR, payload, NLM_F_CREATE | NLM_F_EXCL, fine)


def delete_address(netlink: Netlink, index: int, address: Interface) -> bool:
    """Takes an address away. False if it was not there."""
    fine = (errno.EADDRNOTAVAIL, errno.ENODEV)
    return netlink.change(f"remove {address}", RTM_DELADDR, _address(index, address), 0, fine)


def get_addresses(netlink: Netlink, index: int) -> set[Interface]:
    """Addresses of a device, without the link-local ones of IPv6."""
    found: set[Interface] = set()
    for body in netlink.dump("list addresses", RTM_GETADDR, struct.pack("=BBBBi", 0, 0, 0, 0, index)):
        _, length, _, _, owner = struct.unpack_from("=BBBBi", body)
        attributes = parse(body[8:])
        packed = attributes.get(IFA_LOCAL) or attributes.get(IFA_ADDRESS)
        if owner != index or not packed:
            continue
        address = ipaddress.ip_interface((packed, length))
        if not (address.version == 6 and address.is_link_local):
            found.add(address)
    return found


@dataclass(frozen=True, slots=True)
class RouteEntry:
    """A route of the main table: network as CIDR, next hop or None."""

    destination: str
    nexthop: str | None


def _route(index: int, route: RouteEntry, flags: int = 0) -> bytes:
    network = ipaddress.ip_network(route.destination)
    family = socket.AF_INET if network.version == 4 else socket.AF_INET6
    scope = RT_SCOPE_UNIVERSE if route.nexthop or network.version == 6 else RT_SCOPE_LINK
    head = struct.pack(
        "=BBBBBBBBI", family, network.prefixlen, 0, 0, RT_TABLE_MAIN, RTPROT_STATIC, scope, RTN_UNICAST, flags
    )
    payload = head + attribute(RTA_OIF, index)
    if network.prefixlen:
        payload += attribute(RTA_DST, network.network_address.packed)
    if route.nexthop:
        payload += attribute(RTA_GATEWAY, ipaddress.ip_address(route.nexthop).packed)
    return payload


def add_route(netlink: Netlink, index: int, route: RouteEntry) -> None:
    """Adds or replaces the route."""
    flags = NLM_F_CREATE | NLM_F_REPLACE
    netlink.change(f"route {route.destination} by {route.nexthop}", RTM_NEWROUTE, _route(index, route), flags)


def delete_route(netlink: Netlink, index: int, route: RouteEntry) -> bool:
    """Takes the route away. False if it was not there."""
    step = f"remove the route to {route.destination}"
    return netlink.change(step, RTM_DELROUTE, _route(index, route), 0, (errno.ESRCH,))


def get_routes(netlink: Netlink, index: int) -> set[RouteEntry]:
    """Routes through a device that somebody set: those which the kernel made for its addresses are left
    out.
    """
    found: set[RouteEntry] = set()
    for family, bits in ((socket.AF_INET, 32), (socket.AF_INET6, 128)):
        head = struct.pack("=BBBBBBBBI", family, 0, 0, 0, 0, 0, 0, 0, 0)
        for body in netlink.dump("list routes", RTM_GETROUTE, head):
            _, length, _, _, table, protocol, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
            attributes = parse(body[12:])
            ours = table == RT_TABLE_MAIN and protocol != RTPROT_KERNEL and kind == RTN_UNICAST
            if not ours or number(attributes.get(RTA_OIF)) != index:
                continue
            packed = attributes.get(RTA_DST, bytes(bits // 8))
            gateway = attributes.get(RTA_GATEWAY)
            nexthop = str(ipaddress.ip_address(gateway)) if gateway else None
            found.add(RouteEntry(str(ipaddress.ip_network((packed, length))), nexthop))
    return found


def get_destinations(netlink: Netlink) -> list[tuple[int, ipaddress.IPv4Network]]:
    """IPv4 networks that the host reaches otherwise than by its default route, each with the ifindex of
    the device.
    """
    found = []
    head = struct.pack("=BBBBBBBBI", socket.AF_INET, 0, 0, 0, 0, 0, 0, 0, 0)
    for body in netlink.dump("list routes", RTM_GETROUTE, head):
        _, length, _, _, table, _, _, kind, _ = struct.unpack_from("=BBBBBBBBI", body)
        attributes = parse(body[12:])
        if table == RT_TABLE_MAIN and kind == RTN_UNICAST and RTA_DST in attributes:
            network = ipaddress.IPv4Network((attributes[RTA_DST], length))
            found.append((number(attributes.get(RTA_OIF)), network))
    return found


def mac_bytes(mac: str) -> bytes:
    """The six bytes of a MAC address. Raises ValueError."""
    packed = bytes.fromhex(mac.replace(":", "").replace("-", ""))
    if len(packed) != 6:
        raise ValueError(f"{mac!r} is not a MAC address")
    return packed
