"""Translation of addresses in a router's namespace: its rules, and which connections they still mean.

- A packet to a floating IP goes to its fixed address, or by single ports where these are forwarded.
- What leaves by the gateway comes from the sender's floating IP, else, with SNAT, from the gateway's address.
- A packet from inside to a floating IP comes back through the router only if its source is translated as
  well: to the sender's floating IP, else to the gateway's address. One from outside keeps its source.
"""

from __future__ import annotations

from collections.abc import Callable

from knarr.core.network.drivers.base import NAME_LENGTH, RouterState
from knarr.core.network.drivers.linux.filters import version_of
from knarr.core.network.drivers.linux.fragments import Chain, Fragment
from knarr.core.network.drivers.linux.rules import PROTOCOLS
from knarr.kernel.hostnet.conntrack import Connection

FROM_OUTSIDE = 0x2
_MAPS = {
    "floating": "type ipv4_addr : ipv4_addr",
    "fixed": "type ipv4_addr : ipv4_addr",
    "forwards": "type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service",
}
_TO_FIXED = (
    "dnat ip to ip daddr map @floating",
    "dnat ip to ip daddr . meta l4proto . th dport map @forwards",
)


def gateway_device(port_id: str) -> str:
    """Name of a gateway's device in the router's namespace, by Neutron's rule."""
    return "qg-" + port_id[:NAME_LENGTH]


def inside_device(port_id: str) -> str:
    """Name of an interface's device in the router's namespace, by Neutron's rule."""
    return "qr-" + port_id[:NAME_LENGTH]


def ruleset(router: RouterState) -> Fragment:
    """What table `inet knarr` in the router's namespace holds."""
    fragment = Fragment(sets={("inet", name): kind for name, kind in _MAPS.items()})
    for name in _MAPS:
        fragment.elements["inet", name] = {}
    for item in router.floating_ips:
        if item.fixed_ip:
            fragment.add("inet", "floating", (item.floating_ip,), item.fixed_ip)
            fragment.add("inet", "fixed", (item.fixed_ip,), item.floating_ip)
        for forward in item.forwards:
            key = (item.floating_ip, forward.protocol, str(forward.external_port))
            fragment.add("inet", "forwards", key, f"{forward.internal_ip} . {forward.internal_port}")
    if router.gateway:
        device = gateway_device(router.gateway.port_id)
        arrivals = (f'iifname "{device}" meta mark set {FROM_OUTSIDE:#x}',)
        fragment.chains["inet", "arrivals"] = Chain("type filter hook prerouting priority -150", arrivals)
        fragment.chains["inet", "to-fixed"] = Chain("type nat hook prerouting priority -100", _TO_FIXED)
        sources = Chain("type nat hook postrouting priority 100", _sources(router, device))
        fragment.chains["inet", "sources"] = sources
    return fragment


def _sources(router: RouterState, device: str) -> tuple[str, ...]:
    own = _own(router)
    rules = [
        f'oifname "{device}" snat ip to ip saddr map @fixed',
        f"meta mark & {FROM_OUTSIDE:#x} != 0 accept",
        "ct status dnat snat ip to ip saddr map @fixed",
    ]
    if own:
        rules.append(f"ct status dnat meta nfproto ipv4 snat ip to {own[0]}")
    if own and router.enable_snat:
        rules.append(f'oifname "{device}" meta nfproto ipv4 snat ip to {own[0]} fully-random')
    return tuple(rules)


def _own(router: RouterState) -> list[str]:
    """The gateway's IPv4 addresses."""
    addresses = router.gateway.addresses if router.gateway else ()
    return [address.partition("/")[0] for address in addresses if version_of(address) == 4]


def stale(router: RouterState) -> Callable[[Connection], bool]:
    """Tells whether a connection of the router's namespace is translated in a way that is not wanted (any
    more): the kernel goes on translating what it began.
    """
    floating = {(item.floating_ip, item.fixed_ip) for item in router.floating_ips if item.fixed_ip}
    forwards = {
        (item.floating_ip, PROTOCOLS[one.protocol], one.external_port, one.internal_ip, one.internal_port)
        for item in router.floating_ips
        for one in item.forwards
    }
    own = set(_own(router))

    def judge(found: Connection) -> bool:
        source, destination = str(found.source), str(found.destination)
        answerer, answered = str(found.answerer), str(found.answered)
        forwarded = (destination, found.protocol, found.port, answerer, found.answer_port) in forwards
        to_fixed = answerer == destination or (destination, answerer) in floating or forwarded
        by_gateway = answered in own and (router.enable_snat or answerer != destination)
        from_floating = answered == source or (answered, source) in floating or by_gateway
        return not (to_fixed and from_floating)

    return judge
