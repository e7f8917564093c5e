"""Ports: their addresses, groups and bindings."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete, insert, select, update
from sqlalchemy.orm import Session

from knarr.core.network import binding, floating, ipam, portviews, resources, serviceports, sync, trunking
from knarr.core.network.api import qos
from knarr.core.network.api.networks import NETWORKS
from knarr.core.network.errors import fault
from knarr.core.network.models import Address, Network, Port, PortGroup, Tag
from knarr.core.network.portplan import (
    GUARDED,
    SETTABLE,
    address_pairs,
    check_free_mac,
    group_ids,
    new_mac,
    plain_mac,
    port_target,
)
from knarr.core.network.portviews import PORTS
from knarr.kernel.db import new_id, utcnow
from knarr.kernel.errors import Forbidden
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET


def list_ports(req: Request) -> dict[str, Any]:
    return resources.list_all(req, PORTS)


def show_port(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, PORTS, ident)


def create_port(req: Request) -> dict[str, Any]:
    plans = [(body, resources.owner(req, body)) for body in resources.bodies(req)]

    def make() -> list[portviews.Made]:
        with req.db.write() as session:
            for project_id in sorted({project_id for _, project_id in plans}):
                count = sum(owner == project_id for _, owner in plans)
                resources.charge(req, session, project_id, port=count)
            return [_create(req, session, body, project_id) for body, project_id in plans]

    views = [portviews.new_view(req, made) for made in ipam.race(make)]
    return {"ports": views} if isinstance(req.body, list) else {"port": views[0]}


def _create(req: Request, session: Session, body: Any, project_id: str) -> portviews.Made:
    network = NETWORKS.load(session, req.ctx, body.network_id)
    _authorize(req, "create_port", body, port_target(session, req, project_id, network, body.device_owner))
    security = network.port_security_enabled
    if body.port_security_enabled is not UNSET:
        security = body.port_security_enabled
    mac = plain_mac(body.mac_address) if body.mac_address else new_mac()
    check_free_mac(session, network.id, mac)
    subnets = ipam.lock_subnets(session, network.id) if body.fixed_ips != [] else []
    host, now = body.host_id or "", utcnow()
    row = {
        **dict.fromkeys(("name", "description", "device_id", "device_owner", "dns_name"), ""),
        "admin_state_up": True,
        **resources.given(body, SETTABLE),
        "id": new_id(),
        "project_id": project_id,
        "network_id": network.id,
        "mac_address": mac,
        "port_security_enabled": security,
        "allowed_address_pairs": address_pairs(body.allowed_address_pairs, mac, security),
        "host": host,
        "vif_type": binding.vif_type(session, host),
        "profile": body.profile or {},
        "vnic_type": "normal",
        "qos_policy_id": qos.check_usable(session, req.ctx, body.qos_policy_id),
        "status": "DOWN",
        "revision_number": 0,
        "created_at": now,
        "updated_at": now,
    }
    groups = group_ids(req, session, project_id, body.security_groups, security, row["device_owner"])
    session.execute(insert(Port), [row])
    if body.fixed_ips:
        pairs = ipam.take_asked(session, network.id, subnets, body.fixed_ips, row["id"], mac)
    else:
        subnets = ipam.serving(network.id, subnets, row["device_owner"])
        pairs = ipam.choose(session, network.id, subnets, mac)
        ipam.take(session, row["id"], pairs)
    _join(session, row["id"], groups)
    tags = sorted(set(body.tags))
    if tags:
        session.execute(insert(Tag), [{"resource_id": row["id"], "tag": tag} for tag in tags])
    if host:
        sync.port(session, req, row["id"], network.id)
    return portviews.Made(row, [(subnet.id, address) for subnet, address in pairs], groups, network, tags)


def _join(session: Session, port_id: str, groups: list[str]) -> None:
    if groups:
        session.execute(insert(PortGroup), [{"port_id": port_id, "group_id": ident} for ident in groups])


def _authorize(req: Request, action: str, body: Any, aim: dict[str, Any]) -> None:
    resources.authorize(req, action, body, GUARDED, aim)
    for entry in body.fixed_ips or ():
        part = "ip_address" if entry.ip_address else "subnet_id"
        rule = f"{action}:fixed_ips:{part}"
        if not req.allows(rule, aim):
            raise Forbidden(f"Policy doesn't allow 'fixed_ips.{part}' to be set ({rule}).")


def update_port(req: Request, ident: str) -> dict[str, Any]:
    def change() -> None:
        with req.db.write() as session:
            _update(req, session, ident, req.body)

    ipam.race(change)
    return resources.show_one(req, PORTS, ident)


def _update(req: Request, session: Session, ident: str, body: Any) -> None:
    row = PORTS.load(session, req.ctx, ident, lock=True)
    network = session.execute(
        select(Network.id, Network.project_id, Network.shared).where(Network.id == row.network_id)
    ).one()
    owner = row.device_owner if body.device_owner is UNSET else body.device_owner
    _authorize(req, "update_port", body, port_target(session, req, row.project_id, network, owner))
    resources.check_revision(req, row)
    values = resources.given(body, SETTABLE)
    router_id = serviceports.router_of(session, row)
    if values.keys() & {"device_id", "device_owner"} or body.host_id is not UNSET:
        serviceports.check_free(session, row)
    if body.host_id is not UNSET and (body.host_id or "") != row.host:
        trunking.check_no_subport(session, ident)
    values.update(_new_mac(session, row, body), **_new_security(req, session, row, body))
    if body.fixed_ips is not UNSET:
        mac = values.get("mac_address", row.mac_address)
        gone = ipam.readdress(session, ident, row.network_id, body.fixed_ips or [], mac)
        if gone:
            floating.release(session, req, ident, gone)
    values.update(_new_binding(session, row, body))
    if body.qos_policy_id is not UNSET:
        values["qos_policy_id"] = qos.check_usable(session, req.ctx, body.qos_policy_id)
    session.execute(update(Port).where(Port.id == ident).values(**resources.touched(row, **values)))
    if "host" in values:
        trunking.bind(session, req, trunking.subports(session, ident), values["host"])
    if router_id:
        sync.routers(session, req, [router_id])
    elif row.host or values.get("host"):
        sync.port(session, req, ident, row.network_id)


def _new_mac(session: Session, row: Any, body: Any) -> dict[str, Any]:
    if not body.mac_address:
        return {}
    mac = plain_mac(body.mac_address)
    if mac == row.mac_address:
        return {}
    check_free_mac(session, row.network_id, mac)
    return {"mac_address": mac}


def _new_security(req: Request, session: Session, row: Any, body: Any) -> dict[str, Any]:
    """Port security, address pairs and groups, which depend on each other."""
    asked = body.port_security_enabled
    security = row.port_security_enabled if asked is UNSET else asked
    have = set(session.scalars(select(PortGroup.group_id).where(PortGroup.port_id == row.id)))
    pairs = row.allowed_address_pairs
    if body.allowed_address_pairs is not UNSET:
        pairs = address_pairs(body.allowed_address_pairs, row.mac_address, security)
    elif pairs and not security:
        raise fault("AddressPairAndPortSecurityRequired")
    if body.security_groups is not UNSET:
        wanted = body.security_groups or []
        groups = group_ids(req, session, row.project_id, wanted, security, row.device_owner)
        if set(groups) != have:
            session.execute(delete(PortGroup).where(PortGroup.port_id == row.id))
            _join(session, row.id, groups)
    elif have and not security:
        raise fault("PortSecurityPortHasSecurityGroup")
    return {"port_security_enabled": security, "allowed_address_pairs": pairs}


def _new_binding(session: Session, row: Any, body: Any) -> dict[str, Any]:
    values: dict[str, Any] = {}
    if body.profile is not UNSET:
        values["profile"] = body.profile or {}
    if body.host_id is UNSET or ((body.host_id or "") == row.host and row.vif_type != binding.FAILED):
        return values
    host = body.host_id or ""
    return {**values, "host": host, "vif_type": binding.vif_type(session, host), "status": "DOWN"}


def delete_port(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = PORTS.load(session, req.ctx, ident, lock=True)
        network = session.execute(
            select(Network.id, Network.project_id, Network.shared).where(Network.id == row.network_id)
        ).one()
        req.authorize("delete_port", port_target(session, req, row.project_id, network, row.device_owner))
        resources.check_revision(req, row)
        serviceports.check_free(session, row)
        trunking.check_free(session, ident)
        floating.release(session, req, ident)
        resources.charge(req, session, row.project_id, port=-1)
        session.execute(delete(Address).where(Address.port_id == ident))
        session.execute(delete(PortGroup).where(PortGroup.port_id == ident))
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(Port).where(Port.id == ident))
        if row.host:
            sync.port(session, req, ident, row.network_id)
