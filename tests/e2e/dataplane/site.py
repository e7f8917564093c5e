"""Small clouds with a router or a trunk, and the machines around them."""

from __future__ import annotations

import socket
from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_interface

from knarr.core.network.drivers.base import NetworkState, PortState, Subport
from knarr.kernel import hostnet
from knarr.kernel.hostnet import links, vlans
from knarr.kernel.hostnet.netlink import Netlink

from .cloud import Cloud, Guest, Machine, allow

EVERYTHING = (allow(), allow(ethertype="IPv6"))
VLAN, OTHER_VLAN = 100, 200
FLOATING, OTHER_FLOATING = "172.24.4.50", "172.24.4.60"


class Site:
    """Two networks behind one router with a gateway, a guest in each, the second with a floating IP."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud, self.outside = cloud, cloud.external()
        self.group = cloud.group(*EVERYTHING)
        self.one, self.two = cloud.network(), cloud.network()
        self.legs = (
            cloud.leg(self.one, "10.1.0.1/24", "fd01::1/64"),
            cloud.leg(self.two, "10.2.0.1/24", "fd02::1/64"),
        )
        self.gateway = cloud.leg(self.outside, "172.24.4.10/24")
        self.router = cloud.router(*self.legs, outside=self.gateway, floating={FLOATING: "10.2.0.5"})
        self.client = self.guest(self.one, "10.1.0.5", "fd01::5", gateway="10.1.0.1 fd01::1")
        self.server = self.guest(self.two, "10.2.0.5", "fd02::5", gateway="10.2.0.1 fd02::1")

    def guest(self, network: NetworkState, *addresses: str, gateway: str) -> Guest:
        return self.cloud.guest(network, *addresses, gateway=gateway, groups=(self.group,))

    def change(self, **fields: object) -> None:
        self.router = replace(self.router, **fields)  # type: ignore[arg-type]
        self.cloud.set_router(self.router)


def peer_of(server: Machine, client: Machine, address: str, port: int = 80) -> str:
    """Which address a server sees of a client that connects to it by this address."""
    with server.open(socket.SOCK_STREAM, "0.0.0.0", port) as listener:
        listener.listen()
        with client.connect(address, port):
            connection, peer = listener.accept()
            connection.close()
    return str(peer[0])


def add_address(guest: Machine, address: str) -> None:
    """Gives the machine's eth0 one more address."""
    hostnet.run_in_namespace(guest.netns, lambda: _add(address))


def _add(address: str) -> None:
    with Netlink() as netlink:
        device = links.get_link(netlink, "eth0")
        assert device
        links.add_address(netlink, device.index, ip_interface(address))


class Trunk:
    """A guest with a trunk, a subport in another network, and a neighbour in each of the two."""

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud
        self.group = cloud.group(allow(), allow(ethertype="IPv6"))
        self.native, self.tagged = cloud.network(), cloud.network()
        self.guest = cloud.guest(self.native, "10.1.0.5", groups=(self.group,))
        self.near = cloud.guest(self.native, "10.1.0.6", groups=(self.group,))
        self.far = cloud.guest(self.tagged, "10.2.0.6", groups=(self.group,))
        self.subport = self.add(self.tagged, "10.2.0.5", VLAN)
        self.inside = self.enter(self.subport, VLAN)

    def add(self, network: NetworkState, address: str, vlan: int, **more: object) -> PortState:
        """A new subport of the guest's port."""
        port = self.cloud.port(network, address, groups=(self.group,))
        port = replace(port, subport=Subport(self.guest.port.id, vlan), **more)  # type: ignore[arg-type]
        self.cloud.set_port(port)
        return port

    def enter(self, port: PortState, vlan: int) -> Guest:
        """Gives the guest an interface in the VLAN; it stands for a VLAN device there."""
        hostnet.run_in_namespace(self.guest.netns, lambda: enter_vlan(port.mac_address, port.fixed_ips, vlan))
        return Guest(port, self.guest.netns)


def enter_vlan(mac: str, addresses: Sequence[str], vlan: int) -> None:
    """Makes an interface in a VLAN of eth0, in the thread's namespace; it stands for a VLAN device."""
    with Netlink() as netlink:
        name, side = f"eth0.{vlan}", f"side.{vlan}"
        links.add_veth(netlink, name, master=0, mtu=1450, group=0, peer=side)
        device, other, trunk = (links.get_link(netlink, key) for key in (name, side, "eth0"))
        assert device and other and trunk
        vlans.join(netlink, trunk, other, vlan)
        links.set_link(netlink, other, up=True)
        links.set_link(netlink, device, mac=mac)
        for address in addresses:
            links.add_address(netlink, device.index, ip_interface(f"{address}/24"))
