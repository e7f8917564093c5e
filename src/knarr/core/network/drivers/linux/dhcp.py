"""DHCP for ports whose owner configures itself by it: a dnsmasq in a namespace of its own for each network.

The server takes no address of the subnets. It stands at 169.254.169.254, which guests reach on the link by a
route that they get with their lease, so that they can renew it. Every lease is fixed by the port, so there
is no state to keep: what dnsmasq knows stands in files, which it reads again on SIGHUP.
"""

from __future__ import annotations

import hashlib
import ipaddress
import logging
import os
import re
import select
import signal
import subprocess
from collections.abc import Iterable
from pathlib import Path

from knarr.core.network.drivers.base import NAME_LENGTH, NetworkState, PortState, SubnetState
from knarr.core.network.drivers.linux.desired import dhcp_tap
from knarr.core.network.drivers.linux.ledger import Ledger
from knarr.core.network.drivers.linux.probe import dnsmasq
from knarr.kernel import hostnet

LOG = logging.getLogger(__name__)

SERVER = "169.254.169.254"
ON_LINK = str(ipaddress.IPv4Address(0))  # as a next hop in option 121
LEASE_SECONDS = 86400
DNS_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9.-]{0,252}")
STOP_SECONDS = 2.0
START_SECONDS = 10
CLASSLESS_ROUTES, INTERFACE_MTU = 121, 26


class DhcpError(OSError):
    """A DHCP server could not be started; the text is what it said."""


class Dhcp:
    """The DHCP servers of this host. Not thread-safe."""

    def __init__(self) -> None:
        self._ledger = Ledger("dhcp")

    def serve(self, network: NetworkState, ports: Iterable[PortState]) -> list[str]:
        """Has a server for these ports of the network. Its tap's filter is in force.

        Returns lines on what was changed. Raises OSError.
        """
        folder, device = self._ledger.enter(network.id), "ns-" + network.id[:NAME_LENGTH]
        name = _namespace(network.id)
        path = hostnet.create_namespace(name)
        subnets = [item for item in network.subnets if item.ip_version == 4 and item.enable_dhcp]
        plugged = hostnet.plug(_spec(network, subnets, path, device))
        restart = _write(folder / "conf", _configuration(folder, device, subnets))
        hosts, options = _leases(network, subnets, list(ports))
        reread = [_write(folder / "hosts", hosts), _write(folder / "options", options)]
        process = _running(folder)
        if process is not None and restart:
            _end(process)
            process = None
        if process is None:
            _start(folder, path)
            return [f"DHCP server of network {network.id}"]
        if any(reread):
            _signal(process, signal.SIGHUP)
        os.close(process)
        return [f"DHCP of network {network.id}"] if plugged or any(reread) else []

    def remove(self, network_id: str) -> bool:
        """Ends the network's server. Returns whether there was anything of it."""
        if network_id not in self.networks():
            return False
        process = _running(self._ledger.folder(network_id))
        if process is not None:
            _end(process)
        hostnet.unplug(dhcp_tap(network_id))
        hostnet.delete_namespace(_namespace(network_id))
        self._ledger.strike(network_id)
        return True

    def networks(self) -> set[str]:
        """Networks that have, or were to get, a server here."""
        return self._ledger.keys()


def _namespace(network_id: str) -> str:
    """Name of a server's namespace, by Neutron's rule."""
    return "qdhcp-" + network_id


def _spec(network: NetworkState, subnets: list[SubnetState], path: str, device: str) -> hostnet.PlugSpec:
    mac = "fa:16:3e:" + hashlib.sha256(b"dhcp" + network.id.encode()).digest()[:3].hex(":")
    return hostnet.PlugSpec(
        tap=dhcp_tap(network.id),
        bridge=network.bridge,
        netns=path,
        ifname=device,
        mac=mac,
        mtu=network.mtu,
        addresses=(f"{SERVER}/32",),
        routes=tuple(hostnet.Route(subnet.cidr, None) for subnet in subnets),
    )


def _configuration(folder: Path, device: str, subnets: list[SubnetState]) -> str:
    lines = [
        "port=0",
        "no-resolv",
        "no-hosts",
        "no-ping",
        "quiet-dhcp",
        "leasefile-ro",
        "dhcp-authoritative",
        "bind-interfaces",
        "except-interface=lo",
        f"interface={device}",
        f"pid-file={folder}/pid",
        f"dhcp-hostsfile={folder}/hosts",
        f"dhcp-optsfile={folder}/options",
    ]
    for subnet in subnets:
        network = ipaddress.ip_network(subnet.cidr)
        at, tag = network.network_address, f"subnet-{subnet.id}"
        lines.append(f"dhcp-range=set:{tag},{at},static,{network.netmask},{LEASE_SECONDS}")
        lines.append(f"shared-network={device},{at}")
    return "\n".join(lines) + "\n"


def _leases(network: NetworkState, subnets: list[SubnetState], ports: list[PortState]) -> tuple[str, str]:
    """The files of hosts and of options."""
    hosts, options = [], []
    for port in sorted(ports, key=lambda port: port.id):
        subnet, address = _lease(subnets, port)
        if port.dhcp is None or subnet is None:
            continue
        tag = f"port-{port.id}"
        hosts.append(",".join((port.mac_address, f"set:{tag}", address, *_names(port.dhcp.hostname))))
        options += [f"tag:{tag},{option}" for option in _options(network, subnet, port)]
    return "".join(f"{line}\n" for line in hosts), "".join(f"{line}\n" for line in options)


def _lease(subnets: list[SubnetState], port: PortState) -> tuple[SubnetState | None, str]:
    """The subnet and address that a port is told: of several the first, for a lease has one."""
    wanted = port.dhcp.subnet_ids if port.dhcp else ()
    for text in port.fixed_ips:
        for subnet in subnets:
            inside = ipaddress.ip_address(text) in ipaddress.ip_network(subnet.cidr)
            if inside and (not wanted or subnet.id in wanted):
                return subnet, text
    return None, ""


def _options(network: NetworkState, subnet: SubnetState, port: PortState) -> list[str]:
    assert port.dhcp is not None
    routes = [(SERVER + "/32", ON_LINK)]
    routes += [route for route in port.dhcp.routes if all(map(_is_ipv4, route))]
    if subnet.gateway_ip:  # who takes classless routes passes the router over (RFC 3442)
        routes.append(("0.0.0.0/0", subnet.gateway_ip))
    servers = list(filter(_is_ipv4, port.dhcp.dns_nameservers))
    options = [
        ("option:router", [subnet.gateway_ip] if subnet.gateway_ip else []),
        ("option:dns-server", servers),
        (str(INTERFACE_MTU), [str(network.mtu)]),
        (str(CLASSLESS_ROUTES), [part for route in routes for part in route]),
    ]
    options += [("option:domain-name", [name]) for name in _names(port.dhcp.domain)]
    return [",".join([name, *values]) for name, values in options]


def _names(text: str) -> list[str]:
    """The name if it is one; nothing else may get into dnsmasq's files."""
    return [text] if DNS_NAME.fullmatch(text) else []


def _is_ipv4(text: str) -> bool:
    try:
        return ipaddress.ip_network(text, strict=False).version == 4
    except ValueError:
        return False


def _write(path: Path, content: str) -> bool:
    """Replaces the file in one step if it differs. Returns whether it did."""
    try:
        if path.read_text() == content:
            return False
    except FileNotFoundError:
        pass
    fresh = path.with_suffix(".new")
    fresh.write_text(content)
    fresh.chmod(0o644)  # the server reads it again when it is no longer root
    fresh.replace(path)
    return True


def _command(folder: Path) -> list[str]:
    return [dnsmasq() or "dnsmasq", f"--conf-file={folder}/conf"]


def _start(folder: Path, namespace: str) -> None:
    """Starts the server, which puts itself into the background once it is ready."""
    if dnsmasq() is None:
        raise DhcpError("there is no DHCP server: install dnsmasq-base (apt-get install dnsmasq-base)")
    done = hostnet.run_in_namespace(
        namespace,
        lambda: subprocess.run(
            _command(folder), capture_output=True, text=True, check=False, timeout=START_SECONDS, cwd="/"
        ),
    )
    if done.returncode:
        raise DhcpError(f"dnsmasq: {done.stderr.strip() or done.returncode}")


def _running(folder: Path) -> int | None:
    """A pidfd of the folder's server if it runs: a number alone may be another process by now."""
    try:
        pid = int((folder / "pid").read_text())
        process = os.pidfd_open(pid)
    except (OSError, ValueError):
        return None
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().rstrip(b"\0").decode().split("\0")
    except OSError:
        command = []
    if command[1:] == _command(folder)[1:] and Path(command[0]).name == "dnsmasq":
        return process
    os.close(process)
    return None


def _signal(process: int, number: signal.Signals) -> None:
    try:
        signal.pidfd_send_signal(process, number)
    except ProcessLookupError:
        LOG.debug("a DHCP server had ended already")


def _end(process: int) -> None:
    """Ends the server and waits for it; closes the pidfd."""
    try:
        for number in (signal.SIGTERM, signal.SIGKILL):
            _signal(process, number)
            poll = select.poll()
            poll.register(process, select.POLLIN)
            if poll.poll(STOP_SECONDS * 1000):
                return
    finally:
        os.close(process)
