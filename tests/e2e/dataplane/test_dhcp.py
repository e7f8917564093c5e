"""DHCP for ports whose owner configures itself by it."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import uuid
from dataclasses import replace
from pathlib import Path

import pytest

from knarr.core.network.drivers.base import DhcpState, NetworkState, PortState, SubnetState
from knarr.core.network.drivers.linux.desired import dhcp_tap
from knarr.kernel import hostnet

from .cloud import Cloud, Guest, allow

SCRIPT = """#!/bin/sh
[ "$1" = bound ] || exit 0
for name in ip mask router dns domain hostname mtu serverid staticroutes; do
    eval echo "$name=\\$$name"
done
"""


class Net:
    """A network whose ports ask for their addresses."""

    def __init__(self, cloud: Cloud, folder: Path) -> None:
        self.cloud = cloud
        self.subnet = SubnetState(str(uuid.uuid4()), "10.1.0.0/24", 4, "10.1.0.1")
        self.network: NetworkState = cloud.network(self.subnet)
        self.group = cloud.group(allow())
        self.script = folder / "lease"
        self.script.write_text(SCRIPT)
        self.script.chmod(self.script.stat().st_mode | stat.S_IXUSR)

    def port(self, address: str, **more: object) -> PortState:
        told = replace(DhcpState((self.subnet.id,), "vm-one", ("192.0.2.53",), "example.org"), **more)  # type: ignore[arg-type]
        port = self.cloud.port(self.network, address, groups=(self.group,), dhcp=told)
        self.cloud.set_port(port)
        return port

    def machine(self, port: PortState) -> Guest:
        """A guest that has a device with a MAC, and nothing else."""
        guest = self.cloud.plug(replace(port, fixed_ips=()))
        guest.port = port
        return guest

    def asks(self, guest: Guest) -> dict[str, str]:
        """What the guest is told; empty if nobody answers."""
        command = ["busybox", "udhcpc", "-i", "eth0", "-nqf", "-t2", "-T1", "-O", "121", "-O", "26"]
        done = subprocess.run(
            ["nsenter", f"--net={guest.netns}", *command, "-O", "mtu", "-s", str(self.script)],
            capture_output=True,
            text=True,
            check=False,
        )
        return dict(line.split("=", 1) for line in done.stdout.splitlines() if "=" in line)

    @property
    def namespace(self) -> str:
        return "qdhcp-" + self.network.id

    @property
    def server(self) -> int:
        """The process id of its server."""
        (notes,) = Path("/run/knarr").glob(f"net-*/dhcp/{self.network.id}/pid")
        return int(notes.read_text())


@pytest.fixture
def net(cloud: Cloud, tmp_path: Path) -> Net:
    return Net(cloud, tmp_path)


def test_a_machine_is_told_what_its_port_says(net: Net) -> None:
    lease = net.asks(net.machine(net.port("10.1.0.5", routes=(("192.168.9.0/24", "10.1.0.9"),))))
    assert lease["ip"] == "10.1.0.5"
    assert lease["mask"] == "24"
    assert lease["router"] == "10.1.0.1"
    assert lease["dns"] == "192.0.2.53"
    assert (lease["hostname"], lease["domain"], lease["mtu"]) == ("vm-one", "example.org", "1450")
    assert "192.168.9.0/24 10.1.0.9" in lease["staticroutes"]
    assert "0.0.0.0/0 10.1.0.1" in lease["staticroutes"]


def test_each_machine_gets_its_own_address_and_a_stranger_none(net: Net) -> None:
    one, two = net.machine(net.port("10.1.0.5")), net.machine(net.port("10.1.0.6", hostname="vm-two"))
    stranger = net.machine(net.cloud.port(net.network, "10.1.0.7", groups=(net.group,)))
    net.cloud.set_port(stranger.port)
    assert net.asks(one)["ip"] == "10.1.0.5"
    assert net.asks(two)["ip"] == "10.1.0.6"
    assert not net.asks(stranger)


def test_without_such_ports_there_is_no_server(net: Net) -> None:
    net.cloud.set_port(net.cloud.port(net.network, "10.1.0.5"))
    assert not hostnet.has_namespace(net.namespace)
    port = net.port("10.1.0.6")
    assert hostnet.has_namespace(net.namespace)
    net.cloud.backend.remove_port(port.id)
    assert not hostnet.has_namespace(net.namespace)
    assert dhcp_tap(net.network.id) not in hostnet.list_taps("dhc")


def test_a_change_is_told_by_the_same_server(net: Net) -> None:
    guest = net.machine(net.port("10.1.0.5"))
    server = net.server
    told = replace(guest.port, fixed_ips=("10.1.0.55",), dhcp=DhcpState((net.subnet.id,), "renamed"))
    net.cloud.set_port(told)
    lease = net.asks(guest)
    assert (lease["ip"], lease["hostname"], lease["dns"]) == ("10.1.0.55", "renamed", "")
    assert net.server == server


def test_a_restart_keeps_the_server_and_one_that_died_is_replaced(net: Net) -> None:
    guest = net.machine(net.port("10.1.0.5"))
    server = net.server
    net.cloud.restart()
    assert net.asks(guest)["ip"] == "10.1.0.5"
    assert not net.cloud.backend.reconcile(net.cloud.desired)
    assert net.server == server
    os.kill(server, signal.SIGKILL)
    assert net.cloud.backend.reconcile(net.cloud.desired)
    assert net.server != server
    assert net.asks(guest)["ip"] == "10.1.0.5"
    assert not net.cloud.backend.reconcile(net.cloud.desired)


def test_a_process_that_only_has_the_servers_number_is_left_alone(net: Net) -> None:
    net.port("10.1.0.5")
    server = net.server
    (notes,) = Path("/run/knarr").glob(f"net-*/dhcp/{net.network.id}/pid")
    with subprocess.Popen(["sleep", "60"]) as bystander:
        os.kill(server, signal.SIGKILL)
        notes.write_text(f"{bystander.pid}\n")
        net.cloud.backend.remove_network(net.network.id)
        assert bystander.poll() is None
        bystander.kill()


def test_a_server_that_nobody_wants_any_more_is_ended(net: Net) -> None:
    net.port("10.1.0.5")
    server = net.server
    net.cloud.restart()
    net.cloud.ports.clear()
    assert net.cloud.backend.reconcile(net.cloud.desired)
    assert not hostnet.has_namespace(net.namespace)
    assert not Path(f"/proc/{server}/cmdline").exists() or not Path(f"/proc/{server}/cmdline").read_bytes()


def test_names_that_are_none_do_not_get_into_the_servers_files(net: Net) -> None:
    guest = net.machine(net.port("10.1.0.5", hostname="a\ndhcp-script=/bin/sh", domain="x,y"))
    lease = net.asks(guest)
    assert (lease["ip"], lease["hostname"], lease["domain"]) == ("10.1.0.5", "", "")
