"""Guests that lie, with frames made by hand. Each lie stands beside the truth that passes."""

from __future__ import annotations

import contextlib
import socket
import struct

import pytest

from knarr.core.network.drivers.base import AddressPair
from knarr.core.network.drivers.linux.filters import link_local
from knarr.kernel import hostnet
from knarr.kernel.hostnet import links, netlink

from . import frames
from .cloud import BLOCKED_SECONDS, Cloud, Guest, allow, eventually
from .frames import ALL_NODES, ALL_NODES_MAC, EVERYONE, arrives, token

ADVERTISEMENT, REDIRECT, ECHO = 134, 137, 128
FOREIGN = "fa:16:3e:ff:ff:01"

Two = tuple[Guest, Guest]


@pytest.fixture(params=["stateful", "stateless"])
def two(cloud: Cloud, request: pytest.FixtureRequest) -> Two:
    """(who lies, who is lied to); their groups allow everything."""
    network = cloud.network()
    group = cloud.group(allow(), allow(ethertype="IPv6"), stateful=request.param == "stateful")
    liar = cloud.guest(network, "10.1.0.5", "fd00::5", groups=(group,))
    return liar, cloud.guest(network, "10.1.0.6", "fd00::6", groups=(group,))


def message(two: Two, kind: int, wrapping: str, mark: bytes) -> list[bytes]:
    """Frames that carry an ICMPv6 message to all, wrapped in one of the ways that hide its type."""
    mac = two[0].port.mac_address
    source = link_local(mac)
    body = frames.icmpv6(source, ALL_NODES, kind, bytes(12) + mark)
    options = struct.pack("!BB", frames.ICMPV6, 0) + b"\x01\x04\0\0\0\0"
    packets = {
        "plain": [(frames.ICMPV6, body)],
        "options": [(frames.HOP_BY_HOP, options + body)],
        "one fragment": pieces(frames.ICMPV6, body),
        "two fragments": pieces(frames.ICMPV6, body, 8),
        "type in the second fragment": pieces(frames.DESTINATION_OPTIONS, options + body, 8),
    }
    return [
        frames.ethernet(mac, ALL_NODES_MAC, frames.IPV6, frames.ipv6(source, ALL_NODES, following, part))
        for following, part in packets[wrapping]
    ]


def pieces(following: int, body: bytes, *cuts: int) -> list[tuple[int, bytes]]:
    return [(frames.FRAGMENT, part) for part in frames.fragments6(following, body, *cuts)]


@pytest.mark.parametrize("wrapping", ["plain", "options", "one fragment", "two fragments"])
def test_a_guest_is_no_router(two: Two, wrapping: str) -> None:
    for kind, passes in ((ECHO, True), (ADVERTISEMENT, False), (REDIRECT, False)):
        mark = token()
        assert arrives(*two, message(two, kind, wrapping, mark), mark) is passes, kind


def test_a_first_fragment_says_what_it_is(two: Two) -> None:
    """One whose type stands in the second passes nowhere, whatever it is (RFC 8200, section 5)."""
    for kind in (ECHO, ADVERTISEMENT):
        mark = token()
        assert not arrives(*two, message(two, kind, "type in the second fragment", mark), mark)


def datagram(two: Two, version: int, ports: tuple[int, int], data: bytes) -> list[bytes]:
    """Frames with a datagram to all."""
    mac = two[0].port.mac_address
    if version == 6:
        source = link_local(mac)
        body = frames.udp(source, ALL_NODES, ports, data)
        packet = frames.ipv6(source, ALL_NODES, frames.UDP, body)
        return [frames.ethernet(mac, ALL_NODES_MAC, frames.IPV6, packet)]
    body = frames.udp("10.1.0.5", "255.255.255.255", ports, data)
    packet = frames.ipv4("10.1.0.5", "255.255.255.255", body)
    return [frames.ethernet(mac, EVERYONE, frames.IPV4, packet)]


@pytest.mark.parametrize(("version", "served"), [(4, (67, 68)), (6, (547, 546))])
def test_a_guest_is_no_dhcp_server(two: Two, version: int, served: tuple[int, int]) -> None:
    for ports, passes in ((served, False), ((4000, 4000), True)):
        mark = token()
        assert arrives(*two, datagram(two, version, ports, mark), mark) is passes


def in_two(two: Two, ports: tuple[int, int], mark: bytes) -> list[bytes]:
    """A datagram as two fragments, the first of which has little more than the ports."""
    liar, victim = two
    body = frames.udp(liar.ip, victim.ip, ports, bytes(4) + mark)
    packets = (
        frames.ipv4(liar.ip, victim.ip, body[:8], more=True),
        frames.ipv4(liar.ip, victim.ip, body[8:], offset=8),
    )
    macs = liar.port.mac_address, victim.port.mac_address
    return [frames.ethernet(*macs, frames.IPV4, packet) for packet in packets]


def test_a_dhcp_answer_in_pieces_is_one_all_the_same(two: Two) -> None:
    for ports, passes in (((67, 68), False), ((4000, 4000), True)):
        mark = token()
        assert arrives(*two, in_two(two, ports, mark), mark) is passes


def test_pieces_meet_the_rules_as_a_whole(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow("udp", 5000, 5000))
    pair = tuple(cloud.guest(network, f"10.1.0.{number}", groups=(group,)) for number in (5, 6))
    for port, passes in ((5000, True), (5001, False)):
        mark = token()
        assert arrives(*pair, in_two(pair, (4000, port), mark), mark) is passes
    mark = token()
    assert not arrives(*pair, in_two(pair, (4000, 5000), mark)[1:], mark)


@pytest.mark.parametrize("operation", [1, 2])
def test_nobody_announces_anothers_address(two: Two, operation: int) -> None:
    liar, victim = two
    mac = liar.port.mac_address
    for claimed, hardware, passes in (
        (liar.ip, mac, True),
        ("10.1.0.1", mac, False),
        (victim.ip, mac, False),
        (liar.ip, FOREIGN, False),
    ):
        mark = token()
        body = frames.arp(operation, hardware, claimed, claimed) + mark
        assert arrives(*two, frames.ethernet(mac, EVERYONE, frames.ARP, body), mark) is passes


def test_nobody_solicits_as_another(two: Two) -> None:
    mac = two[0].port.mac_address
    for source, passes in (("fd00::5", True), ("::", True), ("fd00::6", False), ("fe80::1", False)):
        mark = token()
        body = frames.icmpv6(source, ALL_NODES, 135, bytes(4) + frames.packed("fd00::6") + mark)
        frame = frames.ethernet(
            mac, ALL_NODES_MAC, frames.IPV6, frames.ipv6(source, ALL_NODES, frames.ICMPV6, body)
        )
        assert arrives(*two, frame, mark) is passes, source


def test_nobody_advertises_anothers_address(two: Two) -> None:
    mac = two[0].port.mac_address
    for target, passes in (
        ("fd00::5", True),
        (link_local(mac), True),
        ("fd00::6", False),
        ("fe80::1", False),
    ):
        mark = token()
        body = b"\x20\0\0\0" + frames.packed(target) + mark
        packet = frames.ipv6(
            "fd00::5", ALL_NODES, frames.ICMPV6, frames.icmpv6("fd00::5", ALL_NODES, 136, body)
        )
        assert arrives(*two, frames.ethernet(mac, ALL_NODES_MAC, frames.IPV6, packet), mark) is passes, target


def test_an_address_pair_with_a_mac_is_good_for_both_together(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    pairs = (AddressPair("10.1.0.99", "FE-16-3E-00-00-99"),)
    liar = cloud.guest(network, "10.1.0.5", groups=(group,), pairs=pairs)
    victim = cloud.guest(network, "10.1.0.6", groups=(group,))
    own, other = liar.port.mac_address, "fe:16:3e:00:00:99"
    for mac, address, passes in (
        (own, "10.1.0.5", True),
        (other, "10.1.0.99", True),
        (own, "10.1.0.99", False),
        (other, "10.1.0.5", False),
    ):
        mark = token()
        packet = frames.ipv4(address, victim.ip, frames.udp(address, victim.ip, (4000, 4000), mark))
        frame = frames.ethernet(mac, victim.port.mac_address, frames.IPV4, packet)
        assert arrives(liar, victim, frame, mark) is passes
        mark = token()
        frame = frames.ethernet(mac, EVERYONE, frames.ARP, frames.arp(2, mac, address, address) + mark)
        assert arrives(liar, victim, frame, mark) is passes


@pytest.mark.parametrize("kind", [0x88B5, 0x8863, 0x88CC, 0x0026, frames.TAGGED])
def test_nothing_passes_but_ip_and_arp(two: Two, kind: int) -> None:
    mark = token()
    mac = two[0].port.mac_address
    for receiver in (EVERYONE, "01:80:c2:00:00:00"):
        assert not arrives(*two, frames.ethernet(mac, receiver, kind, bytes(40) + mark), mark)


def test_a_tag_hides_nothing(two: Two) -> None:
    liar, victim = two
    packet = frames.ipv4(liar.ip, victim.ip, frames.udp(liar.ip, victim.ip, (4000, 4000), token()))
    for vlan in (0, 1, 4095):
        macs = liar.port.mac_address, victim.port.mac_address
        frame = frames.ethernet(*macs, frames.IPV4, packet, vlan)
        assert not arrives(liar, victim, frame, packet[-14:])
    assert arrives(liar, victim, frames.ethernet(*macs, frames.IPV4, packet), packet[-14:])


def test_the_host_is_not_reached_over_ipv6_either(two: Two) -> None:
    """Its bridge has an address on the link like everybody there."""
    liar, victim = two
    bridge = links.get_link(netlink.host(), liar.port.bridge)
    assert bridge
    assert eventually(lambda: answers(liar, link_local(victim.port.mac_address)))
    assert not answers(liar, link_local(bridge.mac))


def answers(guest: Guest, address: str) -> bool:
    """Whether a neighbour on the link answers an echo to its link-local address."""
    eth0 = hostnet.run_in_namespace(guest.netns, lambda: socket.if_nametoindex("eth0"))
    with guest.open(socket.SOCK_RAW, family=socket.AF_INET6, protocol=frames.ICMPV6) as raw:
        raw.settimeout(BLOCKED_SECONDS)
        with contextlib.suppress(TimeoutError):
            raw.sendto(struct.pack("!BBHHH", ECHO, 0, 0, 1, 1), (address, 0, 0, eth0))
            while True:
                data, sender = raw.recvfrom(256)
                if data[0] == ECHO + 1 and sender[0].partition("%")[0] == address:
                    return True
    return False
