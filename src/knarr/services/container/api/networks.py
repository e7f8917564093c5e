"""Interfaces of a container: attach to a network, detach from it, list them; and its security groups."""

from __future__ import annotations

import ipaddress
from typing import Any

from knarr.kernel.errors import BadRequest, Conflict, NotFound
from knarr.kernel.request import Request, Response
from knarr.services.container import networking
from knarr.services.container.api.containers import NOTHING, begin, check, find
from knarr.services.container.models import Container
from knarr.services.container.schemas import Net, NetworkAttach, NetworkDetach


def attach(req: Request, ident: str) -> Response:
    """One more interface. Refused if the container is on that network already."""
    wish: NetworkAttach = req.body or req.query
    if bool(wish.network) == bool(wish.port):
        raise BadRequest("Either 'network' or 'port' must be given.")
    if wish.port and wish.fixed_ip:
        raise BadRequest("'fixed_ip' goes with 'network' only: a port has its addresses.")
    with req.db.read() as session:
        container = find(session, req, ident)
        check(container, "network_attach", ident)
    external = req.allows("network:attach_external_network")
    client = req.runtime.client("network", req.ctx)
    found = networking.resolve_nets(client, [_net(wish)], container.project_id, external)[0]
    del found["n"]
    with req.db.write() as session:
        container = find(session, req, container.uuid)
        row = check(container, "network_attach", ident)
        if any(net["network_id"] == found["network_id"] for net in container.nets):
            raise Conflict(f"Container {ident} is attached to network {found['network_id']} already.")
        before = {net["n"] for net in networking.numbered(container.nets)}
        container.nets = networking.numbered([*networking.numbered(container.nets), found])
        [number] = {net["n"] for net in container.nets} - before
        session.flush()
        begin(req, session, container, row, "network_attach", "container.network_attach", n=number)
    return NOTHING


def _net(wish: NetworkAttach) -> Net:
    if not wish.fixed_ip:
        return Net(network=wish.network, port=wish.port)
    try:
        version = ipaddress.ip_address(wish.fixed_ip).version
    except ValueError:
        raise BadRequest(
            f"Invalid input for field 'fixed_ip': {wish.fixed_ip!r} is not an IP address."
        ) from None
    return Net(network=wish.network, **{f"v{version}": wish.fixed_ip})


def detach(req: Request, ident: str) -> Response:
    """All interfaces on a network, or that of a port."""
    wish: NetworkDetach = req.body or req.query
    if bool(wish.network) == bool(wish.port):
        raise BadRequest("Either 'network' or 'port' must be given.")
    with req.db.read() as session:
        container = find(session, req, ident)
        check(container, "network_detach", ident)
    network, port = _meant(req, container, wish)
    with req.db.write() as session:
        container = find(session, req, container.uuid)
        row = check(container, "network_detach", ident)
        ports = sorted(networking.port_ids(container.addresses) & {port}) if port else _on(container, network)
        if not ports:
            where = f"port {wish.port}" if wish.port else f"network {wish.network}"
            raise NotFound(f"Container {ident} is not attached to {where}.", code="NetworkNotFound")
        begin(req, session, container, row, "network_detach", "container.network_detach", ports=ports)
    return NOTHING


def _meant(req: Request, container: Container, wish: NetworkDetach) -> tuple[str | None, str | None]:
    """The network or the port, as an id. What the container has needs no question to anybody; a name is
    looked up."""
    if wish.port in networking.port_ids(container.addresses) or wish.network in container.addresses:
        return wish.network, wish.port
    client = req.runtime.client("network", req.ctx)
    kind, name = ("port", wish.port) if wish.port else ("network", wish.network)
    found = networking.lookup(client, kind, [name or ""], networking.NAME_FIELDS, container.project_id)
    ident = str(found[name or ""]["id"])
    return (None, ident) if wish.port else (ident, None)


def _on(container: Container, network: str | None) -> list[str]:
    return sorted({row["port"] for row in container.addresses.get(network or "", ())})


def index(req: Request, ident: str) -> dict[str, Any]:
    """Since 1.18 a row for each interface, with its addresses; before, one for each address."""
    with req.db.read() as session:
        addresses = find(session, req, ident).addresses
    rows = [(network, row) for network, rows in addresses.items() for row in rows]
    if not req.at_least("1.18"):
        return {"networks": [_flat(network, row) for network, row in rows]}
    grouped: dict[tuple[str, str], list[dict[str, Any]]] = {}
    for network, row in rows:
        grouped.setdefault((network, row["port"]), []).append(_fixed_ip(row))
    return {
        "networks": [
            {"net_id": network, "port_id": port, "fixed_ips": fixed_ips}
            for (network, port), fixed_ips in grouped.items()
        ]
    }


def _fixed_ip(row: dict[str, Any]) -> dict[str, Any]:
    return {"ip_address": row["addr"], "version": row["version"], "subnet_id": row["subnet_id"]}


def _flat(network: str, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "net_id": network,
        "port_id": row["port"],
        "subnet_id": row["subnet_id"],
        "version": row["version"],
        "ip_address": row["addr"],
    }


def add_group(req: Request, ident: str) -> Response:
    return _change_groups(req, ident, "add_security_group")


def remove_group(req: Request, ident: str) -> Response:
    return _change_groups(req, ident, "remove_security_group")


def _change_groups(req: Request, ident: str, action: str) -> Response:
    name = (req.query.name if req.query else None) or (req.body.name if req.body else None)
    if not name:
        raise BadRequest("'name' is a required property and is missing.")
    with req.db.read() as session:
        container = find(session, req, ident)
        check(container, action, ident)
    client = req.runtime.client("network", req.ctx)
    [group] = networking.resolve_groups(client, [name], container.project_id)
    with req.db.write() as session:
        container = find(session, req, ident)
        row = check(container, action, ident)
        has = group in container.security_groups
        if has and action == "add_security_group":
            raise BadRequest(f"Container {ident} has security group {name} already.", code="InvalidValue")
        if not has and action == "remove_security_group":
            raise BadRequest(f"Container {ident} does not have security group {name}.", code="InvalidValue")
        begin(req, session, container, row, action, "container.groups", group=group)
    return NOTHING
