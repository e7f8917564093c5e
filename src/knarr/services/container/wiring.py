"""From ports to interfaces: the container's sandbox, and a veth into it for each port."""

from __future__ import annotations

import ipaddress
from collections.abc import Collection, Iterable
from concurrent.futures import Future
from typing import Any

from knarr.services.container import exposing, networking

View = dict[str, Any]


def tap_name(port_id: str) -> str:
    return f"tap{port_id[:11]}"


def plug_all(nets: list[View], ports: list[View], subnets: dict[str, View], netns: str) -> None:
    """Make eth<n> in the namespace for each port. The first gateway of each family becomes the default
    route."""
    from knarr.kernel import hostnet

    routed: set[int] = set()
    for net, port in zip(nets, ports, strict=True):
        details = port.get("binding:vif_details") or {}
        bridge = details.get("bridge_name") or f"brq{port['network_id'][:11]}"
        own = [subnets[ip["subnet_id"]] for ip in port["fixed_ips"] if ip["subnet_id"] in subnets]
        gateways = []
        for subnet in own:
            version = int(subnet["ip_version"])
            if subnet.get("gateway_ip") and version not in routed:
                routed.add(version)
                gateways.append(subnet["gateway_ip"])
        hostnet.plug(
            hostnet.PlugSpec(
                tap=tap_name(port["id"]),
                bridge=bridge,
                netns=netns,
                ifname=f"eth{net['n']}",
                mac=port["mac_address"],
                mtu=int(details.get("mtu") or 1500),
                addresses=tuple(_with_prefix(ip, subnets) for ip in port["fixed_ips"]),
                gateways=tuple(gateways),
                routes=tuple(
                    hostnet.Route(route["destination"], route["nexthop"])
                    for subnet in own
                    for route in subnet.get("host_routes") or ()
                ),
            )
        )


def unplug_all(port_ids: list[str]) -> None:
    from knarr.kernel import hostnet

    for port_id in port_ids:
        hostnet.unplug(tap_name(port_id))


def wire(runtime: Any, engine: Any, container: Any, sandbox: Future[Any]) -> list[View]:
    """Ports, plugs and name files of the container, whose sandbox is on its way; the ports.

    Completes what is there already.
    """
    client = runtime.service_client("network")
    if container.exposed_ports:
        container.security_groups = [exposing.ensure_group(client, container)]
    container.nets = networking.numbered(container.nets)
    ports = networking.ensure_ports(client, container, runtime.host)
    subnets = networking.subnets_of(client, ports)
    netns = sandbox.result().netns
    if netns:
        plug_all(container.nets, ports, subnets, netns)
    ips = [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]
    servers = [server for subnet in subnets.values() for server in subnet.get("dns_nameservers") or ()]
    engine.write_hosts(container.uuid, ips, container.hostname, dns=list(dict.fromkeys(servers)))
    return ports


def unwire(runtime: Any, engine: Any, container: Any) -> None:
    """Take away what `wire` made. The ports go last: their filters hold as long as there is a tap."""
    engine.release_sandbox(container.uuid)
    client = runtime.service_client("network")
    _unplug(engine, networking.port_ids(container.addresses))
    drop(client, engine, container.uuid, container.nets)
    if container.exposed_ports:
        exposing.remove_group(client, container)


def drop(
    client: Any,
    engine: Any,
    uuid: str,
    nets: list[View],
    only: Collection[str] | None = None,
    keep: Collection[str] = (),
) -> None:
    """Unplug and release the ports of a container: all, or only these, and none that is to be kept.

    `nets` are the interfaces that they belong to, which say whether a port outlives the container."""
    going = [
        port
        for port in networking.ports_of(client, uuid)
        if port not in keep and (only is None or port in only)
    ]
    _unplug(engine, going)
    networking.release_ports(client, going, nets)


def _unplug(engine: Any, ports: Iterable[str]) -> None:
    if engine.name != "fake":
        unplug_all(list(ports))


def _with_prefix(ip: View, subnets: dict[str, View]) -> str:
    cidr = subnets[ip["subnet_id"]]["cidr"]
    return f"{ip['ip_address']}/{ipaddress.ip_network(cidr).prefixlen}"
