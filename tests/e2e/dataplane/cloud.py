"""Networks, guests (namespaces with a port) and real traffic between them."""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import threading
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

from knarr.core.network.drivers.base import (
    AddressPair,
    DesiredState,
    FloatingState,
    NetworkState,
    PortState,
    RouterPort,
    RouterState,
    RuleState,
    SecurityGroupState,
    SubnetState,
)
from knarr.core.network.drivers.linux import LinuxBackend
from knarr.kernel import hostnet
from knarr.kernel.hostnet import links
from knarr.kernel.hostnet.netlink import Netlink, attribute, host, parse

PASSES_SECONDS = 3.0
BLOCKED_SECONDS = 0.4
IFLA_OPERSTATE, OPERATIONAL = 16, 6

EGRESS_ALL = (RuleState("egress", "IPv4"), RuleState("egress", "IPv6"))


def allow(
    protocol: str | None = None, low: int | None = None, high: int | None = None, **more: Any
) -> RuleState:
    """An ingress rule."""
    return RuleState("ingress", more.pop("ethertype", "IPv4"), protocol, low, high, **more)


class Machine:
    """A namespace that talks to others: a guest, the host itself, a machine elsewhere."""

    def __init__(self, netns: str, ip: str) -> None:
        self.netns, self.ip = netns, ip

    def open(
        self, kind: int, address: str = "", port: int = 0, family: int = socket.AF_INET, protocol: int = 0
    ) -> socket.socket:
        """A socket of the guest, bound if an address or port is given."""
        made = hostnet.run_in_namespace(self.netns, lambda: socket.socket(family, kind, protocol))
        made.settimeout(PASSES_SECONDS)
        if address or port:
            made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            made.bind((address, port))
        return made

    @contextlib.contextmanager
    def serve(self, port: int, family: int = socket.AF_INET) -> Iterator[None]:
        """A TCP server that sends back what it gets."""
        server = self.open(socket.SOCK_STREAM, "::" if family == socket.AF_INET6 else "", port, family)
        server.listen()
        server.settimeout(None)

        def echo(client: socket.socket) -> None:
            with contextlib.suppress(OSError), client:
                while data := client.recv(4096):
                    client.sendall(data)

        def accept() -> None:
            with contextlib.suppress(OSError):
                while True:
                    client, _ = server.accept()
                    threading.Thread(target=echo, args=(client,), daemon=True).start()

        threading.Thread(target=accept, daemon=True).start()
        try:
            yield
        finally:
            server.shutdown(socket.SHUT_RDWR)
            server.close()

    def connect(self, address: str, port: int, timeout: float = PASSES_SECONDS) -> socket.socket:
        """An open TCP connection. Raises OSError."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        client = self.open(socket.SOCK_STREAM, family=family)
        client.settimeout(timeout)
        try:
            client.connect((address, port))
        except OSError:
            client.close()
            raise
        return client

    def reaches(self, address: str, port: int) -> bool:
        """Whether a new TCP connection comes about and carries data."""
        try:
            with self.connect(address, port, timeout=1.0) as client:
                return talks(client)
        except OSError:
            return False

    def pings(self, address: str, sequence: int = 1) -> bool:
        """Whether an ICMP echo is answered."""
        kind, protocol, family = (8, 1, socket.AF_INET) if ":" not in address else (128, 58, socket.AF_INET6)
        body = struct.pack("!BBHHH", kind, 0, 0, os.getpid() & 0xFFFF, sequence) + b"knarr"
        if kind == 8:
            body = body[:2] + struct.pack("!H", checksum(body)) + body[4:]
        with self.open(socket.SOCK_RAW, family=family, protocol=protocol) as raw:
            raw.settimeout(BLOCKED_SECONDS)
            try:
                raw.sendto(body, (address, 0))
                while True:
                    data, sender = raw.recvfrom(2048)
                    answer = data[20:] if kind == 8 else data
                    if sender[0] == address and answer[0] == (0 if kind == 8 else 129):
                        return True
            except OSError:
                return False

    def udp(self, other: Machine, port: int, source: str | None = None, source_port: int = 0) -> bool:
        """Whether a datagram from here arrives there."""
        with other.open(socket.SOCK_DGRAM, "0.0.0.0", port) as receiver:
            receiver.settimeout(BLOCKED_SECONDS)
            with self.open(socket.SOCK_DGRAM, source or self.ip, source_port) as sender:
                sender.sendto(b"hello", (other.ip, port))
                try:
                    return receiver.recvfrom(64)[0] == b"hello"
                except OSError:
                    return False


class Guest(Machine):
    """A namespace with one port; stands for a container."""

    def __init__(self, port: PortState, netns: str) -> None:
        super().__init__(netns, port.fixed_ips[0] if port.fixed_ips else "")
        self.port = port


class Cloud:
    """Builds on a backend, and knows the whole desired state for reconciling."""

    def __init__(self, backend: LinuxBackend) -> None:
        self.backend = backend
        self.networks: dict[str, NetworkState] = {}
        self.ports: dict[str, PortState] = {}
        self.groups: dict[str, SecurityGroupState] = {}
        self.routers: dict[str, RouterState] = {}
        self.namespaces: list[str] = []

    @property
    def desired(self) -> DesiredState:
        return DesiredState(
            tuple(self.networks.values()),
            tuple(self.ports.values()),
            tuple(self.groups.values()),
            tuple(self.routers.values()),
        )

    def network(self, *subnets: SubnetState, external: bool = False) -> NetworkState:
        network = NetworkState(str(uuid.uuid4()), 1450, subnets, external)
        self.set_network(network)
        return network

    def set_network(self, network: NetworkState) -> None:
        self.networks[network.id] = network
        self.backend.apply_network(network)

    def external(self) -> NetworkState:
        """An external network; its gateway is the host."""
        subnet = SubnetState(str(uuid.uuid4()), "172.24.4.0/24", 4, "172.24.4.1")
        return self.network(subnet, external=True)

    def leg(self, network: NetworkState, *addresses: str) -> RouterPort:
        identity = uuid.uuid4()
        mac = "fa:16:3e:" + identity.bytes[:3].hex(":")
        return RouterPort(str(identity), network.id, mac, addresses, network.mtu)

    def router(
        self,
        *legs: RouterPort,
        outside: RouterPort | None = None,
        floating: dict[str, str] | None = None,
        **more: Any,
    ) -> RouterState:
        """A router. floating: fixed addresses by floating ones."""
        associated = tuple(FloatingState(str(uuid.uuid4()), *pair) for pair in (floating or {}).items())
        gateways = ("172.24.4.1",) if outside else ()
        router = RouterState(str(uuid.uuid4()), legs, outside, gateways, floating_ips=associated, **more)
        self.set_router(router)
        return router

    def set_router(self, router: RouterState) -> None:
        self.routers[router.id] = router
        self.backend.apply_router(router)

    def restart(self) -> None:
        """As if Knarr was stopped and started."""
        self.backend.stop()
        self.backend = LinuxBackend()
        self.backend.start()

    def group(self, *rules: RuleState, stateful: bool = True) -> SecurityGroupState:
        group = SecurityGroupState(str(uuid.uuid4()), EGRESS_ALL + rules, stateful)
        self.set_group(group)
        return group

    def set_group(self, group: SecurityGroupState) -> None:
        self.groups[group.id] = group
        self.backend.apply_groups([group])

    def set_rules(self, group: SecurityGroupState, *rules: RuleState) -> None:
        self.set_group(replace(group, rules=EGRESS_ALL + rules))

    def port(
        self,
        network: NetworkState,
        *addresses: str,
        groups: tuple[SecurityGroupState, ...] = (),
        pairs: tuple[AddressPair, ...] = (),
        security: bool = True,
        **more: Any,
    ) -> PortState:
        identity = uuid.uuid4()
        mac = "fa:16:3e:" + identity.bytes[:3].hex(":")
        ids = tuple(group.id for group in groups)
        return PortState(
            str(identity), network.id, mac, addresses, pairs, ids, security, "compute:nova", **more
        )

    def set_port(self, port: PortState) -> None:
        self.ports[port.id] = port
        self.backend.apply_port(port)

    def plug(self, port: PortState, gateway: str = "") -> Guest:
        """A guest with the port, without telling the backend. gateway: its default route's."""
        name = f"knarr-guest-{port.id[:8]}"
        path = hostnet.create_namespace(name)
        self.namespaces.append(name)
        addresses = tuple(f"{address}/{64 if ':' in address else 24}" for address in port.fixed_ips)
        spec = hostnet.PlugSpec(port.tap, port.bridge, path, "eth0", port.mac_address, 1450, addresses)
        hostnet.plug(replace(spec, gateways=tuple(filter(None, gateway.split()))))
        assert eventually(lambda: carries(host(), port.tap) and carries(host(), port.bridge))
        assert hostnet.run_in_namespace(path, inside_carries)
        return Guest(port, path)

    def guest(self, network: NetworkState, *addresses: str, gateway: str = "", **more: Any) -> Guest:
        port = self.port(network, *addresses, **more)
        self.set_port(port)
        return self.plug(port, gateway)

    def close(self) -> None:
        try:
            for router_id in self.routers:
                self.backend.remove_router(router_id)
            for network_id in self.networks:
                self.backend.remove_network(network_id)
            self.backend.stop()
        finally:
            for name in self.namespaces:
                hostnet.delete_namespace(name)


def carries(netlink: Netlink, device: str) -> bool:
    """Whether the kernel has done all that it does after a device's other end is up: what is sent before is
    lost, and asked for again only after a second.
    """
    payload = links.link_message() + attribute(links.IFLA_IFNAME, device)
    body = netlink.get(f"look at {device}", links.RTM_GETLINK, payload)
    return body is not None and parse(body[16:])[IFLA_OPERSTATE] == bytes([OPERATIONAL])


def inside_carries() -> bool:
    """As `carries`, for eth0 of the thread's namespace."""
    with Netlink() as netlink:
        return eventually(lambda: carries(netlink, "eth0"))


def talks(client: socket.socket, timeout: float = 1.0) -> bool:
    """Whether an open connection still carries data there and back."""
    client.settimeout(timeout)
    token = uuid.uuid4().bytes
    try:
        client.sendall(token)
        got = b""
        while not got.endswith(token):
            data = client.recv(4096)
            if not data:
                return False
            got += data
    except OSError:
        return False
    return True


def eventually(condition: Callable[[], bool], seconds: float = PASSES_SECONDS) -> bool:
    """Whether the condition becomes true in time."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.01)
    return condition()


def checksum(data: bytes) -> int:
    padded = data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(padded) // 2}H", padded))
    total = (total >> 16) + (total & 0xFFFF)
    return ~(total + (total >> 16)) & 0xFFFF
