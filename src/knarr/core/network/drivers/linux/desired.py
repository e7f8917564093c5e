"""The desired state of this host, and the fragment that each part of it comes to."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable

from knarr.core.network.drivers.base import (
    NAME_LENGTH,
    DesiredState,
    NetworkState,
    PortState,
    RouterState,
    SecurityGroupState,
    bridge_name,
    tap_name,
)
from knarr.core.network.drivers.linux import filters, rules
from knarr.core.network.drivers.linux.fragments import Fragment, merge
from knarr.kernel.hostnet.conntrack import Address, Connection

LOG = logging.getLogger(__name__)


def dhcp_tap(network_id: str) -> str:
    """Name of the host end of a network's DHCP server."""
    return "dhc" + network_id[:NAME_LENGTH]


Owner = tuple[str, ...]
"""Whose fragment:

("base",), ("outside",), ("network", id), ("port", id), ("rules", group, network),
("members", group, network), ("router", id), ("dhcp", network).
"""


class Desired:
    """Networks, ports, groups and routers, with the indexes that tell which fragments a change touches.

    served: networks with a DHCP server here. zones: bridges by conntrack zone. Not thread-safe.
    """

    def __init__(self) -> None:
        self.networks: dict[str, NetworkState] = {}
        self.ports: dict[str, PortState] = {}
        self.groups: dict[str, SecurityGroupState] = {}
        self.routers: dict[str, RouterState] = {}
        self.served: set[str] = set()
        self.zones: dict[int, str] = {}
        self._members: dict[tuple[str, str], set[str]] = {}
        self._claims: dict[str, tuple[tuple[str, str], ...]] = {}

    def replace(self, desired: DesiredState) -> None:
        """Forgets everything but the zones and takes this state."""
        self.networks = {network.id: network for network in desired.networks}
        self.groups = {group.id: group for group in desired.groups}
        self.routers = {router.id: router for router in desired.routers}
        self.ports, self._members, self._claims = {}, {}, {}
        for port in desired.ports:
            try:
                self.set_port(port)
            except ValueError as error:
                LOG.warning("Port %s gets no filter and stays closed: %s", port.id, error)

    def owners(self) -> set[Owner]:
        """Every owner of a fragment."""
        found: set[Owner] = {("base",), ("outside",)}
        found |= {("network", key) for key in self.networks}
        found |= {("router", key) for key in self.routers}
        found |= {("dhcp", key) for key in self.served}
        for port in self.ports.values():
            found |= self._around(port)
        return found

    def set_network(self, network: NetworkState) -> set[Owner]:
        """Adds or updates a network. Returns whose fragments that touches."""
        before = self.networks.get(network.id)
        self.networks[network.id] = network
        return self._around_network(network.id, before)

    def drop_network(self, network_id: str) -> set[Owner]:
        """Forgets a network. Returns whose fragments that touches."""
        return self._around_network(network_id, self.networks.pop(network_id, None))

    def _around_network(self, network_id: str, before: NetworkState | None) -> set[Owner]:
        touched: set[Owner] = {("network", network_id)}
        if (before is not None and before.external) != self.is_external(network_id):
            here = (port for port in self.ports.values() if port.network_id == network_id and port.local)
            touched |= {("outside",)} | {("port", port.id) for port in here}
        return touched

    def is_external(self, network_id: str) -> bool:
        """Whether the network is known to be external."""
        network = self.networks.get(network_id)
        return network is not None and network.external

    def dhcp_ports(self, network_id: str) -> list[PortState]:
        """Ports of this host in the network that configure themselves by DHCP."""
        return [
            port
            for port in self.ports.values()
            if port.local and port.dhcp is not None and port.network_id == network_id
        ]

    def set_port(self, port: PortState) -> set[Owner]:
        """Adds or updates a port. Returns whose fragments that touches. ValueError: a bad address."""
        claims = tuple(filters.claimed(port))
        touched = self.drop_port(port.id)
        self.ports[port.id] = port
        self._claims[port.id] = claims
        for group_id in port.security_groups:
            self._members.setdefault((group_id, port.network_id), set()).add(port.id)
        return touched | self._around(port)

    def drop_port(self, port_id: str) -> set[Owner]:
        """Forgets a port. Returns whose fragments that touches."""
        port = self.ports.get(port_id)
        if port is None:
            return {("port", port_id)}
        touched = self._around(port)
        del self.ports[port_id], self._claims[port_id]
        for group_id in port.security_groups:
            self._members[group_id, port.network_id].discard(port_id)
        return touched

    def set_group(self, group: SecurityGroupState) -> set[Owner]:
        """Adds or updates a group. Returns whose fragments that touches."""
        before = self.groups.get(group.id)
        touched = self._around_group(group.id)
        self.groups[group.id] = group
        touched |= self._around_group(group.id)
        if before is None or before.stateful != group.stateful:
            touched |= self._ports_of_group(group.id)
        return touched

    def drop_group(self, group_id: str) -> set[Owner]:
        """Forgets a group. Returns whose fragments that touches."""
        touched = self._around_group(group_id) | self._ports_of_group(group_id)
        self.groups.pop(group_id, None)
        return touched

    def build(self, owner: Owner) -> Fragment:
        """The owner's fragment; empty if it has none (any more)."""
        kind, *rest = owner
        builders: dict[str, Callable[..., Fragment]] = {
            "base": filters.base,
            "outside": self._outside,
            "network": self._network,
            "router": self._router,
            "dhcp": self._dhcp,
            "port": self._port,
            "rules": self._rules,
            "members": self._member_sets,
        }
        return builders[kind](*rest)

    def drop_zones(self) -> set[int]:
        """Forgets the zones of networks that are gone. Returns them."""
        networks = self.networks.keys() | {port.network_id for port in self.ports.values()}
        bridges = {bridge_name(network) for network in networks if not self.is_external(network)}
        dropped = {zone for zone, bridge in self.zones.items() if bridge not in bridges}
        for zone in dropped:
            del self.zones[zone]
        return dropped

    def addresses(self, port_id: str) -> set[str]:
        """Addresses and prefixes that the port may send from."""
        return {address for _, address in self._claims.get(port_id, ())}

    def _network(self, network_id: str) -> Fragment:
        if network_id not in self.networks and not any(
            port.network_id == network_id for port in self.ports.values()
        ):
            return Fragment()
        bridge, zone = bridge_name(network_id), filters.HOST_ZONE
        if not self.is_external(network_id):
            zone = filters.zone_for(bridge, self.zones)
            self.zones[zone] = bridge
        return filters.network(self.networks.get(network_id), network_id, zone)

    def _outside(self) -> Fragment:
        return filters.outside() if any(map(self.is_external, self.networks)) else Fragment()

    def _router(self, router_id: str) -> Fragment:
        """The legs of a router; none while it is down, for its namespace is gone then."""
        router = self.routers.get(router_id)
        if router is None or not router.admin_state_up:
            return Fragment()
        legs = [filters.leg(tap_name(leg.port_id), False) for leg in router.interfaces]
        if router.gateway:
            legs.append(filters.leg(tap_name(router.gateway.port_id), True))
        return merge(legs)

    def _dhcp(self, network_id: str) -> Fragment:
        return filters.leg(dhcp_tap(network_id), False) if network_id in self.served else Fragment()

    def _port(self, port_id: str) -> Fragment:
        port = self.ports.get(port_id)
        if port is None or not port.local:
            return Fragment()
        known = [self.groups[key] for key in port.security_groups if key in self.groups]
        stateless = bool(known) and not any(group.stateful for group in known)
        return filters.port(port, stateless, self.is_external(port.network_id))

    def _rules(self, group_id: str, network_id: str) -> Fragment:
        if not self._in_use(group_id, network_id):
            return Fragment()
        group = self.groups.get(group_id, SecurityGroupState(group_id))
        return rules.group(group, network_id, lambda remote: self._prefixes(remote, network_id))

    def _member_sets(self, group_id: str, network_id: str) -> Fragment:
        if not self._users(group_id, network_id):
            return Fragment()
        return filters.members(group_id, network_id, self.member_addresses(group_id, network_id))

    def member_addresses(self, group_id: str, network_id: str) -> dict[str, None]:
        """Addresses and prefixes of the group's ports in the network."""
        ports = self._members.get((group_id, network_id), ())
        return {address: None for port_id in ports for _, address in self._claims[port_id]}

    def _prefixes(self, group_id: str, network_id: str) -> list[str]:
        return [address for address in self.member_addresses(group_id, network_id) if "/" in address]

    def _in_use(self, group_id: str, network_id: str) -> bool:
        ports = (self.ports[port_id] for port_id in self._members.get((group_id, network_id), ()))
        return any(port.local and port.port_security_enabled for port in ports)

    def _users(self, remote: str, network_id: str) -> list[str]:
        """Groups in use in the network that have a rule with this remote group."""
        return [
            group_id
            for group_id in self.groups
            if remote in self._remotes(group_id) and self._in_use(group_id, network_id)
        ]

    def _remotes(self, group_id: str) -> set[str]:
        group = self.groups.get(group_id)
        return {rule.remote_group_id for rule in group.rules if rule.remote_group_id} if group else set()

    def _around(self, port: PortState) -> set[Owner]:
        network = port.network_id
        touched: set[Owner] = {("port", port.id), ("network", network)}
        prefixed = any("/" in address for _, address in self._claims.get(port.id, ()))
        for group_id in port.security_groups:
            touched |= {("rules", group_id, network), ("members", group_id, network)}
            touched |= {("members", remote, network) for remote in self._remotes(group_id)}
            if prefixed:
                touched |= {("rules", user, network) for user in self._users(group_id, network)}
        return touched

    def _around_group(self, group_id: str) -> set[Owner]:
        touched: set[Owner] = set()
        for (member_of, network), ports in self._members.items():
            if member_of == group_id and ports:
                touched.add(("rules", group_id, network))
                touched |= {("members", remote, network) for remote in self._remotes(group_id)}
        return touched

    def _ports_of_group(self, group_id: str) -> set[Owner]:
        members = (ports for (group, _), ports in self._members.items() if group == group_id)
        return {("port", port_id) for ports in members for port_id in ports}


class Judge:
    """Tells which connections nothing allows any more. Made for one sweep over the kernel's table."""

    def __init__(self, desired: Desired, networks: Iterable[str], gone: set[str]) -> None:
        """gone: addresses and prefixes of ports that were removed or changed; their connections end."""
        self._desired = desired
        self._gone = gone
        wanted = set(networks)
        bridges = {bridge_name(key): key for key in wanted}
        self._networks = {
            zone: [bridges[bridge]] for zone, bridge in desired.zones.items() if bridge in bridges
        }
        self._networks[filters.HOST_ZONE] = [key for key in wanted if desired.is_external(key)]
        self._at: dict[tuple[str, str], list[PortState]] = {}
        self._in_prefix: list[tuple[str, str, PortState]] = []
        for port in desired.ports.values():
            if port.network_id not in wanted:
                continue
            for address in desired.addresses(port.id):
                if "/" in address:
                    self._in_prefix.append((port.network_id, address, port))
                else:
                    self._at.setdefault((port.network_id, address), []).append(port)

    @property
    def zones(self) -> set[int]:
        """Zones whose connections are to be judged."""
        return {zone for zone, networks in self._networks.items() if networks}

    def doomed(self, connection: Connection) -> bool:
        """Whether the connection must be cut."""
        return any(self._dooms(network, connection) for network in self._networks.get(connection.zone, ()))

    def _dooms(self, network: str, connection: Connection) -> bool:
        for direction, address in (("egress", connection.source), ("ingress", connection.destination)):
            ports = self._ports(network, address)
            if ports and not any(self._allows(port, direction, connection) for port in ports):
                return True
            if not ports and self._is_gone(address):
                return True
        return False

    def _ports(self, network: str, address: Address) -> list[PortState]:
        found = list(self._at.get((network, str(address)), ()))
        for owner, prefix, port in self._in_prefix:
            if owner == network and rules.holds(prefix, address):
                found.append(port)
        return found

    def _is_gone(self, address: Address) -> bool:
        text = str(address)
        return text in self._gone or any("/" in item and rules.holds(item, address) for item in self._gone)

    def _allows(self, port: PortState, direction: str, connection: Connection) -> bool:
        if not port.local or not port.port_security_enabled:
            return True
        groups = (self._desired.groups.get(key) for key in port.security_groups)
        return any(
            rules.allows(
                group.rules,
                direction,
                connection,
                lambda remote: self._desired.member_addresses(remote, port.network_id),
            )
            for group in groups
            if group is not None
        )
