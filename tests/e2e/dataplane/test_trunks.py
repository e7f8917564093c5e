"""Trunks: one tap, several networks, told apart by VLAN tags."""

from __future__ import annotations

import socket
import struct
from dataclasses import replace

import pytest

from knarr.core.network.drivers.base import BandwidthLimit, Subport
from knarr.kernel import hostnet
from knarr.kernel.hostnet import links, vlans
from knarr.kernel.hostnet.netlink import Netlink, host

from . import frames
from .cloud import Cloud, Guest, Machine, eventually, talks
from .frames import ETH_P_ALL
from .rates import LIMIT_KBPS, near, rate_kbps
from .site import OTHER_VLAN, VLAN, Trunk

SOL_PACKET, PACKET_AUXDATA = 263, 8


@pytest.fixture
def trunk(cloud: Cloud) -> Trunk:
    return Trunk(cloud)


def meets(guest: Machine, address: str) -> bool:
    """Whether a ping comes through; the first ones may be lost while the kernel sets up a new device."""
    return eventually(lambda: guest.pings(address))


def tag_of(guest: Guest, sender: Guest, address: str) -> int:
    """The VLAN in which a datagram to the address comes out at a guest's eth0; 0: without a tag."""
    with guest.open(socket.SOCK_RAW, family=socket.AF_PACKET, protocol=socket.htons(ETH_P_ALL)) as raw:
        raw.bind(("eth0", ETH_P_ALL))
        raw.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
        with sender.open(socket.SOCK_DGRAM) as out:
            out.sendto(b"which VLAN?", (address, 5000))
        while True:
            data, extra, _, _ = raw.recvmsg(2048, 256)
            if data.endswith(b"which VLAN?"):
                return int(struct.unpack_from("=IIIHHH", extra[0][2])[5]) & 0xFFF


def test_a_subport_is_in_its_own_network_and_the_parent_stays_in_its(trunk: Trunk) -> None:
    assert meets(trunk.inside, "10.2.0.6")
    assert meets(trunk.far, "10.2.0.5")
    assert meets(trunk.guest, "10.1.0.6")
    assert trunk.far.udp(trunk.inside, 5000)
    with trunk.far.serve(80):
        assert trunk.guest.reaches("10.2.0.6", 80)


def test_tags_are_on_the_trunk_only(trunk: Trunk) -> None:
    assert meets(trunk.far, "10.2.0.5")
    assert tag_of(trunk.guest, trunk.far, "10.2.0.5") == VLAN
    assert tag_of(trunk.guest, trunk.near, "10.1.0.5") == 0
    assert tag_of(trunk.far, trunk.guest, "10.2.0.6") == 0


def test_a_large_transfer_passes(trunk: Trunk) -> None:
    """Segments that the sender's kernel leaves to the device to cut are tagged like others."""
    with trunk.far.serve(80), trunk.guest.connect("10.2.0.6", 80) as client:
        client.setblocking(True)
        sent = bytes(1 << 20)
        for start in range(0, len(sent), 1 << 16):
            client.sendall(sent[start : start + (1 << 16)])
            got = 0
            while got < 1 << 16:
                got += len(client.recv(1 << 16))


def test_subports_of_one_trunk_do_not_mix(trunk: Trunk) -> None:
    third = trunk.cloud.network()
    other = trunk.add(third, "10.3.0.5", OTHER_VLAN)
    away = trunk.cloud.guest(third, "10.3.0.6", groups=(trunk.group,))
    inside = trunk.enter(other, OTHER_VLAN)
    assert meets(inside, "10.3.0.6") and meets(away, "10.3.0.5")
    assert meets(trunk.inside, "10.2.0.6")
    assert tag_of(trunk.guest, away, "10.3.0.5") == OTHER_VLAN


def sent(trunk: Trunk, vlan: int, mac: str, source: str, receiver: Guest) -> bool:
    """Whether a datagram from the guest with a tag arrives; the receiver's address is known by heart."""
    mark = frames.token()
    packet = frames.ipv4(source, receiver.ip, frames.udp(source, receiver.ip, (7, 7), mark))
    frame = frames.ethernet(mac, receiver.port.mac_address, frames.IPV4, packet, vlan)
    return frames.arrives(trunk.guest, receiver, frame, mark)


def test_a_subport_lies_no_better_than_a_port(trunk: Trunk) -> None:
    own = trunk.subport.mac_address
    assert sent(trunk, VLAN, own, "10.2.0.5", trunk.far)
    assert not sent(trunk, VLAN, own, "10.2.0.9", trunk.far)
    foreign = trunk.guest.port.mac_address
    assert not sent(trunk, VLAN, foreign, "10.2.0.5", trunk.far)


def test_a_vlan_that_is_nobodys_goes_nowhere(trunk: Trunk) -> None:
    for vlan in (0, VLAN + 1, 4095):
        for mac, source, receiver in (
            (trunk.guest.port.mac_address, "10.1.0.5", trunk.near),
            (trunk.subport.mac_address, "10.2.0.5", trunk.far),
        ):
            assert not sent(trunk, vlan, mac, source, receiver)


def test_security_groups_hold_for_subports(trunk: Trunk) -> None:
    with trunk.far.serve(80), trunk.far.connect("10.2.0.6", 80) as own:
        assert talks(own)
    closed = trunk.cloud.group()
    trunk.cloud.set_port(replace(trunk.subport, security_groups=(closed.id,)))
    assert not trunk.far.pings("10.2.0.5")
    assert meets(trunk.inside, "10.2.0.6")


def test_a_subport_is_there_while_its_parent_is(trunk: Trunk) -> None:
    present = trunk.cloud.backend.port_present
    assert eventually(lambda: present(trunk.subport.id))
    hostnet.unplug(trunk.guest.port.tap)
    assert eventually(lambda: not present(trunk.subport.id))
    assert trunk.subport.tap not in hostnet.list_taps()
    leave(trunk)
    trunk.cloud.plug(trunk.guest.port)
    assert eventually(lambda: present(trunk.subport.id))
    assert meets(trunk.enter(trunk.subport, VLAN), "10.2.0.6")


def test_a_subport_that_is_removed_leaves_nothing(trunk: Trunk) -> None:
    assert meets(trunk.inside, "10.2.0.6")
    trunk.cloud.backend.remove_port(trunk.subport.id)
    del trunk.cloud.ports[trunk.subport.id]
    assert trunk.subport.tap not in hostnet.list_taps()
    assert not hostnet.list_taps("trk")
    assert not vlans_of(trunk)
    assert not trunk.cloud.backend.reconcile(trunk.cloud.desired)
    assert meets(trunk.guest, "10.1.0.6")


def vlans_of(trunk: Trunk) -> dict[int, int]:
    parent = links.get_link(host(), trunk.guest.port.tap)
    assert parent
    return vlans.get_vlans(host(), parent)


def test_a_subport_that_gets_another_vlan_is_found_there_only(trunk: Trunk) -> None:
    trunk.cloud.set_port(replace(trunk.subport, subport=Subport(trunk.guest.port.id, OTHER_VLAN)))
    assert set(vlans_of(trunk)) == {OTHER_VLAN}
    assert not trunk.inside.pings("10.2.0.6")
    leave(trunk)
    assert meets(trunk.enter(trunk.subport, OTHER_VLAN), "10.2.0.6")


def leave(trunk: Trunk) -> None:
    """Takes the guest's interface in the VLAN away."""

    def body() -> None:
        with Netlink() as netlink:
            links.delete_link(netlink, f"eth0.{VLAN}")

    hostnet.run_in_namespace(trunk.guest.netns, body)


def test_a_restart_does_not_disturb_a_subports_connection(trunk: Trunk) -> None:
    with trunk.far.serve(80), trunk.guest.connect("10.2.0.6", 80) as connection:
        assert talks(connection)
        trunk.cloud.restart()
        assert not trunk.cloud.backend.reconcile(trunk.cloud.desired)
        assert talks(connection)


@pytest.mark.parametrize("damage", ["tap", "side", "filter", "bridge"])
def test_what_was_broken_by_hand_is_put_right(trunk: Trunk, damage: str) -> None:
    tap = trunk.subport.tap
    if damage == "filter":
        parent = links.get_link(host(), trunk.guest.port.tap)
        assert parent and vlans.part(host(), parent, VLAN)
    else:
        devices = {"tap": tap, "side": "trk" + tap[3:], "bridge": trunk.tagged.bridge}
        links.delete_link(host(), devices[damage])
    assert not trunk.inside.pings("10.2.0.6")
    assert trunk.cloud.backend.reconcile(trunk.cloud.desired)
    assert not trunk.cloud.backend.reconcile(trunk.cloud.desired)
    assert meets(trunk.inside, "10.2.0.6")


def test_subports_of_a_trunk_that_went_while_knarr_was_away_are_removed(trunk: Trunk) -> None:
    trunk.cloud.restart()
    trunk.cloud.ports[trunk.subport.id] = replace(trunk.subport, subport=None)
    assert trunk.cloud.backend.reconcile(trunk.cloud.desired)
    assert not hostnet.list_taps("trk") and not vlans_of(trunk)
    assert not trunk.inside.pings("10.2.0.6")


def test_limits_and_trunks_do_not_get_in_each_others_way(trunk: Trunk) -> None:
    limit = (BandwidthLimit("egress", 50_000), BandwidthLimit("ingress", 50_000))
    for port in (trunk.guest.port, trunk.subport):
        trunk.cloud.set_port(replace(port, bandwidth=limit))
    assert meets(trunk.inside, "10.2.0.6")
    assert meets(trunk.guest, "10.1.0.6")
    assert not trunk.cloud.backend.reconcile(trunk.cloud.desired)
    for port in (trunk.guest.port, trunk.subport):
        trunk.cloud.set_port(port)
    assert meets(trunk.inside, "10.2.0.6")
    assert meets(trunk.guest, "10.1.0.6")
    assert not trunk.cloud.backend.reconcile(trunk.cloud.desired)


def test_the_limits_of_a_subport_are_its_own(trunk: Trunk) -> None:
    assert meets(trunk.inside, trunk.far.ip)
    limits = (BandwidthLimit("egress", LIMIT_KBPS), BandwidthLimit("ingress", LIMIT_KBPS))
    trunk.cloud.set_port(replace(trunk.subport, bandwidth=limits))
    assert near(rate_kbps(trunk.inside, trunk.far))
    assert near(rate_kbps(trunk.far, trunk.inside))
    assert rate_kbps(trunk.guest, trunk.near) > 5 * LIMIT_KBPS
