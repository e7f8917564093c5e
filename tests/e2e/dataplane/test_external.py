"""The host's end of external networks, and what else on the host is touched for them."""

from __future__ import annotations

import subprocess
from dataclasses import replace
from ipaddress import ip_interface
from pathlib import Path

from knarr.core.network.drivers.base import NetworkState
from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.netlink import host as host_netlink

from .cloud import Cloud, Guest, Machine, allow
from .site import FLOATING, Site, peer_of

GATEWAY = ip_interface("172.24.4.1/24")


def addresses(bridge: str) -> set[object]:
    found = links.get_link(host_netlink(), bridge)
    assert found
    return set(links.get_addresses(host_netlink(), found.index))


def iptables(*arguments: str) -> str:
    return subprocess.run(["iptables", *arguments], check=True, capture_output=True, text=True).stdout


def guest_outside(cloud: Cloud, network: NetworkState, *rules: object) -> Guest:
    group = cloud.group(*rules)  # type: ignore[arg-type]
    return cloud.guest(network, "172.24.4.99", gateway="172.24.4.1", groups=(group,))


def test_the_host_forwards_from_the_first_external_network_on(cloud: Cloud) -> None:
    setting = Path("/proc/sys/net/ipv4/ip_forward")
    setting.write_text("0\n")
    inside = cloud.network()
    assert setting.read_text() == "0\n"
    outside = cloud.external()
    assert setting.read_text() == "1\n"
    assert addresses(outside.bridge) == {GATEWAY}
    assert not addresses(inside.bridge)


def test_the_hosts_address_follows_the_network(cloud: Cloud) -> None:
    network = cloud.external()
    bridge = links.get_link(host_netlink(), network.bridge)
    assert bridge
    subnet = replace(network.subnets[0], gateway_ip="172.24.4.254")
    cloud.set_network(replace(network, subnets=(subnet,)))
    assert addresses(network.bridge) == {ip_interface("172.24.4.254/24")}
    cloud.set_network(replace(network, external=False))
    assert not addresses(network.bridge)
    cloud.set_network(network)
    links.delete_address(host_netlink(), bridge.index, GATEWAY)
    assert cloud.backend.reconcile(cloud.desired)
    assert addresses(network.bridge) == {GATEWAY}
    assert not cloud.backend.reconcile(cloud.desired)


def test_the_hosts_mac_stays_when_devices_come(site: Site) -> None:
    def mac() -> str:
        found = links.get_link(host_netlink(), site.outside.bridge)
        assert found
        return found.mac

    before = mac()
    for number in range(4):
        site.guest(site.outside, f"172.24.4.{90 + number}", gateway="172.24.4.1")
    assert mac() == before


def test_a_subnet_that_the_host_reaches_otherwise_is_left_alone(cloud: Cloud, elsewhere: Machine) -> None:
    network = cloud.external()
    subnet = replace(network.subnets[0], cidr="192.0.2.128/25", gateway_ip="192.0.2.129")
    cloud.set_network(replace(network, subnets=(subnet,)))
    assert not addresses(network.bridge)
    assert not cloud.backend.reconcile(cloud.desired)


def test_a_guest_in_an_external_network_goes_out_by_the_host(
    cloud: Cloud, itself: Machine, elsewhere: Machine
) -> None:
    guest = guest_outside(cloud, cloud.external(), allow("tcp", 80, 80, remote_ip_prefix="172.24.4.1/32"))
    assert peer_of(itself, guest, "172.24.4.1") == "172.24.4.99"
    assert peer_of(elsewhere, guest, elsewhere.ip) == "192.0.2.1"
    with guest.serve(80), guest.serve(81):
        assert itself.reaches(guest.ip, 80)
        assert not itself.reaches(guest.ip, 81)


def test_a_guest_that_becomes_part_of_an_inner_network_loses_the_host(cloud: Cloud, itself: Machine) -> None:
    network = cloud.external()
    guest = guest_outside(cloud, network)
    assert guest.pings("172.24.4.1")
    cloud.set_network(replace(network, external=False))
    bridge = links.get_link(host_netlink(), network.bridge)
    assert bridge
    links.add_address(host_netlink(), bridge.index, GATEWAY)
    assert not guest.pings("172.24.4.1")


def test_who_is_routed_to_the_host_reaches_floating_ips_and_groups_hold(
    site: Site, elsewhere: Machine
) -> None:
    guest = guest_outside(site.cloud, site.outside, allow("tcp", 80, 80))
    subprocess.run(
        ["nsenter", f"--net={elsewhere.netns}", "ip", "route", "add", "172.24.4.0/24", "via", "192.0.2.1"],
        check=True,
    )
    assert peer_of(site.server, elsewhere, FLOATING) == elsewhere.ip
    assert peer_of(guest, elsewhere, guest.ip) == elsewhere.ip
    assert not elsewhere.pings(guest.ip)


def test_a_forward_chain_that_drops_lets_external_networks_pass_and_nothing_more(
    site: Site, elsewhere: Machine
) -> None:
    iptables("-P", "FORWARD", "DROP")
    assert not site.client.pings(elsewhere.ip)
    assert site.cloud.backend.reconcile(site.cloud.desired)
    assert site.client.pings(elsewhere.ip)
    assert not site.cloud.backend.reconcile(site.cloud.desired)
    del site.cloud.routers[site.router.id], site.cloud.networks[site.outside.id]
    site.cloud.backend.remove_router(site.router.id)
    site.cloud.backend.remove_network(site.outside.id)
    assert "KNARR" not in iptables("-S")


def test_guests_do_not_get_at_other_softwares_containers_behind_a_forward_chain(
    site: Site, elsewhere: Machine
) -> None:
    uplinks = links.get_link(host_netlink(), "uplinks")
    assert uplinks
    subprocess.run(["ip", "link", "set", "uplinks", "down"], check=True)
    subprocess.run(["ip", "link", "set", "uplinks", "name", "docker9"], check=True)
    subprocess.run(["ip", "link", "set", "docker9", "up"], check=True)
    assert site.client.pings(elsewhere.ip)
    iptables("-P", "FORWARD", "DROP")
    site.cloud.backend.reconcile(site.cloud.desired)
    assert not site.client.pings(elsewhere.ip)
