"""Routers: a network namespace each, with a leg in every network that it joins."""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from knarr.core.network.drivers.base import RouterPort, RouterState, bridge_name, tap_name
from knarr.core.network.drivers.linux import fragments, translation
from knarr.core.network.drivers.linux.filters import version_of
from knarr.core.network.drivers.linux.ledger import Ledger
from knarr.kernel import hostnet
from knarr.kernel.hostnet import conntrack, links, netlink
from knarr.kernel.hostnet.announce import announce
from knarr.kernel.hostnet.nft import Nft
from knarr.kernel.hostnet.settings import ensure_settings

LOG = logging.getLogger(__name__)

SETTINGS = {
    "ipv4/ip_forward": "1",
    # A guest that reaches its neighbour by a floating IP comes and goes by one leg: no redirects then.
    "ipv4/conf/all/send_redirects": "0",
    "ipv4/conf/default/send_redirects": "0",
    # The namespace takes these over from the host. Ports' filters see to sources; routes may be asymmetric.
    "ipv4/conf/all/rp_filter": "0",
    "ipv4/conf/default/rp_filter": "0",
    # No leg answers for the address of another.
    "ipv4/conf/all/arp_ignore": "1",
    "ipv4/conf/all/arp_announce": "2",
    # An address that goes does not take others of its subnet with it.
    "ipv4/conf/all/promote_secondaries": "1",
    "ipv6/conf/all/forwarding": "1",
    "ipv6/conf/default/accept_dad": "0",
    "ipv6/conf/default/accept_ra": "0",
}


@dataclass(frozen=True, slots=True)
class _Leg:
    device: str
    port: RouterPort
    addresses: tuple[str, ...]
    """With those of floating IPs."""


class Routers:
    """The routers of this host. Not thread-safe."""

    def __init__(self) -> None:
        self._ledger = Ledger("routers")

    def apply(self, router: RouterState, whole: bool = False) -> list[str]:
        """Makes the router be as described. Its legs' filters are in force.

        whole: look for connections whose translation is not wanted even if no rule changed.
        Returns lines on what was changed. Raises OSError, NftError, ValueError.
        """
        if not router.admin_state_up:
            return [f"router {router.id} was not wanted"] if self.remove(router.id) else []
        self._ledger.enter(router.id)
        lines = [] if hostnet.has_namespace(router.namespace) else [f"router {router.id}"]
        path = hostnet.create_namespace(router.namespace)
        legs = _legs(router)
        before, changed = hostnet.run_in_namespace(path, lambda: _prepare(router, legs, whole))
        lines += [f"router {router.id}: {line}" for line in changed]
        routes = _routes(router, legs)
        for leg in legs:
            if hostnet.plug(_spec(leg, path, routes[leg.device])):
                lines.append(f"router {router.id}: {leg.device}")
        hostnet.run_in_namespace(path, lambda: _announce(legs, before))
        return lines

    def remove(self, router_id: str) -> bool:
        """Removes the router. Returns whether there was anything of it."""
        name, written = RouterState(router_id).namespace, self._ledger.keys()
        if hostnet.has_namespace(name):
            path = hostnet.create_namespace(name)
            hostnet.run_in_namespace(path, lambda: _drop_legs(()))
        there = hostnet.delete_namespace(name)
        self._ledger.strike(router_id)
        return there or router_id in written

    def remove_others(self, wanted: Iterable[str]) -> list[str]:
        """Removes what is there of every other router."""
        unwanted = sorted(self._ledger.keys() - set(wanted))
        return [f"router {key} was not wanted" for key in unwanted if self.remove(key)]


def legs_of(router: RouterState) -> list[RouterPort]:
    """The ports that the router has legs for, its gateway last; none while it is down."""
    if not router.admin_state_up:
        return []
    return [*router.interfaces, *([router.gateway] if router.gateway else [])]


def _legs(router: RouterState) -> list[_Leg]:
    legs = [_Leg(translation.inside_device(port.port_id), port, port.addresses) for port in router.interfaces]
    if router.gateway:
        floating = tuple(f"{item.floating_ip}/32" for item in router.floating_ips)
        addresses = tuple(dict.fromkeys(router.gateway.addresses + floating))
        legs.append(_Leg(translation.gateway_device(router.gateway.port_id), router.gateway, addresses))
    return legs


def _spec(leg: _Leg, path: str, routes: tuple[hostnet.Route, ...]) -> hostnet.PlugSpec:
    return hostnet.PlugSpec(
        tap=tap_name(leg.port.port_id),
        bridge=bridge_name(leg.port.network_id),
        netns=path,
        ifname=leg.device,
        mac=leg.port.mac_address,
        mtu=leg.port.mtu,
        addresses=leg.addresses,
        routes=routes,
    )


def _routes(router: RouterState, legs: list[_Leg]) -> dict[str, tuple[hostnet.Route, ...]]:
    """Routes by device: each goes by the leg in whose subnet its next hop lies. Of several to one destination
    the first counts, and none replaces the way to a subnet of the router's own.
    """
    found: dict[str, list[hostnet.Route]] = {leg.device: [] for leg in legs}
    gateway = translation.gateway_device(router.gateway.port_id) if router.gateway else None
    taken = {str(ipaddress.ip_interface(item).network) for leg in legs for item in leg.addresses}
    for destination, nexthop in (*router.routes, *_defaults(router)):
        device = _towards(legs, nexthop)
        if device is None and gateway is not None and nexthop in router.gateway_ips:
            device = gateway
            found[gateway].append(hostnet.Route(nexthop, None))  # in no subnet: reached on the link
        network = str(ipaddress.ip_network(destination, strict=False))
        if device is None or network in taken:
            LOG.warning("Router %s does not route %s to %s", router.id, destination, nexthop)
            continue
        taken.add(network)
        found[device].append(hostnet.Route(network, nexthop))
    return {device: tuple(routes) for device, routes in found.items()}


def _defaults(router: RouterState) -> list[tuple[str, str]]:
    nexthops = router.gateway_ips if router.gateway else ()
    return [("0.0.0.0/0" if version_of(nexthop) == 4 else "::/0", nexthop) for nexthop in nexthops]


def _towards(legs: list[_Leg], nexthop: str) -> str | None:
    address = ipaddress.ip_address(nexthop)
    for leg in legs:
        if any(address in ipaddress.ip_interface(item).network for item in leg.addresses):
            return leg.device
    return None


def _prepare(router: RouterState, legs: list[_Leg], whole: bool) -> tuple[dict[str, set[str]], list[str]]:
    """In the namespace: settings, no legs but the wanted ones, and translation: after old legs are gone and
    before new ones come, so that nothing leaves with an address that should be hidden.

    Returns the addresses by device as they were, and lines on what was changed.
    """
    lines = ensure_settings(SETTINGS) + _drop_legs(leg.device for leg in legs)
    nft = Nft()
    try:
        nft.run([f"add table inet {fragments.TABLE}"])
        change = fragments.delta(
            fragments.read(nft.list_table("inet", fragments.TABLE)), translation.ruleset(router)
        )
        nft.run(change.commands)
    finally:
        nft.close()
    lines += change.changed
    if change.narrower or whole:
        count = conntrack.cut(translation.stale(router), {0})
        if count:
            lines.append(f"{count} connections with an old translation")
    with netlink.Netlink() as socket:
        found = {link.name: link for link in links.get_links(socket)}
        addresses = {
            leg.device: {str(item) for item in links.get_addresses(socket, found[leg.device].index)}
            for leg in legs
            if leg.device in found
        }
    return addresses, lines


def _drop_legs(wanted: Iterable[str]) -> list[str]:
    """In the namespace: removes legs, with their ends on the host."""
    keep = set(wanted)
    with netlink.Netlink() as socket:
        names = [link.name for link in links.get_links(socket) if link.name.startswith(("qr-", "qg-"))]
        return [
            f"{name} was not wanted" for name in names if name not in keep and links.delete_link(socket, name)
        ]


def _announce(legs: list[_Leg], before: dict[str, set[str]]) -> None:
    """In the namespace: tells the networks of new addresses. Nothing depends on it: a neighbour that misses
    it asks."""
    for leg in legs:
        new = [
            item
            for item in leg.addresses
            if str(ipaddress.ip_interface(item)) not in before.get(leg.device, ())
        ]
        try:
            announce(leg.device, leg.port.mac_address, new)
        except OSError as error:
            LOG.warning("Addresses of %s could not be announced: %s", leg.device, error)
