"""The contract between the network service and what carries its packets on one host.

The service tells a backend the desired state in the frozen dataclasses below; a backend makes the host
follow and reports which ports are there. Every call is idempotent, may come from any thread, and returns
when the change is in force on the host. Errors are `BackendError`; the service retries, or leaves the
difference to the next `reconcile`.

Rules of order that spare the service thinking:
- a port may be applied before its network's bridge, its tap or its groups exist. Until a group is known it
  allows nothing;
- a port's filter is in force when `apply_port` returns, whether the tap exists or not: apply first, then
  let the tap be plugged;
- a tap on one of our bridges that no applied port describes passes nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Literal

Direction = Literal["ingress", "egress"]
EtherType = Literal["IPv4", "IPv6"]
PresenceCallback = Callable[[str, bool], None]
"""Called with (port id, is it there); from a thread of the backend, never while one of its locks is held."""

NAME_LENGTH = 11
"""Characters of an id in a device name, as in Neutron: with three letters they fit the kernel's 15."""


class BackendError(Exception):
    """The host did not do what it was asked; the text says which step failed and what the host answered."""


def bridge_name(network_id: str) -> str:
    """Name of a network's bridge, by Neutron's rule for linux bridges."""
    return "brq" + network_id[:NAME_LENGTH]


def tap_name(port_id: str) -> str:
    """Name of the host end of a port, by Neutron's rule."""
    return "tap" + port_id[:NAME_LENGTH]


@dataclass(frozen=True, slots=True)
class SubnetState:
    """A subnet as far as a host needs to know it."""

    id: str
    cidr: str
    ip_version: int = 4
    gateway_ip: str | None = None
    enable_dhcp: bool = True


@dataclass(frozen=True, slots=True)
class NetworkState:
    """A network that has, or may get, ports on this host."""

    id: str
    mtu: int = 1500
    subnets: tuple[SubnetState, ...] = ()
    external: bool = False
    """`router:external`: the host itself is the gateway of its subnets (their `gateway_ip` stands on the
    bridge), so that floating IPs are reached from the host, and what leaves this host is masqueraded."""

    @property
    def bridge(self) -> str:
        return bridge_name(self.id)


@dataclass(frozen=True, slots=True)
class BandwidthLimit:
    """A limit of a QoS policy. Directions are those of the port's owner: `egress` is what it sends."""

    direction: Direction
    max_kbps: int
    max_burst_kbps: int = 0
    """0: eight tenths of `max_kbps`, as Neutron's agents take it."""


@dataclass(frozen=True, slots=True)
class DhcpState:
    """What a DHCP server tells a port; only ports whose owner configures itself by DHCP have one."""

    subnet_ids: tuple[str, ...] = ()
    hostname: str = ""
    dns_nameservers: tuple[str, ...] = ()
    domain: str = ""
    routes: tuple[tuple[str, str], ...] = ()
    """(destination, next hop), the subnets' host routes."""


@dataclass(frozen=True, slots=True)
class AddressPair:
    """One entry of `allowed_address_pairs`: an address or a CIDR, and a MAC (None: the port's own)."""

    ip_address: str
    mac_address: str | None = None


@dataclass(frozen=True, slots=True)
class Subport:
    """Where a subport of a trunk is: in a VLAN of the port that is the trunk's parent, on the same host."""

    parent_id: str
    vlan: int


@dataclass(frozen=True, slots=True)
class PortState:
    """A port. One with `local=False` has no tap on this host: it counts only as a member of its groups."""

    id: str
    network_id: str
    mac_address: str
    fixed_ips: tuple[str, ...] = ()
    allowed_address_pairs: tuple[AddressPair, ...] = ()
    security_groups: tuple[str, ...] = ()
    port_security_enabled: bool = True
    device_owner: str = ""
    local: bool = True
    bandwidth: tuple[BandwidthLimit, ...] = ()
    """At most one for each direction."""
    dhcp: DhcpState | None = None
    subport: Subport | None = None
    """If set, nobody plugs the port: the backend makes its tap, and joins it to the parent's while that is
    plugged."""

    @property
    def tap(self) -> str:
        return tap_name(self.id)

    @property
    def bridge(self) -> str:
        return bridge_name(self.network_id)


@dataclass(frozen=True, slots=True)
class RuleState:
    """A security group rule in Neutron's terms.

    `protocol`: None (any), a name ("tcp", "udp", "sctp", "icmp", "ipv6-icmp", …) or a number as a string.
    `port_range_min`/`max`: a port range, or for ICMP type and code. At most one of the two remotes is set;
    none means every address of the ethertype.
    """

    direction: Direction
    ethertype: EtherType = "IPv4"
    protocol: str | None = None
    port_range_min: int | None = None
    port_range_max: int | None = None
    remote_ip_prefix: str | None = None
    remote_group_id: str | None = None


@dataclass(frozen=True, slots=True)
class SecurityGroupState:
    """A security group with all of its rules. Members are known from the ports that name it."""

    id: str
    rules: tuple[RuleState, ...] = ()
    stateful: bool = True


@dataclass(frozen=True, slots=True)
class RouterPort:
    """One leg of a router: a port of the network service, which the backend plugs itself (it has no tap of
    anybody else's, and no port filter). `addresses` carry the prefix length of their subnets."""

    port_id: str
    network_id: str
    mac_address: str
    addresses: tuple[str, ...] = ()
    mtu: int = 1500


@dataclass(frozen=True, slots=True)
class PortForward:
    """One port forwarding of a floating IP."""

    protocol: Literal["tcp", "udp"]
    external_port: int
    internal_ip: str
    internal_port: int


@dataclass(frozen=True, slots=True)
class FloatingState:
    """A floating IP that is associated: traffic to it goes to `fixed_ip`, which sends from it."""

    id: str
    floating_ip: str
    fixed_ip: str
    forwards: tuple[PortForward, ...] = ()
    """Without `fixed_ip` (""), single ports of the floating IP that are sent on."""


@dataclass(frozen=True, slots=True)
class RouterState:
    """A router that this host carries, in a network namespace of its own."""

    id: str
    interfaces: tuple[RouterPort, ...] = ()
    gateway: RouterPort | None = None
    gateway_ips: tuple[str, ...] = ()
    """Next hops of the default routes (the external subnets' `gateway_ip`)."""
    enable_snat: bool = True
    routes: tuple[tuple[str, str], ...] = ()
    """Extra routes: (destination CIDR, next hop)."""
    floating_ips: tuple[FloatingState, ...] = ()
    admin_state_up: bool = True

    @property
    def namespace(self) -> str:
        """Name of its namespace, by Neutron's rule."""
        return "qrouter-" + self.id


@dataclass(frozen=True, slots=True)
class DesiredState:
    """Everything that should be on this host."""

    networks: tuple[NetworkState, ...] = ()
    ports: tuple[PortState, ...] = ()
    groups: tuple[SecurityGroupState, ...] = ()
    routers: tuple[RouterState, ...] = ()


@dataclass(slots=True)
class Changes:
    """What a reconcile found different and put right, as short lines for a log."""

    repaired: list[str] = field(default_factory=list)

    def __bool__(self) -> bool:
        return bool(self.repaired)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do; the service offers extensions and answers `binding:vif_details` by it."""

    vif_type: str = "bridge"
    port_filter: bool = True
    port_security: bool = True
    stateful_groups: bool = True
    stateless_groups: bool = True
    routers: bool = False
    floating_ips: bool = False
    qos: bool = False
    dhcp: bool = False
    trunks: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One line for a doctor: what was looked at, whether it is good, and how to get it if not."""

    what: str
    good: bool
    detail: str = ""
    remedy: str = ""


class NetworkBackend(ABC):
    """What every backend does. Constructed without arguments and without effects; `start` comes first."""

    def start(self) -> None:  # noqa: B027 - optional
        """Prepares the host (base filters, kernel settings) without touching what passes. Called once
        before any other call.
        """

    def stop(self) -> None:  # noqa: B027 - optional
        """Ends the backend's threads. What is on the host stays and keeps working."""

    @abstractmethod
    def apply_network(self, network: NetworkState) -> None:
        """Makes or updates the network's bridge."""

    @abstractmethod
    def remove_network(self, network_id: str) -> None:
        """Removes the bridge. Absent is fine; so is one that another party has removed."""

    @abstractmethod
    def apply_ports(self, ports: Iterable[PortState]) -> None:
        """Puts the filters of these ports in force, in one transaction: all or none."""

    def apply_port(self, port: PortState) -> None:
        """As `apply_ports`, for one."""
        self.apply_ports((port,))

    @abstractmethod
    def remove_port(self, port_id: str) -> None:
        """Takes the port's filter away (its tap then passes nothing), cuts its connections, forgets its
        addresses in remote groups. The tap itself belongs to whoever plugged it; a subport's goes."""

    @abstractmethod
    def apply_groups(self, groups: Iterable[SecurityGroupState]) -> None:
        """Puts these groups' rules in force, in one transaction. Connections that no rule allows any more
        are cut; those that are still allowed go on."""

    @abstractmethod
    def remove_group(self, group_id: str) -> None:
        """Forgets a group; rules and ports that still name it get nothing from it."""

    def apply_router(self, router: RouterState) -> None:
        """Makes the router's namespace be as described: legs, addresses, routes, translation of addresses.
        Connections that the change does not concern go on. The networks of its legs have been applied."""
        raise BackendError("this backend has no routers")

    def remove_router(self, router_id: str) -> None:
        """Removes the namespace with all of its legs. Absent is fine."""
        raise BackendError("this backend has no routers")

    @abstractmethod
    def reconcile(self, desired: DesiredState | Callable[[], DesiredState]) -> Changes:
        """Makes the host be as desired, whatever it was.

        A function is called while other changes wait, so that none comes between reading the desired state
        and acting on it: give one wherever the service may apply changes meanwhile. Compares the whole
        desired state with what really is on the host and changes only the differences, so that running
        connections which are allowed are not disturbed. Removes filters of ports that are not desired;
        bridges of networks that are not desired only when nothing is plugged
        into them."""

    @abstractmethod
    def port_present(self, port_id: str) -> bool:
        """Whether the port's tap is plugged into its network's bridge and up, and its filter in force: then
        it is ACTIVE.
        """

    @abstractmethod
    def watch(self, callback: PresenceCallback) -> Callable[[], None]:
        """Calls back on every change of `port_present` of an applied port, driven by the kernel's events.
        Ports that are present already are reported at once. Returns a function that ends the watch."""

    @abstractmethod
    def capabilities(self) -> Capabilities:
        """What this backend can do here."""

    @abstractmethod
    def check(self) -> list[Finding]:
        """What this host lacks for the backend. Has no effects and needs no `start`."""

    def vif_details(self, network: NetworkState) -> dict[str, Any]:
        """Value of `binding:vif_details` for a port of the network on this host."""
        capable = self.capabilities()
        return {"bridge_name": network.bridge, "port_filter": capable.port_filter, "mtu": network.mtu}
