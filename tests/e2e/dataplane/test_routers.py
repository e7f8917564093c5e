"""Routers: between networks, out of the cloud, and in by floating IPs."""

from __future__ import annotations

import socket
import subprocess
from dataclasses import replace

import pytest

from knarr.core.network.drivers.base import AddressPair, FloatingState, PortForward
from knarr.kernel import hostnet

from .cloud import Machine, allow, eventually, talks
from .site import FLOATING, OTHER_FLOATING, Site, add_address, peer_of


def test_guests_of_different_networks_meet_through_the_router(site: Site) -> None:
    assert site.client.pings("10.2.0.5")
    assert eventually(lambda: site.client.pings("fd02::5"))
    assert peer_of(site.server, site.client, "10.2.0.5") == "10.1.0.5"
    assert site.client.pings("10.1.0.1")


def test_a_guest_goes_out_by_the_address_of_its_router(site: Site, itself: Machine) -> None:
    assert peer_of(itself, site.client, "172.24.4.1") == "172.24.4.10"


def test_a_guest_with_a_floating_ip_goes_out_by_it(site: Site, itself: Machine) -> None:
    assert peer_of(itself, site.server, "172.24.4.1") == FLOATING


def test_guests_reach_the_world_beyond_the_host_which_sees_the_host(site: Site, elsewhere: Machine) -> None:
    assert peer_of(elsewhere, site.client, elsewhere.ip) == "192.0.2.1"
    assert site.server.pings(elsewhere.ip)


def test_the_host_reaches_a_guest_by_its_floating_ip_and_is_seen_as_itself(
    site: Site, itself: Machine
) -> None:
    assert itself.pings(FLOATING)
    assert peer_of(site.server, itself, FLOATING) == "172.24.4.1"


def test_without_floating_ip_a_guest_is_not_reached_from_outside(site: Site, itself: Machine) -> None:
    with site.client.serve(80):
        assert not itself.reaches("10.1.0.5", 80)
        assert not itself.reaches("172.24.4.10", 80)


def test_a_guest_behind_another_router_reaches_the_floating_ip(site: Site) -> None:
    network = site.cloud.network()
    leg, gateway = site.cloud.leg(network, "10.1.0.1/24"), site.cloud.leg(site.outside, "172.24.4.20/24")
    site.cloud.router(leg, outside=gateway)
    stranger = site.guest(network, "10.1.0.5", gateway="10.1.0.1")
    assert peer_of(site.server, stranger, FLOATING) == "172.24.4.20"
    assert not stranger.pings("10.2.0.5")


def test_a_guest_reaches_a_neighbours_floating_ip_and_its_own(site: Site) -> None:
    neighbour = site.guest(site.two, "10.2.0.6", gateway="10.2.0.1")
    assert peer_of(site.server, neighbour, FLOATING) == "172.24.4.10"
    assert peer_of(site.server, site.server, FLOATING) == FLOATING
    assert peer_of(site.server, site.client, FLOATING) == "172.24.4.10"


def test_single_ports_of_a_floating_ip_are_sent_on(site: Site, itself: Machine) -> None:
    forwards = (PortForward("tcp", 8080, "10.1.0.5", 80),)
    site.change(floating_ips=(*site.router.floating_ips, FloatingState("f", OTHER_FLOATING, "", forwards)))
    with site.client.serve(80):
        assert itself.reaches(OTHER_FLOATING, 8080)
        assert site.server.reaches(OTHER_FLOATING, 8080)
        assert not itself.reaches(OTHER_FLOATING, 80)
    assert itself.reaches(OTHER_FLOATING, 8080) is False


def test_security_groups_hold_behind_floating_ips(site: Site, itself: Machine) -> None:
    site.cloud.set_rules(site.group, allow("tcp", 80, 80, remote_ip_prefix="172.24.4.0/24"))
    with site.server.serve(80), site.server.serve(81):
        assert itself.reaches(FLOATING, 80)
        assert not itself.reaches(FLOATING, 81)
        assert not site.client.reaches("10.2.0.5", 80)


def test_no_source_translation_where_it_is_turned_off(site: Site, itself: Machine) -> None:
    site.change(enable_snat=False)
    with itself.open(2, "0.0.0.0", 5000) as receiver, site.client.open(2) as sender:
        sender.sendto(b"hello", ("172.24.4.1", 5000))
        assert receiver.recvfrom(64)[1][0] == "10.1.0.5"
    assert peer_of(itself, site.server, "172.24.4.1") == FLOATING


def test_taking_a_floating_ip_away_cuts_its_connections_and_no_others(site: Site, itself: Machine) -> None:
    with (
        site.server.serve(80),
        itself.connect(FLOATING, 80) as doomed,
        site.client.connect("10.2.0.5", 80) as kept,
        itself.serve(80),
        site.client.connect("172.24.4.1", 80) as out,
    ):
        assert talks(doomed) and talks(kept) and talks(out)
        site.change(floating_ips=())
        assert not talks(doomed)
        assert talks(kept) and talks(out)
        assert not itself.pings(FLOATING)


def test_a_floating_ip_that_moves_leads_to_its_new_guest_only(site: Site, itself: Machine) -> None:
    with site.server.serve(80), itself.connect(FLOATING, 80) as before:
        assert talks(before)
        site.change(floating_ips=(FloatingState("f", FLOATING, "10.1.0.5"),))
        assert not talks(before)
    assert peer_of(site.client, itself, FLOATING) == "172.24.4.1"


def test_a_floating_ip_that_moves_to_another_router_is_found_there_at_once(
    site: Site, itself: Machine
) -> None:
    network = site.cloud.network()
    leg, gateway = site.cloud.leg(network, "10.1.0.1/24"), site.cloud.leg(site.outside, "172.24.4.20/24")
    other = site.cloud.router(leg, outside=gateway)
    guest = site.guest(network, "10.1.0.5", gateway="10.1.0.1")
    assert itself.pings(FLOATING)
    site.change(floating_ips=())
    site.cloud.set_router(replace(other, floating_ips=(FloatingState("f", FLOATING, "10.1.0.5"),)))
    assert itself.pings(FLOATING)
    assert peer_of(guest, itself, FLOATING) == "172.24.4.1"


def test_a_connection_by_floating_ip_survives_a_restart(site: Site, itself: Machine) -> None:
    with (
        site.server.serve(80),
        itself.connect(FLOATING, 80) as inwards,
        site.client.connect("10.2.0.5", 80) as across,
    ):
        assert talks(inwards) and talks(across)
        site.cloud.restart()
        assert talks(inwards) and talks(across)
        assert not site.cloud.backend.reconcile(site.cloud.desired).repaired
        assert talks(inwards) and talks(across)
        site.change(floating_ips=(*site.router.floating_ips, FloatingState("f", OTHER_FLOATING, "10.1.0.5")))
        assert talks(inwards) and talks(across)


def test_spoofing_is_no_easier_through_a_router(site: Site) -> None:
    assert site.client.udp(site.server, 5000, source="10.1.0.5")
    add_address(site.client, "10.1.0.77/32")
    assert not site.client.udp(site.server, 5000, source="10.1.0.77")
    add_address(site.client, "10.2.0.77/32")
    assert not site.client.udp(site.server, 5000, source="10.2.0.77")


def test_extra_routes_lead_by_the_leg_of_their_next_hop(site: Site) -> None:
    add_address(site.server, "192.168.7.7/32")
    port = replace(site.server.port, port_security_enabled=False, security_groups=())
    site.cloud.set_port(port)
    assert not site.client.pings("192.168.7.7")
    site.change(routes=(("192.168.7.0/24", "10.2.0.5"), ("192.168.8.0/24", "10.9.9.9")))
    assert site.client.pings("192.168.7.7")
    site.change(routes=())
    assert not site.client.pings("192.168.7.7")


def test_routes_that_contradict_each_other_or_the_routers_own_networks_do_no_harm(site: Site) -> None:
    site.change(
        routes=(("192.168.7.0/24", "10.2.0.5"), ("192.168.7.0/24", "10.1.0.5"), ("10.1.0.0/24", "10.2.0.5"))
    )
    assert site.client.pings("10.2.0.5")
    assert not site.cloud.backend.reconcile(site.cloud.desired).repaired


def test_a_gateway_that_changes_its_address_takes_connections_out_with_the_new_one(
    site: Site, itself: Machine
) -> None:
    with site.server.serve(80), itself.connect(FLOATING, 80) as kept:
        site.change(gateway=replace(site.gateway, addresses=("172.24.4.11/24", "172.24.4.12/24")))
        assert peer_of(itself, site.client, "172.24.4.1") == "172.24.4.11"
        site.change(gateway=replace(site.gateway, addresses=("172.24.4.12/24",)))
        assert peer_of(itself, site.client, "172.24.4.1") == "172.24.4.12"
        assert talks(kept)


def test_a_router_loses_its_gateway_and_gets_it_back(site: Site, itself: Machine) -> None:
    site.change(gateway=None, gateway_ips=(), floating_ips=())
    assert not site.client.pings("172.24.4.1")
    assert site.client.pings("10.2.0.5")
    site.change(gateway=site.gateway, gateway_ips=("172.24.4.1",))
    assert peer_of(itself, site.client, "172.24.4.1") == "172.24.4.10"


def test_a_router_that_is_down_passes_nothing_until_it_is_up_again(site: Site, itself: Machine) -> None:
    site.change(admin_state_up=False)
    assert not site.client.pings("10.2.0.5")
    assert not hostnet.has_namespace(site.router.namespace)
    assert not site.cloud.backend.reconcile(site.cloud.desired)
    site.change(admin_state_up=True)
    assert site.client.pings("10.2.0.5") and itself.pings(FLOATING)


def test_an_interface_that_is_removed_is_gone(site: Site) -> None:
    site.change(interfaces=site.legs[:1], floating_ips=())
    assert not site.client.pings("10.2.0.5")
    assert site.client.pings("172.24.4.1")
    assert "tap" + site.legs[1].port_id[:11] not in hostnet.list_taps()


def test_a_router_that_is_removed_leaves_nothing(site: Site) -> None:
    taps = set(hostnet.list_taps())
    site.cloud.backend.remove_router(site.router.id)
    del site.cloud.routers[site.router.id]
    assert taps - set(hostnet.list_taps()) == {"tap" + leg.port_id[:11] for leg in (*site.legs, site.gateway)}
    assert not hostnet.has_namespace(site.router.namespace)
    assert not site.cloud.backend.reconcile(site.cloud.desired)
    site.cloud.backend.remove_router(site.router.id)


def test_legs_are_reported_like_ports(site: Site) -> None:
    here = site.cloud.backend.port_present
    assert eventually(lambda: all(here(leg.port_id) for leg in (*site.legs, site.gateway)))
    site.change(interfaces=site.legs[:1])
    assert eventually(lambda: not here(site.legs[1].port_id))


def test_applying_what_is_there_changes_nothing(site: Site) -> None:
    for _ in range(2):
        assert not site.cloud.backend.reconcile(site.cloud.desired).repaired
        site.cloud.set_router(site.router)


@pytest.mark.parametrize("damage", ["namespace", "leg", "gateway", "translation", "address", "bridge"])
def test_a_router_that_was_damaged_by_hand_is_put_right(site: Site, itself: Machine, damage: str) -> None:
    inside, outside = (leg[:11] for leg in (site.legs[1].port_id, site.gateway.port_id))
    there = hostnet.create_namespace(site.router.namespace)
    damages = {
        "namespace": lambda: hostnet.delete_namespace(site.router.namespace),
        "leg": lambda: hostnet.unplug(f"tap{inside}"),
        "gateway": lambda: hostnet.unplug(f"tap{outside}"),
        "translation": lambda: ip_netns(there, "nft", "delete", "table", "inet", "knarr"),
        "address": lambda: ip_netns(there, "ip", "address", "flush", "dev", f"qr-{inside}"),
        "bridge": lambda: hostnet.delete_bridge(site.outside.bridge),
    }
    with site.server.serve(80):
        assert itself.reaches(FLOATING, 80)
        damages[damage]()
        assert eventually(lambda: not itself.reaches(FLOATING, 80))
        assert site.cloud.backend.reconcile(site.cloud.desired)
        assert not site.cloud.backend.reconcile(site.cloud.desired)
        assert eventually(lambda: itself.reaches(FLOATING, 80))
        assert eventually(lambda: site.client.reaches("10.2.0.5", 80))
    assert peer_of(itself, site.client, "172.24.4.1") == "172.24.4.10"


def ip_netns(netns: str, *command: str) -> None:
    """Runs a command in a namespace, as an administrator would by hand."""
    hostnet.run_in_namespace(netns, lambda: subprocess.run(command, check=True))


def test_both_families_pass_a_router_side_by_side(site: Site) -> None:
    with (
        site.server.serve(80),
        site.client.connect("10.2.0.5", 80) as four,
        site.server.serve(81, socket.AF_INET6),
        connected(site, "fd02::5", 81) as six,
    ):
        assert talks(four) and talks(six)
        site.change(routes=(("192.168.7.0/24", "10.2.0.5"), ("fd07::/64", "fd02::5")))
        assert talks(four) and talks(six)
        add_address(site.server, "fd07::7/128")
        pairs = (AddressPair("fd07::7"),)
        site.cloud.set_port(replace(site.server.port, allowed_address_pairs=pairs))
        assert eventually(lambda: site.client.pings("fd07::7"))


def connected(site: Site, address: str, port: int) -> socket.socket:
    """A connection of the client; over IPv6 the first packets may be lost while routers are found."""
    assert eventually(lambda: site.client.reaches(address, port))
    return site.client.connect(address, port)
