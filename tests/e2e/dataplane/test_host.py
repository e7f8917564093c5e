"""The backend and the host: restarts, repairs, other software's firewall, ports that come and go."""

from __future__ import annotations

import subprocess
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from knarr.core.network.drivers.base import DesiredState
from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet
from knarr.kernel.hostnet import nft as nft_module

from .cloud import Cloud, Guest, allow, eventually, talks


def pair(cloud: Cloud) -> tuple[Guest, Guest]:
    network, group = cloud.network(), cloud.group(allow("tcp", 80, 80))
    cloud.set_rules(group, allow("tcp", 80, 80, remote_group_id=group.id))
    one = cloud.guest(network, "10.1.0.5", groups=(group,))
    return one, cloud.guest(network, "10.1.0.6", groups=(group,))


def nft(*arguments: str) -> None:
    subprocess.run(["nft", *arguments], check=True)


def test_a_second_reconcile_finds_nothing_to_do(cloud: Cloud) -> None:
    pair(cloud)
    assert not cloud.backend.reconcile(cloud.desired)
    assert not cloud.backend.reconcile(lambda: cloud.desired)


def test_a_restart_does_not_disturb_a_connection(cloud: Cloud) -> None:
    client, server = pair(cloud)
    with server.serve(80), client.connect(server.ip, 80) as connection:
        assert talks(connection)
        cloud.backend.stop()
        assert talks(connection)
        cloud.backend = LinuxBackend()
        cloud.backend.start()
        assert talks(connection)
        assert not cloud.backend.reconcile(cloud.desired)
        assert talks(connection)


def test_changes_before_the_first_reconcile_fit_what_a_former_run_left(cloud: Cloud) -> None:
    client, server = pair(cloud)
    cloud.backend.stop()
    cloud.backend = LinuxBackend()
    cloud.backend.start()
    for port in list(cloud.ports.values()):
        cloud.set_port(port)
    with server.serve(80):
        for group in list(cloud.groups.values()):
            cloud.set_group(group)
        assert client.reaches(server.ip, 80)
        assert not cloud.backend.reconcile(cloud.desired)


def test_rules_removed_while_knarr_was_away_cut_their_connections(cloud: Cloud) -> None:
    client, server = pair(cloud)
    with server.serve(80), client.connect(server.ip, 80) as connection:
        cloud.backend.stop()
        cloud.backend = LinuxBackend()
        cloud.backend.start()
        for key, group in cloud.groups.items():
            cloud.groups[key] = replace(group, rules=group.rules[:2])
        assert cloud.backend.reconcile(cloud.desired)
        assert not talks(connection)


@pytest.mark.parametrize(
    "damage",
    [
        ("flush", "ruleset"),
        ("delete", "table", "bridge", "knarr"),
        ("delete", "table", "inet", "knarr"),
        ("flush", "chain", "bridge", "knarr", "sources"),
        ("flush", "map", "bridge", "knarr", "egress"),
        ("insert", "rule", "bridge", "knarr", "sources", "accept"),
    ],
    ids=" ".join,
)
def test_a_damaged_filter_is_repaired_and_connections_live(cloud: Cloud, damage: tuple[str, ...]) -> None:
    client, server = pair(cloud)
    with server.serve(80), client.connect(server.ip, 80) as connection:
        assert talks(connection)
        nft(*damage)
        assert cloud.backend.reconcile(cloud.desired)
        assert not cloud.backend.reconcile(cloud.desired)
        assert talks(connection)
        assert client.reaches(server.ip, 80)
        assert not client.reaches(server.ip, 81)


def test_a_bridge_that_was_deleted_is_made_again_and_connections_live(cloud: Cloud) -> None:
    client, server = pair(cloud)
    with server.serve(80), client.connect(server.ip, 80) as connection:
        assert talks(connection)
        assert hostnet.delete_bridge(client.port.bridge)
        assert not talks(connection, timeout=0.1)
        assert cloud.backend.reconcile(cloud.desired)
        assert not cloud.backend.reconcile(cloud.desired)
        assert eventually(lambda: talks(connection))
        assert eventually(lambda: cloud.backend.port_present(client.port.id))
        assert not client.reaches(server.ip, 81)


def test_a_change_repairs_what_was_deleted_behind_our_back(cloud: Cloud) -> None:
    client, server = pair(cloud)
    nft("flush", "ruleset")
    third = cloud.guest(next(iter(cloud.networks.values())), "10.1.0.7")
    assert not third.pings(server.ip)
    with server.serve(80):
        assert client.reaches(server.ip, 80)
        assert not client.reaches(server.ip, 81)


def test_reconcile_removes_what_is_not_wanted_and_keeps_bridges_in_use(cloud: Cloud) -> None:
    client, server = pair(cloud)
    empty = cloud.network()
    assert cloud.backend.reconcile(DesiredState())
    assert empty.bridge not in hostnet.list_bridges()
    assert client.port.bridge in hostnet.list_bridges()
    assert not client.pings(server.ip)
    assert not cloud.backend.reconcile(DesiredState())


def test_bridged_packets_pass_a_forward_chain_that_drops(cloud: Cloud) -> None:
    client, server = pair(cloud)
    for program in ("iptables", "ip6tables"):
        subprocess.run([program, "-P", "FORWARD", "DROP"], check=True)
    with server.serve(80):
        assert not client.reaches(server.ip, 80)
        assert cloud.backend.reconcile(cloud.desired)
        assert client.reaches(server.ip, 80)
        assert not cloud.backend.reconcile(cloud.desired)
    rules = subprocess.run(["iptables", "-S", "FORWARD"], check=True, capture_output=True, text=True).stdout
    assert rules.count("brq+") == 2  # in and out of one rule


def test_without_bridge_filtering_nothing_passes_and_reconcile_puts_it_back(cloud: Cloud) -> None:
    client, server = pair(cloud)
    setting = Path("/proc/sys/net/bridge/bridge-nf-call-iptables")
    setting.write_text("0\n")
    with server.serve(80):
        assert not client.reaches(server.ip, 80)
        assert "bridge-nf-call-iptables" in cloud.backend.reconcile(cloud.desired).repaired
        assert client.reaches(server.ip, 80)


def test_a_port_is_reported_when_its_tap_comes_and_goes(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group()
    seen: list[tuple[str, bool]] = []
    end = cloud.backend.watch(lambda port_id, there: seen.append((port_id, there)))
    port = cloud.port(network, "10.1.0.5", groups=(group,))
    cloud.set_port(port)
    assert not cloud.backend.port_present(port.id)
    cloud.plug(port)
    assert eventually(lambda: seen == [(port.id, True)])
    assert cloud.backend.port_present(port.id)
    hostnet.unplug(port.tap)
    assert eventually(lambda: seen == [(port.id, True), (port.id, False)])
    end()
    cloud.plug(port)
    assert eventually(lambda: cloud.backend.port_present(port.id))
    assert len(seen) == 2


def test_a_tap_that_was_there_first_is_reported_once_its_filter_is(cloud: Cloud) -> None:
    network = cloud.network()
    port = cloud.port(network, "10.1.0.5")
    cloud.plug(port)
    seen: list[tuple[str, bool]] = []
    cloud.backend.watch(lambda port_id, there: seen.append((port_id, there)))
    cloud.set_port(port)
    assert eventually(lambda: seen == [(port.id, True)])
    cloud.backend.remove_port(port.id)
    assert eventually(lambda: seen == [(port.id, True), (port.id, False)])


def test_a_rule_that_makes_no_sense_allows_nothing_and_spoils_nothing(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group(allow("nosuch"), allow("icmp"))
    client = cloud.guest(network, "10.1.0.5", groups=(group,))
    server = cloud.guest(network, "10.1.0.6", groups=(group,))
    assert client.pings(server.ip)
    assert not client.udp(server, 5000)


def test_the_doctor_finds_nothing_missing_here(host: str) -> None:
    assert [finding.what for finding in LinuxBackend().check() if not finding.good] == []


def test_plugging_again_changes_nothing_and_repairs_what_is_wrong(cloud: Cloud) -> None:
    network = cloud.network()
    guest = cloud.guest(network, "10.1.0.5", "fd00::5")
    spec = hostnet.PlugSpec(
        guest.port.tap, network.bridge, guest.netns, "eth0", guest.port.mac_address, 1450,
        ("10.1.0.5/24", "fd00::5/64"), ("10.1.0.1", "fd00::1"),
        (hostnet.Route("192.168.7.0/24", "10.1.0.9"), hostnet.Route("169.254.169.254/32", None)),
    )  # fmt: skip
    assert hostnet.plug(spec)
    assert not hostnet.plug(spec)
    assert hostnet.list_taps()[guest.port.tap] == hostnet.Tap(guest.port.tap, network.bridge, True)
    hostnet.delete_bridge(network.bridge)
    assert hostnet.plug(spec)
    assert not hostnet.plug(spec)
    hostnet.delete_namespace(guest.netns.rsplit("/", 1)[1])
    with pytest.raises(FileNotFoundError):
        hostnet.plug(spec)


def test_the_nft_program_serves_where_the_library_is_missing(
    cloud: Cloud, monkeypatch: pytest.MonkeyPatch
) -> None:
    client, server = pair(cloud)
    cloud.backend.stop()
    monkeypatch.setattr(nft_module, "LIBRARY", "libnftables-missing.so")
    assert nft_module.available() == "nft"
    cloud.backend = LinuxBackend()
    cloud.backend.start()
    assert not cloud.backend.reconcile(cloud.desired)
    nft("flush", "ruleset")
    assert cloud.backend.reconcile(cloud.desired)
    with server.serve(80):
        assert client.reaches(server.ip, 80)
        assert not client.reaches(server.ip, 81)


def test_many_ports_are_plugged_side_by_side(cloud: Cloud) -> None:
    network, group = cloud.network(), cloud.group()
    cloud.set_rules(group, allow(remote_group_id=group.id))
    with ThreadPoolExecutor(8) as pool:
        guests = list(pool.map(lambda i: cloud.guest(network, f"10.1.0.{i}", groups=(group,)), range(10, 30)))
    assert eventually(lambda: all(cloud.backend.port_present(guest.port.id) for guest in guests))
    assert all(guests[0].pings(guest.ip) for guest in guests[1:])
    assert not cloud.backend.reconcile(cloud.desired)
