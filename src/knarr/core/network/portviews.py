"""Ports as they are answered, and by what they can be filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

from sqlalchemy import ColumnElement, and_, func, or_, select
from sqlalchemy.orm import Session

from knarr.core.network import binding, resources, trunking
from knarr.core.network.models import Address, Network, Port, PortGroup
from knarr.core.network.resources import IDS
from knarr.kernel.context import RequestContext
from knarr.kernel.errors import BadRequest
from knarr.kernel.request import Request

PLAIN = (
    "name",
    "network_id",
    "mac_address",
    "admin_state_up",
    "status",
    "device_id",
    "device_owner",
    "port_security_enabled",
    "allowed_address_pairs",
    "qos_policy_id",
)


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    """One's own, and others' on one's networks; services see all, to plug them."""
    if "service" in ctx.roles or "advsvc" in ctx.roles:
        return Port.id.is_not(None)
    mine = select(Network.id).where(Network.project_id == ctx.project_id)
    return or_(Port.project_id == ctx.project_id, Port.network_id.in_(mine))


# IPv4 first, as clients that take the first address expect: its positions are the shorter ones.
_ADDRESSES = (
    select(Address.port_id, Address.subnet_id, Address.ip_address)
    .where(Address.port_id.in_(IDS))
    .order_by(func.length(Address.position), Address.position)
)
_GROUPS = select(PortGroup.port_id, PortGroup.group_id).where(PortGroup.port_id.in_(IDS))
_NETWORKS = select(Network.id, Network.mtu, Network.qos_policy_id).where(Network.id.in_(IDS))


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    ids = [row.id for row in rows]
    addresses: dict[str, list[dict[str, str]]] = {}
    for port_id, subnet_id, ip in session.execute(_ADDRESSES, {"ids": ids}):
        addresses.setdefault(port_id, []).append({"subnet_id": subnet_id, "ip_address": ip})
    groups = resources.grouped(session, _GROUPS, ids)
    tags = resources.tags_of(session, ids)
    wanted = list({row.network_id for row in rows})
    networks = {row.id: row for row in session.execute(_NETWORKS, {"ids": wanted})}
    seen = Seen(req.allows("get_port:binding:host_id"), req.runtime.conf.network.dns_domain)
    found = [_view(row, addresses, groups, tags, networks[row.network_id], seen) for row in rows]
    trunks = trunking.details(session, ids)
    for view in found:
        if view["id"] in trunks:
            view["trunk_details"] = trunks[view["id"]]
    return found


@dataclass(frozen=True)
class Seen:
    """What a view depends on beside the port: whether the caller is told of bindings, and the DNS domain."""

    bindings: bool
    dns_domain: str


def _view(
    row: Any,
    addresses: dict[str, list[dict[str, str]]],
    groups: dict[str, list[str]],
    tags: dict[str, list[str]],
    network: Any,
    seen: Seen,
) -> dict[str, Any]:
    fixed_ips = addresses.get(row.id, [])
    from_network = None if row.device_owner.startswith("network:") else network.qos_policy_id
    view = {
        **resources.standard_view(row, tags),
        **{name: getattr(row, name) for name in PLAIN},
        "fixed_ips": fixed_ips,
        "qos_network_policy_id": from_network,
        "dns_assignment": [_dns(row.dns_name, fixed["ip_address"], seen.dns_domain) for fixed in fixed_ips],
        "security_groups": groups.get(row.id, []),
        "dns_name": row.dns_name,
        "binding:vnic_type": row.vnic_type,
    }
    if seen.bindings:
        view["binding:host_id"] = row.host
        view["binding:profile"] = row.profile
        view["binding:vif_type"] = row.vif_type
        view["binding:vif_details"] = binding.vif_details(row, network.mtu)
    return view


def _dns(name: str, address: str, domain: str) -> dict[str, str]:
    """An entry of `dns_assignment`: ports without a name are named after their address, as upstream does."""
    hostname = name or "host-" + address.replace(".", "-").replace(":", "-")
    fqdn = hostname if hostname.endswith(".") else f"{hostname}.{domain}" if domain else hostname
    return {"hostname": name or hostname, "ip_address": address, "fqdn": fqdn}


@dataclass(frozen=True)
class Made:
    """A port as it was written a moment ago: columns, (subnet id, address) pairs, groups, network, tags."""

    columns: dict[str, Any]
    addresses: list[tuple[str, str]]
    groups: list[str]
    network: Any
    tags: list[str]


def new_view(req: Request, made: Made) -> dict[str, Any]:
    """The view of a new port, which saves reading it back."""
    row = SimpleNamespace(**made.columns)
    pairs = sorted(made.addresses, key=lambda pair: ":" in pair[1])
    fixed = [{"subnet_id": subnet_id, "ip_address": ip} for subnet_id, ip in pairs]
    seen = Seen(req.allows("get_port:binding:host_id"), req.runtime.conf.network.dns_domain)
    return _view(row, {row.id: fixed}, {row.id: made.groups}, {row.id: made.tags}, made.network, seen)


def _by_fixed_ips(name: str, values: list[str]) -> ColumnElement[bool]:
    """`ip_address=10.0.0.3`, `subnet_id=…` or `ip_address_substr=…`; of one kind any, of two both."""
    columns = {"ip_address": Address.ip_address, "subnet_id": Address.subnet_id}
    wanted: dict[str, list[Any]] = {}
    for value in (part for text in values for part in text.split(",")):
        key, sign, text = value.partition("=")
        if not sign or key not in (*columns, "ip_address_substr"):
            raise BadRequest(
                f"Invalid value for '{name}': use ip_address=…, subnet_id=… or ip_address_substr=…."
            )
        test = (
            Address.ip_address.contains(text, autoescape=True)
            if key == "ip_address_substr"
            else columns[key] == text
        )
        wanted.setdefault(key, []).append(test)
    tests = and_(*(or_(*same) for same in wanted.values()))
    return Port.id.in_(select(Address.port_id).where(tests))


def _by_mac(_name: str, values: list[str]) -> ColumnElement[bool]:
    return Port.mac_address.in_([value.lower() for value in values])


def _by_groups(name: str, values: list[str]) -> ColumnElement[bool]:
    return Port.id.in_(select(PortGroup.port_id).where(PortGroup.group_id.in_(values)))


PORTS = resources.Resource(
    singular="port",
    plural="ports",
    model=Port,
    views=views,
    not_found="PortNotFound",
    visible=visible,
    sortable=("name", "network_id", "mac_address", "status", "device_id", "device_owner", "admin_state_up"),
    filters={
        **resources.standard_filters(Port),
        **{
            name: resources.equals(getattr(Port, name))
            for name in (
                "name",
                "network_id",
                "status",
                "device_id",
                "device_owner",
                "dns_name",
                "qos_policy_id",
            )
        },
        "mac_address": _by_mac,
        "admin_state_up": resources.is_true(Port.admin_state_up),
        "port_security_enabled": resources.is_true(Port.port_security_enabled),
        "binding:host_id": resources.equals(Port.host),
        "binding:vif_type": resources.equals(Port.vif_type),
        "binding:vnic_type": resources.equals(Port.vnic_type),
        "fixed_ips": _by_fixed_ips,
        "security_groups": _by_groups,
        "security_group_ids": _by_groups,
    },
)
