"""Subnet pools."""

from __future__ import annotations

from collections.abc import Sequence
from ipaddress import ip_network
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import pools, resources, sharing
from knarr.core.network.api.addressscopes import SCOPES
from knarr.core.network.errors import fault, invalid
from knarr.core.network.models import Network, Rbac, Subnet, SubnetPool, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request
from knarr.kernel.schema import UNSET

KIND = "subnetpool"
SETTABLE = ("name", "description", "shared", "is_default")
GUARDED = {"shared": "shared", "is_default": "is_default"}
SHOWN = (
    "name",
    "ip_version",
    "prefixes",
    "is_default",
    "default_quota",
    "address_scope_id",
)
LENGTHS = ("min_prefixlen", "default_prefixlen", "max_prefixlen")


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(SubnetPool, KIND, ctx.project_id)
    return or_(SubnetPool.project_id == ctx.project_id, SubnetPool.shared.is_(True), granted)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    tags = resources.tags_of(session, [row.id for row in rows])
    shared = sharing.seen_as_shared(session, req.ctx, rows, KIND)
    return [
        {
            **resources.standard_view(row, tags),
            **{name: getattr(row, name) for name in SHOWN},
            # Upstream shows them as text.
            **{name: str(getattr(row, name)) for name in LENGTHS},
            "shared": row.id in shared,
        }
        for row in rows
    ]


POOLS = resources.Resource(
    singular="subnetpool",
    plural="subnetpools",
    model=SubnetPool,
    views=views,
    not_found="SubnetPoolNotFound",
    visible=visible,
    sortable=("name", "ip_version", "is_default", "shared", "default_quota", "address_scope_id", *LENGTHS),
    filters={
        **resources.standard_filters(SubnetPool),
        "name": resources.equals(SubnetPool.name),
        "address_scope_id": resources.equals(SubnetPool.address_scope_id),
        "shared": resources.is_true(SubnetPool.shared),
        "is_default": resources.is_true(SubnetPool.is_default),
        "ip_version": resources.number(SubnetPool.ip_version),
        "default_quota": resources.number(SubnetPool.default_quota),
        **{name: resources.number(getattr(SubnetPool, name)) for name in LENGTHS},
    },
)


def list_subnetpools(req: Request) -> dict[str, Any]:
    return resources.list_all(req, POOLS)


def show_subnetpool(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, POOLS, ident)


def create_subnetpool(req: Request) -> dict[str, Any]:
    plans = [(body, _new(req, body)) for body in resources.bodies(req)]
    with req.db.write() as session:
        for body, row in plans:
            resources.charge(req, session, row["project_id"], subnetpool=1)
            _check_default(session, row["id"], row["ip_version"], row["is_default"])
            row["address_scope_id"] = _scope(req, session, row, body.address_scope_id)
            sharing.share(session, row["project_id"], KIND, row["id"], row["shared"])
            session.execute(insert(SubnetPool), [row])
    return resources.created(req, POOLS, [row["id"] for _, row in plans])


def _new(req: Request, body: Any) -> dict[str, Any]:
    project_id = resources.owner(req, body)
    resources.authorize(req, "create_subnetpool", body, GUARDED, resources.target(project_id))
    nets = pools.parse_prefixes(body.prefixes)
    lengths = pools.bounds(nets[0].version, *(_given(body, name) for name in _ORDER))
    flags = {"shared": False, "is_default": False, "name": "", "description": ""}
    return {
        "id": new_id(),
        "project_id": project_id,
        "ip_version": nets[0].version,
        "prefixes": [str(net) for net in nets],
        "default_quota": _given(body, "default_quota"),
        **lengths,
        **flags,
        **resources.given(body, SETTABLE),
    }


_ORDER = ("min_prefixlen", "max_prefixlen", "default_prefixlen")


def _given(body: Any, name: str) -> Any:
    value = getattr(body, name)
    return None if value is UNSET else value


def _check_default(session: Session, ident: str, version: int, wanted: bool) -> None:
    same = (SubnetPool.is_default.is_(True), SubnetPool.ip_version == version, SubnetPool.id != ident)
    if wanted and session.scalar(select(SubnetPool.id).where(*same)):
        raise invalid(f"'is_default': there is a default subnet pool of IP version {version} already")


def _scope(req: Request, session: Session, pool: dict[str, Any], scope_id: Any) -> str | None:
    """The address scope, if the pool may be in it."""
    if scope_id is UNSET or not scope_id:
        return None
    scope = SCOPES.load(session, req.ctx, scope_id, lock=True)
    if scope.ip_version != pool["ip_version"]:
        raise fault("IllegalSubnetPoolIpVersionAssociationToAddressScope", scope=scope_id, pool=pool["id"])
    if scope.project_id != pool["project_id"] and not (scope.shared or req.ctx.is_admin):
        raise fault("IllegalSubnetPoolAssociationToAddressScope", scope=scope_id, pool=pool["id"])
    if pool["shared"] and not scope.shared:
        raise fault("IllegalSubnetPoolUpdate", why=f"a shared pool cannot be in scope {scope_id}: share that")
    nets = [ip_network(text) for text in pool["prefixes"]]
    pools.check_scope(session, scope.id, pool["id"], nets)
    return str(scope.id)


def _locked(req: Request, session: Session, ident: str, rule: str) -> Any:
    row = POOLS.load(session, req.ctx, ident, lock=True)
    req.authorize(rule, resources.target(row.project_id))
    resources.check_revision(req, row)
    return row


def update_subnetpool(req: Request, ident: str) -> dict[str, Any]:
    body = req.body
    with req.db.write() as session:
        row = _locked(req, session, ident, "update_subnetpool")
        resources.authorize(req, "update_subnetpool", body, GUARDED, resources.target(row.project_id))
        values = {**resources.given(body, SETTABLE), **_lengths(body, row)}
        if body.default_quota is not UNSET:
            values["default_quota"] = body.default_quota
        if body.prefixes is not UNSET:
            values["prefixes"] = _extended(row, body.prefixes)
        _check_default(session, ident, row.ip_version, values.get("is_default", False))
        _place(req, session, row, values, body.address_scope_id)
        if "shared" in values:
            sharing.share(session, row.project_id, KIND, ident, values["shared"])
        _write(session, row, **values)
    return resources.show_one(req, POOLS, ident)


def _lengths(body: Any, row: Any) -> dict[str, int]:
    if all(getattr(body, name) is UNSET for name in _ORDER):
        return {}
    asked = (getattr(body, name) for name in _ORDER)
    merged = (
        getattr(row, name) if value is UNSET or value is None else value
        for name, value in zip(_ORDER, asked, strict=True)
    )
    return pools.bounds(row.ip_version, *merged)


def _extended(row: Any, texts: list[str]) -> list[str]:
    nets = pools.parse_prefixes(texts, row.ip_version)
    if not pools.within([ip_network(text) for text in row.prefixes], nets):
        raise fault("IllegalSubnetPoolPrefixUpdate", why="the prefixes that are there must stay")
    return [str(net) for net in nets]


def _place(req: Request, session: Session, row: Any, values: dict[str, Any], asked: Any) -> None:
    """Put the pool as it will be into its address scope, anew if its prefixes or sharing change."""
    scope_id = row.address_scope_id if asked is UNSET else asked
    will_be = {
        **{name: getattr(row, name) for name in ("id", "project_id", "ip_version", "prefixes", "shared")},
        **values,
    }
    if asked is not UNSET or values.keys() & {"prefixes", "shared"}:
        values["address_scope_id"] = _scope(req, session, will_be, scope_id)


def _write(session: Session, row: Any, **values: Any) -> None:
    session.execute(
        update(SubnetPool).where(SubnetPool.id == row.id).values(**resources.touched(row, **values))
    )


def delete_subnetpool(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = _locked(req, session, ident, "delete_subnetpool")
        if session.scalar(select(Subnet.id).where(Subnet.subnetpool_id == ident).limit(1)):
            raise fault("SubnetPoolDeleteError", why=f"subnet pool {ident} has subnets")
        resources.charge(req, session, row.project_id, subnetpool=-1)
        session.execute(delete(Rbac).where(Rbac.object_id == ident))
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(SubnetPool).where(SubnetPool.id == ident))


def add_prefixes(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "add_prefixes")
        nets = pools.parse_prefixes([*row.prefixes, *req.body.prefixes], row.ip_version)
        if row.address_scope_id:
            pools.check_scope(session, row.address_scope_id, ident, nets)
        _write(session, row, prefixes=[str(net) for net in nets])
    return {"prefixes": [str(net) for net in nets]}


def remove_prefixes(req: Request, ident: str) -> dict[str, Any]:
    """What subnets use stays: 400 IllegalSubnetPoolPrefixUpdate."""
    with req.db.write() as session:
        row = _locked(req, session, ident, "remove_prefixes")
        gone = pools.parse_prefixes(req.body.prefixes, row.ip_version)
        used = session.scalars(select(Subnet.cidr).where(Subnet.subnetpool_id == ident)).all()
        if any(ip_network(cidr).overlaps(net) for cidr in used for net in gone):
            raise fault("IllegalSubnetPoolPrefixUpdate", why="there are subnets in what is to be removed")
        left = pools.without([ip_network(text) for text in row.prefixes], gone)
        _write(session, row, prefixes=[str(net) for net in left])
    return {"prefixes": [str(net) for net in left]}


def onboard_network_subnets(req: Request, ident: str) -> dict[str, Any]:
    """Take those subnets of a network that are of the pool's IP version; their CIDRs become prefixes."""
    with req.db.write() as session:
        row = _locked(req, session, ident, "onboard_network_subnets")
        network = session.execute(
            select(Network.id, Network.project_id).where(Network.id == req.body.network_id)
        ).first()
        if network is None or (network.project_id != req.ctx.project_id and not req.ctx.is_admin):
            raise fault("NetworkNotFound", id=req.body.network_id)
        mine = (Subnet.network_id == network.id, Subnet.ip_version == row.ip_version)
        found = session.execute(select(Subnet.id, Subnet.cidr, Subnet.subnetpool_id).where(*mine)).all()
        new = [ip_network(subnet.cidr) for subnet in found if subnet.subnetpool_id != ident]
        if any(subnet.subnetpool_id not in (None, ident) for subnet in found):
            raise fault("IllegalSubnetPoolPrefixUpdate", why="a subnet of the network is in another pool")
        if any(net.overlaps(ip_network(text)) for net in new for text in row.prefixes):
            why = "a subnet of the network overlaps with a prefix that the pool has"
            raise fault("IllegalSubnetPoolPrefixUpdate", why=why)
        nets = pools.parse_prefixes([*row.prefixes, *map(str, new)], row.ip_version)
        if row.address_scope_id:
            pools.check_scope(session, row.address_scope_id, ident, nets)
        _write(session, row, prefixes=[str(net) for net in nets])
        session.execute(update(Subnet).where(*mine).values(subnetpool_id=ident))
    return {}
