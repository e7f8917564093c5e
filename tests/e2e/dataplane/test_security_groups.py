"""Security groups, by real traffic between namespaces."""

from __future__ import annotations

import socket
from dataclasses import replace

import pytest

from knarr.core.network.drivers.base import RuleState

from .cloud import Cloud, allow, talks


def test_nothing_is_reached_without_a_rule_and_all_is_by_one(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group()
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(80):
        assert not client.reaches(server.ip, 80)
        assert not client.pings(server.ip)
        assert not client.udp(server, 5000)
        cloud.set_rules(group, allow())
        assert client.reaches(server.ip, 80)
        assert client.pings(server.ip)
        assert client.udp(server, 5000)


def test_a_rule_opens_its_protocol_and_ports_only(cloud: Cloud) -> None:
    network = cloud.network()
    group = cloud.group(
        allow("tcp", 80, 81), allow("tcp", 81, 90), allow("udp", 5000, 5000), allow("icmp", 8, 0)
    )
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(85), server.serve(91):
        assert client.reaches(server.ip, 85)
        assert not client.reaches(server.ip, 91)
    assert client.udp(server, 5000)
    assert not client.udp(server, 5001)
    assert client.pings(server.ip)


def test_removing_a_rule_cuts_what_it_allowed_and_nothing_else(cloud: Cloud) -> None:
    network = cloud.network()
    web, other = allow("tcp", 80, 80), allow("tcp", 81, 81)
    group = cloud.group(web, other)
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(80), server.serve(81):
        doomed, spared = client.connect(server.ip, 80), client.connect(server.ip, 81)
        with doomed, spared:
            assert talks(doomed)
            assert talks(spared)
            cloud.set_rules(group, other)
            assert not talks(doomed)
            assert talks(spared)
            assert not client.reaches(server.ip, 80)
            assert client.reaches(server.ip, 81)


def test_a_connection_still_allowed_by_another_rule_goes_on(cloud: Cloud) -> None:
    network = cloud.network()
    group = cloud.group(allow("tcp", 80, 80), allow("tcp", 1, 1000))
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(80), client.connect(server.ip, 80) as connection:
        assert talks(connection)
        cloud.set_rules(group, allow("tcp", 1, 1000))
        assert talks(connection)


def test_egress_rules_hold_for_the_sender(cloud: Cloud) -> None:
    network = cloud.network()
    closed = cloud.group(allow())
    client = cloud.guest(network, "10.1.0.5", groups=(closed,))
    server = cloud.guest(network, "10.1.0.6", groups=(closed,))
    with server.serve(80):
        assert client.reaches(server.ip, 80)
        cloud.set_group(replace(closed, rules=(allow(), RuleState("egress", "IPv4", "udp", 53, 53))))
        assert not client.reaches(server.ip, 80)
        assert client.udp(server, 53)


def test_a_remote_group_follows_its_members(cloud: Cloud) -> None:
    network = cloud.network()
    friends, servers = cloud.group(), cloud.group()
    cloud.set_rules(servers, allow("tcp", 80, 80, remote_group_id=friends.id))
    server = cloud.guest(network, "10.1.0.6", groups=(servers,))
    friend = cloud.guest(network, "10.1.0.5", groups=(friends,))
    stranger = cloud.guest(network, "10.1.0.7", groups=(servers,))
    with server.serve(80), friend.connect(server.ip, 80) as connection:
        assert talks(connection)
        assert not stranger.reaches(server.ip, 80)
        cloud.set_port(replace(friend.port, security_groups=(servers.id,)))
        assert not talks(connection)
        assert not friend.reaches(server.ip, 80)
        cloud.set_port(replace(stranger.port, security_groups=(friends.id,)))
        assert stranger.reaches(server.ip, 80)


def test_a_remote_prefix_limits_the_sources(cloud: Cloud) -> None:
    network = cloud.network()
    group = cloud.group(allow("tcp", 80, 80, remote_ip_prefix="10.1.0.0/29"))
    inside = cloud.guest(network, "10.1.0.5", groups=(group,))
    outside = cloud.guest(network, "10.1.0.50", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    with server.serve(80):
        assert inside.reaches(server.ip, 80)
        assert not outside.reaches(server.ip, 80)


def test_ipv6_has_rules_of_its_own(cloud: Cloud) -> None:
    network = cloud.network()
    group = cloud.group(allow("tcp", 80, 80))
    client = cloud.guest(network, "fd00::5", "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "fd00::6", "10.1.0.6", groups=(group,))
    with server.serve(80, socket.AF_INET6):
        assert client.reaches("10.1.0.6", 80)
        assert not client.reaches("fd00::6", 80)
        assert not client.pings("fd00::6")
        cloud.set_rules(
            group,
            allow("tcp", 80, 80, ethertype="IPv6", remote_group_id=group.id),
            allow("icmp", ethertype="IPv6"),
        )
        assert client.reaches("fd00::6", 80)
        assert client.pings("fd00::6")
        assert not client.reaches("10.1.0.6", 80)


@pytest.mark.parametrize("protocol", ["sctp", "47", "vrrp", "any", "udplite", "ospf"])
def test_every_protocol_can_be_named(cloud: Cloud, protocol: str) -> None:
    network = cloud.network()
    group = cloud.group(allow(protocol), allow(protocol, ethertype="IPv6"))
    cloud.guest(network, "10.1.0.5", groups=(group,))
    assert not cloud.backend.reconcile(cloud.desired)


def test_a_stateless_group_lets_no_reply_through(cloud: Cloud) -> None:
    network = cloud.network()
    stateless = cloud.group(stateful=False)
    stateful = cloud.group(allow())
    client = cloud.guest(network, "10.1.0.5", groups=(stateless,))
    server = cloud.guest(network, "10.1.0.6", groups=(stateful,))
    assert not client.pings(server.ip)
    cloud.set_group(replace(stateless, rules=(*stateless.rules, allow("icmp"))))
    assert client.pings(server.ip)


def test_a_port_without_port_security_is_open(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group()
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", security=False)
    with server.serve(80):
        assert client.reaches(server.ip, 80)
        assert not server.pings(client.ip)


def test_types_of_icmp_are_told_apart(cloud: Cloud) -> None:
    network = cloud.network()
    group = cloud.group(allow("icmp", 8, 0), allow("ipv6-icmp", 1, ethertype="IPv6"))
    client = cloud.guest(network, "10.1.0.5", "fd00::5", groups=(group,))
    cloud.guest(network, "10.1.0.6", "fd00::6", groups=(group,))
    assert client.pings("10.1.0.6")
    assert not client.pings("fd00::6")
    cloud.set_rules(group, allow("icmp", 8, 1), allow("ipv6-icmp", 128, 0, ethertype="IPv6"))
    assert client.pings("fd00::6")
    assert not client.pings("10.1.0.6")


def test_every_address_of_a_port_counts(cloud: Cloud) -> None:
    network, group, other = cloud.network(), cloud.group(), cloud.group()
    cloud.set_rules(group, *(allow(ethertype=kind, remote_group_id=group.id) for kind in ("IPv4", "IPv6")))
    server = cloud.guest(network, "10.1.0.6", "fd00::6", groups=(group,))
    client = cloud.guest(
        network, "10.1.0.5", "10.1.0.15", "10.1.0.25", "fd00::5", "fd00::15", groups=(group,)
    )
    for address in client.port.fixed_ips:
        assert server.pings(address)
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        target = "fd00::6" if ":" in address else "10.1.0.6"
        with server.serve(80, family), client.open(socket.SOCK_STREAM, address, family=family) as out:
            out.connect((target, 80))
            assert talks(out)
    stranger = cloud.guest(network, "10.1.0.7", "10.1.0.17", groups=(other,))
    assert not stranger.pings("10.1.0.6")
