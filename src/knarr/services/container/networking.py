"""Networks, ports and security groups, through the network service's REST API alone.

`resolve_nets` judges the wishes of a request as the caller; `ensure_ports`, `release_ports` act for a
container as the service user. Ports are found by their device_id, so that doing it again makes none twice.
"""

from __future__ import annotations

import ipaddress
import itertools
import uuid
from collections.abc import Iterable
from typing import Any

from knarr.kernel.errors import BadRequest, Conflict, Forbidden, NotFound
from knarr.services.container.rest import call, get
from knarr.services.container.schemas import Net

DEVICE_OWNER = "compute:zun"
NAME_FIELDS = [("fields", f) for f in ("id", "name", "project_id")]
NETWORK_FIELDS = [
    ("fields", f) for f in ("id", "name", "project_id", "tenant_id", "shared", "router:external", "subnets")
]
UNUSABLE = ("ACTIVE", "BUILD", "ERROR")

View = dict[str, Any]


def resolve_nets(client: Any, wishes: list[Net], project_id: str, external_allowed: bool) -> list[View]:
    """The interfaces as {network_id, port_id, preserve, v4, v6, n}; with no wish, the oldest usable network.

    `n` is the number of the interface: eth<n>.
    Raises BadRequest, NotFound (unknown or another project's), Conflict (port in use, no network to be had).
    """
    if not wishes:
        return numbered([_interface(_default_network(client, project_id)["id"])])
    for n, wish in enumerate(wishes):
        if bool(wish.network) == bool(wish.port):
            raise BadRequest(f"nets[{n}] must have either 'network' or 'port'.")
        _check_family(wish.v4, 4, n)
        _check_family(wish.v6, 6, n)
    named = [wish.network for wish in wishes if wish.network]
    networks = lookup(client, "network", named, NETWORK_FIELDS, project_id)
    ports = lookup(client, "port", [wish.port for wish in wishes if wish.port], [], project_id)
    found = [_one_net(client, wish, networks, ports, external_allowed) for wish in wishes]
    given = [net["port_id"] for net in found if net["port_id"]]
    if len(given) != len(set(given)):
        raise BadRequest("A port can be named only once in 'nets'.")
    return numbered(found)


def numbered(nets: list[View]) -> list[View]:
    """Each with its number; those that have none get the lowest that is free. In the order of the numbers."""
    taken = {net["n"] for net in nets if "n" in net}
    free = (n for n in itertools.count() if n not in taken)
    return sorted(({**net, "n": net["n"] if "n" in net else next(free)} for net in nets), key=_number)


def _number(net: View) -> int:
    return int(net["n"])


def with_ports(nets: list[View], ports: list[View]) -> list[View]:
    """The interfaces with the ports that they have got."""
    return [{**net, "port_id": port["id"]} for net, port in zip(numbered(nets), ports, strict=True)]


def without_ports(nets: list[View]) -> list[View]:
    """The interfaces as they were asked for: those that had a port made for them have none."""
    return [net if net["preserve"] else {**net, "port_id": None} for net in nets]


def remaining(container: Any, leaving: set[str]) -> list[View]:
    """The interfaces that have none of these ports."""
    on = {network: port_ids({network: rows}) for network, rows in container.addresses.items()}
    return [
        net
        for net in container.nets
        if not leaving & ({net["port_id"]} if net["port_id"] else on.get(net["network_id"], set()))
    ]


def port_ids(addresses: dict[str, list[View]]) -> set[str]:
    """The ports of a container's `addresses`."""
    return {row["port"] for rows in addresses.values() for row in rows}


def resolve_groups(client: Any, names: list[str], project_id: str) -> list[str]:
    """Ids of security groups given by id or name, each once."""
    found = lookup(client, "security_group", names, NAME_FIELDS, project_id)
    return list(dict.fromkeys(found[name]["id"] for name in names))


def ensure_ports(client: Any, container: Any, host: str) -> list[View]:
    """The container's ports, in the order of its interfaces: those that are there, and the missing ones
    made."""
    mine = get(client, "/v2.0/ports", [("device_id", container.uuid)])["ports"]
    by_id = {port["id"]: port for port in mine}
    by_network: dict[str, list[View]] = {}
    known = {net["port_id"] for net in container.nets if net["port_id"]}
    for port in mine:
        if port["id"] not in known:
            by_network.setdefault(port["network_id"], []).append(port)
    ports = []
    for net in container.nets:
        if net["preserve"]:
            port = by_id.get(net["port_id"]) or _bind(client, net, container, host)
        else:
            there = by_network.get(net["network_id"])
            port = by_id.get(net["port_id"]) or (
                there.pop(0) if there else _make(client, net, container, host)
            )
        if port.get("binding:host_id") not in (None, host):
            port = _rebind(client, port, host)
        ports.append(port)
    return ports


def ports_of(client: Any, container_uuid: str) -> list[str]:
    params = [("device_id", container_uuid), ("fields", "id")]
    return [port["id"] for port in get(client, "/v2.0/ports", params)["ports"]]


def release_ports(client: Any, ports: Iterable[str], nets: list[View]) -> None:
    """Delete ports that were made for the container and unbind those that were given."""
    kept = {net["port_id"] for net in nets if net["preserve"]}
    for port in ports:
        path = f"/v2.0/ports/{port}"
        if port in kept:
            free = {"device_id": "", "device_owner": "", "binding:host_id": ""}
            call(client, "PUT", path, {"port": free}, absent_ok=True)
        else:
            call(client, "DELETE", path, absent_ok=True)


def subnets_of(client: Any, ports: list[View]) -> dict[str, View]:
    """The subnets that the ports have addresses of, by id."""
    ids = sorted({ip["subnet_id"] for port in ports for ip in port["fixed_ips"]})
    if not ids:
        return {}
    answer = get(client, "/v2.0/subnets", [("id", ident) for ident in ids])
    return {subnet["id"]: subnet for subnet in answer["subnets"]}


def addresses(nets: list[View], ports: list[View]) -> dict[str, list[View]]:
    """As the API shows them: network id -> [{addr, version, port, subnet_id, preserve_on_delete}]."""
    shown: dict[str, list[View]] = {}
    for net, port in zip(nets, ports, strict=True):
        rows = shown.setdefault(port["network_id"], [])
        rows.extend(
            {
                "addr": ip["ip_address"],
                "version": ipaddress.ip_address(ip["ip_address"]).version,
                "port": port["id"],
                "subnet_id": ip["subnet_id"],
                "preserve_on_delete": bool(net["preserve"]),
            }
            for ip in port["fixed_ips"]
        )
    return shown


# What a request wants


def _interface(
    network_id: str, port_id: str | None = None, v4: str | None = None, v6: str | None = None
) -> View:
    return {"network_id": network_id, "port_id": port_id, "preserve": bool(port_id), "v4": v4, "v6": v6}


def _check_family(address: str | None, version: int, n: int) -> None:
    if not address:
        return
    try:
        right = ipaddress.ip_address(address).version == version
    except ValueError:
        right = False
    if not right:
        raise BadRequest(f"nets[{n}].v{version}-fixed-ip: {address!r} is not an IPv{version} address.")


def _default_network(client: Any, project_id: str) -> View:
    """The project's oldest network, else the oldest shared one; a network without a subnet gives no
    address."""
    order = [("sort_key", "created_at"), ("sort_dir", "asc")]
    for scope in (("project_id", project_id), ("shared", "true")):
        networks = get(client, "/v2.0/networks", [scope, *NETWORK_FIELDS, *order])["networks"]
        for network in networks:
            if network["subnets"] and not network.get("router:external"):
                return dict(network)
    raise Conflict(
        "There is no network with a subnet that this project could use; create one, or name one in 'nets'.",
        code="NetworkNotFound",
    )


def lookup(
    client: Any, kind: str, idents: list[str], fields: list[tuple[str, str]], project_id: str | None
) -> dict[str, View]:
    """What the idents mean to the caller, by ident: one call for all ids, and one for all names.

    An administrator sees the things of all projects: of several with one name, the project's own is meant."""
    ids = [ident for ident in idents if _is_uuid(ident)]
    names = [ident for ident in idents if ident not in ids]
    found: dict[str, View] = {}
    for key, wanted in (("id", ids), ("name", names)):
        if not wanted:
            continue
        params = [*((key, value) for value in dict.fromkeys(wanted)), *fields]
        path = f"/v2.0/{kind.replace('_', '-')}s"
        rows: dict[str, list[View]] = {}
        for row in get(client, path, params)[f"{kind}s"]:
            rows.setdefault(row[key], []).append(row)
        found.update({ident: _the_one(kind, ident, same, project_id) for ident, same in rows.items()})
    missing = [ident for ident in idents if ident not in found]
    if missing:
        words = kind.replace("_", " ")
        code = f"{words.title().replace(' ', '')}NotFound"
        raise NotFound(f"{words[0].upper()}{words[1:]} {missing[0]} could not be found.", code=code)
    return found


def _the_one(kind: str, name: str, rows: list[View], project_id: str | None) -> View:
    own = [row for row in rows if row.get("project_id") == project_id] if len(rows) > 1 else rows
    if len(own) != 1:
        words = kind.replace("_", " ")
        raise Conflict(f"Multiple {words}s have the name '{name}': use the id instead.")
    return own[0]


def _one_net(
    client: Any, wish: Net, networks: dict[str, View], ports: dict[str, View], external_allowed: bool
) -> View:
    if wish.port:
        port = ports[wish.port]
        _check_port(port)
        return _interface(port["network_id"], port["id"])
    network = networks[wish.network or ""]
    if network.get("router:external") and not network.get("shared") and not external_allowed:
        raise Forbidden(
            f"Network {network['id']} is external; attaching containers to it needs an administrator."
        )
    if not network["subnets"]:
        raise Conflict(
            f"Network {network['id']} has no subnet, so that a container would get no address there."
        )
    if wish.v4 or wish.v6:
        _check_fixed(client, network["id"], [ip for ip in (wish.v4, wish.v6) if ip])
    return _interface(network["id"], None, wish.v4 or None, wish.v6 or None)


def _check_port(port: View) -> None:
    if port.get("device_id"):
        raise Conflict(f"Port {port['id']} is in use by {port['device_id']}.", code="PortInUse")
    if port.get("status") in UNUSABLE:
        raise Conflict(
            f"Port {port['id']} is {port['status']}: only an unused one can be given.", code="PortNotUsable"
        )
    if port.get("binding:vif_type") == "binding_failed":
        raise Conflict(f"Binding of port {port['id']} has failed before.", code="PortBindingFailed")


def _check_fixed(client: Any, network_id: str, wanted: list[str]) -> None:
    subnets = get(client, "/v2.0/subnets", [("network_id", network_id), ("fields", "cidr")])["subnets"]
    ranges = [ipaddress.ip_network(subnet["cidr"]) for subnet in subnets]
    for address in wanted:
        ip = ipaddress.ip_address(address)
        if not any(ip.version == cidr.version and ip in cidr for cidr in ranges):
            raise BadRequest(
                f"{address} lies in no subnet of network {network_id}.", code="InvalidIpForNetwork"
            )
        params = [("network_id", network_id), ("fixed_ips", f"ip_address={address}"), ("fields", "id")]
        if get(client, "/v2.0/ports", params)["ports"]:
            raise Conflict(f"Address {address} of network {network_id} is in use.", code="IpAddressInUse")


def _is_uuid(text: str) -> bool:
    try:
        uuid.UUID(text)
    except ValueError:
        return False
    return True


# What a container has


def _make(client: Any, net: View, container: Any, host: str) -> View:
    port: View = {
        "network_id": net["network_id"],
        "project_id": container.project_id,
        "device_id": container.uuid,
        "device_owner": DEVICE_OWNER,
        "binding:host_id": host,
        "admin_state_up": True,
    }
    fixed = [{"ip_address": net[key]} for key in ("v4", "v6") if net[key]]
    if fixed:
        port["fixed_ips"] = fixed
    if container.security_groups:
        port["security_groups"] = container.security_groups
    return dict(call(client, "POST", "/v2.0/ports", {"port": port})["port"])


def _bind(client: Any, net: View, container: Any, host: str) -> View:
    """Take the port that the user gave, if it is still free."""
    path = f"/v2.0/ports/{net['port_id']}"
    port = call(client, "GET", path)["port"]
    if port["device_id"]:
        raise Conflict(
            f"Port {port['id']} has been taken by {port['device_id']} meanwhile.", code="PortInUse"
        )
    change: View = {"device_id": container.uuid, "device_owner": DEVICE_OWNER, "binding:host_id": host}
    if container.security_groups:
        change["security_groups"] = container.security_groups
    return dict(call(client, "PUT", path, {"port": change})["port"])


def _rebind(client: Any, port: View, host: str) -> View:
    change = {"port": {"binding:host_id": host}}
    return dict(call(client, "PUT", f"/v2.0/ports/{port['id']}", change)["port"])
