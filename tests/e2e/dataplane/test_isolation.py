"""What a guest must not be able to do, whatever its rules say."""

from __future__ import annotations

import ipaddress
import socket
from dataclasses import replace

import pytest

from knarr.core.network.drivers.base import AddressPair, BackendError
from knarr.kernel import hostnet
from knarr.kernel.hostnet import conntrack, links
from knarr.kernel.hostnet.netlink import Netlink

from . import frames
from .cloud import Cloud, Guest, allow, eventually
from .site import add_address

ETH_P_ALL = 3


def set_mac(guest: Guest, mac: str) -> None:
    def body() -> None:
        with Netlink() as netlink:
            device = links.get_link(netlink, "eth0")
            assert device
            links.set_link(netlink, device, mac=mac)

    hostnet.run_in_namespace(guest.netns, body)


def test_a_source_address_that_is_not_the_ports_is_dropped(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    liar = cloud.guest(network, "10.1.0.5", groups=(group,))
    victim = cloud.guest(network, "10.1.0.6", groups=(group,))
    add_address(liar, "10.1.0.99/24")
    assert liar.udp(victim, 5000)
    assert not liar.udp(victim, 5000, source="10.1.0.99")


def test_a_foreign_mac_is_dropped(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    liar = cloud.guest(network, "10.1.0.5", groups=(group,))
    victim = cloud.guest(network, "10.1.0.6", groups=(group,))
    set_mac(liar, "fa:16:3e:ff:ff:01")
    assert not liar.udp(victim, 5000)
    set_mac(liar, liar.port.mac_address)
    assert eventually(lambda: liar.udp(victim, 5000))


@pytest.mark.parametrize("pair", ["10.1.0.99", "10.1.0.96/28"])
def test_an_allowed_address_pair_may_be_used(cloud: Cloud, pair: str) -> None:
    network, group = cloud.network(), cloud.group()
    cloud.set_rules(group, allow(remote_group_id=group.id))
    pairs = (AddressPair(pair), AddressPair("fd00::/60"))
    guest = cloud.guest(network, "10.1.0.5", groups=(group,), pairs=pairs)
    other = cloud.guest(network, "10.1.0.6", groups=(group,))
    add_address(guest, "10.1.0.99/24")
    add_address(guest, "10.1.0.200/24")
    assert guest.udp(other, 5000, source="10.1.0.99")
    assert not guest.udp(other, 5000, source="10.1.0.200")
    assert not cloud.backend.reconcile(cloud.desired)


def test_an_address_may_stand_on_two_ports(cloud: Cloud) -> None:
    network = cloud.network()
    opened, closed = cloud.group(allow()), cloud.group()
    shared = (AddressPair("10.1.0.99"),)
    active = cloud.guest(network, "10.1.0.5", groups=(opened,), pairs=shared)
    cloud.guest(network, "10.1.0.6", groups=(closed,), pairs=shared)
    client = cloud.guest(network, "10.1.0.7", groups=(closed,))
    add_address(active, "10.1.0.99/24")
    assert client.pings("10.1.0.99")


def test_networks_with_the_same_addresses_do_not_meet(cloud: Cloud) -> None:
    group = cloud.group(allow())
    pairs = []
    for _ in range(2):
        network = cloud.network()
        client = cloud.guest(network, "10.1.0.5", groups=(group,))
        pairs.append((client, cloud.guest(network, "10.1.0.6", groups=(group,))))
    with pairs[0][1].serve(80):
        assert pairs[0][0].reaches("10.1.0.6", 80)
        assert not pairs[1][0].reaches("10.1.0.6", 80)
        # The very same five-tuple in the other network is a connection of its own.
        with pairs[1][1].serve(80):
            for client, _ in pairs:
                with client.open(socket.SOCK_STREAM, "10.1.0.5", 33333) as one:
                    one.connect(("10.1.0.6", 80))
            assert pairs[1][0].reaches("10.1.0.6", 80)


def test_a_remote_group_means_its_members_of_the_same_network(cloud: Cloud) -> None:
    friends = cloud.group()
    servers = cloud.group(allow("tcp", 80, 80, remote_group_id=friends.id))
    here, there = cloud.network(), cloud.network()
    cloud.guest(there, "10.1.0.5", groups=(friends,))
    impostor = cloud.guest(here, "10.1.0.5", groups=(servers,))
    server = cloud.guest(here, "10.1.0.6", groups=(servers,))
    with server.serve(80):
        assert not impostor.reaches(server.ip, 80)


def test_a_tap_without_a_filter_passes_nothing(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    known = cloud.guest(network, "10.1.0.6", groups=(group,))
    stranger = cloud.plug(cloud.port(network, "10.1.0.5", groups=(group,)))
    assert not stranger.pings(known.ip)
    for one, other in ((stranger, known), (known, stranger)):
        mark, mac = frames.token(), one.port.mac_address
        announced = frames.arp(2, mac, one.ip, one.ip) + mark
        assert not frames.arrives(
            one, other, frames.ethernet(mac, frames.EVERYONE, frames.ARP, announced), mark
        )
    cloud.set_port(stranger.port)
    assert eventually(lambda: stranger.pings(known.ip))


def test_a_removed_port_passes_nothing_and_its_connections_end(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    assert client.pings(server.ip)
    cloud.backend.remove_port(client.port.id)
    assert not client.pings(server.ip)
    cloud.backend.remove_port(client.port.id)
    assert hostnet.unplug(client.port.tap)
    assert not hostnet.unplug(client.port.tap)


def test_a_group_that_is_not_known_yet_allows_nothing(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    cloud.backend.remove_group(group.id)
    assert not client.pings(server.ip)
    cloud.set_group(group)
    assert client.pings(server.ip)


def test_a_guest_does_not_reach_the_host(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow())
    guest = cloud.guest(network, "10.1.0.5", groups=(group,))
    with Netlink() as netlink:
        bridge = links.get_link(netlink, network.bridge)
        assert bridge
        links.add_address(netlink, bridge.index, ipaddress.ip_interface("10.1.0.1/24"))
    assert not guest.pings("10.1.0.1")


def test_equal_addresses_of_a_network_made_later_inherit_no_connection(cloud: Cloud) -> None:
    group = cloud.group(allow())
    network = cloud.network()
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(80), client.connect(server.ip, 80):
        for guest in (client, server):
            cloud.backend.remove_port(guest.port.id)
        cloud.backend.remove_network(network.id)
        assert connections() == 0
    cloud.backend.remove_network(network.id)


def connections() -> int:
    with Netlink(conntrack.NETLINK_NETFILTER) as netlink:
        return len(netlink.dump("list connections", conntrack.CT_GET, bytes(4)))


@pytest.mark.parametrize("address", ["10.1.0.300", ""])
def test_a_port_with_a_bad_address_is_refused_and_spoils_no_other(cloud: Cloud, address: str) -> None:
    network, group = cloud.network(), cloud.group(allow())
    with pytest.raises(BackendError):
        cloud.set_port(cloud.port(network, address, groups=(group,)))
    with pytest.raises(BackendError):
        cloud.set_port(replace(cloud.port(network, "10.1.0.9"), mac_address="fa:16:3e"))
    one = cloud.guest(network, "10.1.0.5", groups=(group,))
    other = cloud.guest(network, "10.1.0.6", groups=(group,))
    assert one.pings(other.ip)
    assert not cloud.backend.reconcile(cloud.desired)
    assert one.pings(other.ip)
