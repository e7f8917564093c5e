"""What a port is to have, worked out from a request: MAC, address pairs, groups; and its policies' target."""

from __future__ import annotations

import secrets
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.network import resources, sharing
from knarr.core.network.api.groups import ensure_default, visible
from knarr.core.network.errors import fault, invalid
from knarr.core.network.ipam import parse_net
from knarr.core.network.models import Port, SecurityGroup
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

MAC_PREFIX = "fa:16:3e"  # OpenStack's
SETTABLE = ("name", "description", "admin_state_up", "device_id", "device_owner", "dns_name", "vnic_type")
GUARDED = {
    "device_owner": "device_owner",
    "mac_address": "mac_address",
    "fixed_ips": "fixed_ips",
    "port_security_enabled": "port_security_enabled",
    "allowed_address_pairs": "allowed_address_pairs",
    "host_id": "binding:host_id",
    "profile": "binding:profile",
    "vnic_type": "binding:vnic_type",
}


def new_mac() -> str:
    tail = secrets.token_bytes(3)
    return MAC_PREFIX + "".join(f":{byte:02x}" for byte in tail)


def plain_mac(mac: str) -> str:
    """As MAC addresses are stored: small letters and colons."""
    return mac.lower().replace("-", ":")


def check_free_mac(session: Session, network_id: str, mac: str) -> None:
    if mac == "00:00:00:00:00:00" or int(mac[:2], 16) & 1:
        raise invalid(f"'mac_address' {mac} is not an address of one interface")
    stmt = select(Port.id).where(Port.network_id == network_id, Port.mac_address == mac)
    if session.scalar(stmt):
        raise fault("MacAddressInUse", mac=mac, network=network_id)


def port_target(
    session: Session, req: Request, project_id: str, network: Any, device_owner: Any
) -> dict[str, Any]:
    """What the policies of ports look at; `network` has id, project_id and shared."""
    shared = sharing.seen_as_shared(session, req.ctx, [network], "network")
    owner = "" if device_owner is UNSET else device_owner
    return resources.target(
        project_id,
        **{
            "network:project_id": network.project_id,
            "network:shared": bool(shared),
            "network_device": owner.startswith("network:"),
        },
    )


def address_pairs(pairs: Any, mac: str, security: bool) -> list[dict[str, str]]:
    if not pairs:
        return []
    if not security:
        raise fault("AddressPairAndPortSecurityRequired")
    checked = []
    for pair in pairs:
        if not pair.ip_address:
            raise fault("AllowedAddressPairsMissingIP")
        parse_net(pair.ip_address, "allowed_address_pairs.ip_address")
        entry = {"ip_address": pair.ip_address, "mac_address": plain_mac(pair.mac_address or mac)}
        if entry in checked:
            raise invalid(f"'allowed_address_pairs' has {pair.ip_address} twice")
        checked.append(entry)
    return checked


def group_ids(
    req: Request, session: Session, project_id: str, asked: Any, security: bool, device_owner: str
) -> list[str]:
    """The groups asked for, else the default one; none without port security or on network devices."""
    if asked is UNSET or asked is None:
        if not security or device_owner.startswith("network:"):
            return []
        return [ensure_default(session, req, project_id)]
    wanted = list(dict.fromkeys(asked))
    if not wanted:
        return []
    if not security:
        raise fault("PortSecurityAndIPRequiredForSecurityGroups")
    stmt = select(SecurityGroup.id).where(SecurityGroup.id.in_(wanted))
    if not req.ctx.is_admin:
        stmt = stmt.where(visible(req.ctx))
    found = set(session.scalars(stmt))
    missing = [ident for ident in wanted if ident not in found]
    if missing:
        raise fault("SecurityGroupNotFound", id=", ".join(missing))
    return wanted
