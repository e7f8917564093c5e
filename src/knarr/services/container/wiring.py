"""From ports to interfaces: the container's sandbox, and a veth into it for each port."""

from __future__ import annotations

import ipaddress
from concurrent.futures import Future
from typing import Any

from knarr.services.container import networking

View = dict[str, Any]


def tap_name(port_id: str) -> str:
    return f"tap{port_id[:11]}"


def plug_all(ports: list[View], subnets: dict[str, View], netns: str) -> None:
    """Make eth0, eth1 … in the namespace. The first gateway of each family becomes the default route."""
    from knarr.kernel import hostnet

    routed: set[int] = set()
    for n, port in enumerate(ports):
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
                ifname=f"eth{n}",
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
    ports = networking.ensure_ports(client, container, runtime.host)
    subnets = networking.subnets_of(client, ports)
    netns = sandbox.result().netns
    if netns:
        plug_all(ports, subnets, netns)
    ips = [ip["ip_address"] for port in ports for ip in port["fixed_ips"]]
    servers = [server for subnet in subnets.values() for server in subnet.get("dns_nameservers") or ()]
    engine.write_hosts(container.uuid, ips, container.hostname, dns=list(dict.fromkeys(servers)))
    return ports


def unwire(runtime: Any, engine: Any, container: Any) -> None:
    """Take away what `wire` made. The ports go last: their filters hold as long as there is a tap."""
    engine.release_sandbox(container.uuid)
    client = runtime.service_client("network")
    known = [row["port"] for rows in container.addresses.values() for row in rows]
    if engine.name != "fake":
        unplug_all(known)
    released = networking.release_ports(client, container.uuid, container.nets)
    if engine.name != "fake":
        unplug_all([port for port in released if port not in known])


def _with_prefix(ip: View, subnets: dict[str, View]) -> str:
    cidr = subnets[ip["subnet_id"]]["cidr"]
    return f"{ip['ip_address']}/{ipaddress.ip_network(cidr).prefixlen}"
