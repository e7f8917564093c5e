"""Rules of security groups."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_interface
from typing import Any

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, sync
from knarr.core.network.api.addressgroups import ADDRESS_GROUPS
from knarr.core.network.api.groups import GROUPS, make_default
from knarr.core.network.errors import fault
from knarr.core.network.models import Rule, Tag
from knarr.core.network.protocols import ICMP, IPV6_ONLY, NUMBERS, WITH_PORTS, number_of
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

MATCH = (
    "direction",
    "ethertype",
    "protocol",
    "port_range_min",
    "port_range_max",
    "remote_ip_prefix",
    "remote_group_id",
    "remote_address_group_id",
)
ETHERTYPES = {"ipv4": "IPv4", "ipv6": "IPv6"}
VERSIONS = {"IPv4": 4, "IPv6": 6}


def rule_view(row: Any, tags: dict[str, list[str]]) -> dict[str, Any]:
    return {
        **resources.standard_view(row, tags),
        "security_group_id": row.security_group_id,
        **{name: getattr(row, name) for name in MATCH},
        "normalized_cidr": _normalized(row.remote_ip_prefix),
    }


def _normalized(prefix: str | None) -> str | None:
    return str(ip_interface(prefix).network) if prefix else None


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    tags = resources.tags_of(session, [row.id for row in rows])
    return [rule_view(row, tags) for row in rows]


RULES = resources.Resource(
    singular="security_group_rule",
    plural="security-group-rules",
    model=Rule,
    views=views,
    not_found="SecurityGroupRuleNotFound",
    sortable=("security_group_id", *MATCH),
    filters={
        **resources.standard_filters(Rule),
        **{
            name: resources.equals(getattr(Rule, name))
            for name in (
                "security_group_id",
                "direction",
                "ethertype",
                "protocol",
                "remote_ip_prefix",
                "remote_group_id",
                "remote_address_group_id",
            )
        },
        "port_range_min": resources.number(Rule.port_range_min),
        "port_range_max": resources.number(Rule.port_range_max),
    },
)


def list_rules(req: Request) -> dict[str, Any]:
    make_default(req)
    return resources.list_all(req, RULES)


def show_rule(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, RULES, ident)


def create_rule(req: Request) -> dict[str, Any]:
    plans = [(body, resources.owner(req, body), rule_values(body)) for body in resources.bodies(req)]
    ids, touched = [], set()
    with req.db.write() as session:
        for body, project_id, values in plans:
            group = GROUPS.load(session, req.ctx, body.security_group_id, lock=True)
            req.authorize("create_security_group_rule", resources.target(project_id))
            if body.remote_group_id and body.remote_group_id != group.id:
                GROUPS.load(session, req.ctx, body.remote_group_id)
            if body.remote_address_group_id:
                ADDRESS_GROUPS.load(session, req.ctx, body.remote_address_group_id, lock=True)
            _check_new(session, group.id, values)
            owner = group.project_id
            resources.charge(req, session, owner, security_group_rule=1)
            row = {"id": new_id(), "project_id": owner, "security_group_id": group.id, **values}
            session.execute(insert(Rule), [row])
            ids.append(row["id"])
            touched.add(group.id)
        for group_id in sorted(touched):
            sync.group(session, req, group_id)
    return resources.created(req, RULES, ids)


def _check_new(session: Session, group_id: str, values: dict[str, Any]) -> None:
    same = [
        getattr(Rule, name).is_(None) if values[name] is None else getattr(Rule, name) == values[name]
        for name in MATCH
    ]
    found = session.scalar(select(Rule.id).where(Rule.security_group_id == group_id, *same).limit(1))
    if found:
        raise fault("SecurityGroupRuleExists", id=found)


def rule_values(body: Any) -> dict[str, Any]:
    """What the rule matches, checked and in the forms that are stored."""
    if body.remote_ip_prefix and body.remote_group_id:
        raise fault("SecurityGroupRemoteGroupAndRemoteIpPrefix")
    if body.remote_address_group_id and (body.remote_ip_prefix or body.remote_group_id):
        raise fault("SecurityGroupRuleRemotesConflict")
    prefix = _prefix(body.remote_ip_prefix)
    ethertype = _ethertype(body.ethertype, prefix)
    protocol = _protocol(body.protocol, ethertype)
    _check_range(body, protocol)
    return {
        "direction": body.direction,
        "ethertype": ethertype,
        "protocol": protocol,
        "port_range_min": body.port_range_min,
        "port_range_max": body.port_range_max,
        # As upstream, with the bits behind the prefix: clients that keep a state look for what they sent.
        "remote_ip_prefix": str(ip_interface(body.remote_ip_prefix)) if prefix is not None else None,
        "remote_group_id": body.remote_group_id or None,
        "remote_address_group_id": body.remote_address_group_id or None,
        "description": body.description,
    }


def _prefix(text: str | None) -> Any:
    return ipam.parse_net(text, "remote_ip_prefix") if text else None


def _ethertype(text: str | None, prefix: Any) -> str:
    if text is None:
        return "IPv6" if prefix is not None and prefix.version == 6 else "IPv4"
    ethertype = ETHERTYPES.get(text.lower())
    if ethertype is None:
        raise fault("SecurityGroupRuleInvalidEtherType", value=text)
    if prefix is not None and prefix.version != VERSIONS[ethertype]:
        raise fault("SecurityGroupRuleParameterConflict", ethertype=ethertype, cidr=prefix)
    return ethertype


def _protocol(value: str | int | None, ethertype: str) -> str | None:
    text = str(value).lower() if value is not None else "any"
    if text in ("any", ""):
        return None
    number = number_of(text)
    if number is None:
        raise fault("SecurityGroupRuleInvalidProtocol", protocol=text, known=", ".join(NUMBERS))
    if ethertype == "IPv4" and number in IPV6_ONLY:
        raise fault("SecurityGroupEthertypeConflictWithProtocol", ethertype=ethertype, protocol=text)
    if ethertype == "IPv6" and text == "icmp":
        return "ipv6-icmp"
    return text


def _check_range(body: Any, protocol: str | None) -> None:
    low, high = body.port_range_min, body.port_range_max
    if low is None and high is None:
        return
    if protocol is None:
        raise fault("SecurityGroupProtocolRequiredWithPorts")
    number = number_of(protocol)
    if number in ICMP:
        _check_icmp(low, high)
    elif number in WITH_PORTS:
        _check_ports(low, high)
    else:
        raise fault("SecurityGroupInvalidProtocolForPort", protocol=protocol)


def _check_icmp(kind: int | None, code: int | None) -> None:
    for field, value in (("type (port_range_min)", kind), ("code (port_range_max)", code)):
        if value is not None and not 0 <= value <= 255:
            raise fault("SecurityGroupInvalidIcmpValue", field=field, value=value)
    if kind is None:
        raise fault("SecurityGroupMissingIcmpType")


def _check_ports(low: int | None, high: int | None) -> None:
    for port in (low, high):
        if port is not None and not 0 <= port <= 65535:
            raise fault("SecurityGroupInvalidPortValue", port=port)
    if not low or not high or low > high:
        raise fault("SecurityGroupInvalidPortRange")


def delete_rule(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = RULES.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_security_group_rule", resources.target(row.project_id))
        resources.check_revision(req, row)
        resources.charge(req, session, row.project_id, security_group_rule=-1)
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(Rule).where(Rule.id == ident))
        sync.group(session, req, row.security_group_id)
