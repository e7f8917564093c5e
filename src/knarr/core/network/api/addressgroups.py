"""Address groups: CIDRs that security group rules name together."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import ipam, resources, sharing, sync
from knarr.core.network.errors import fault
from knarr.core.network.models import AddressGroup, Rbac, Rule, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

KIND = "address_group"
SETTABLE = ("name", "description")


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(AddressGroup, KIND, ctx.project_id)
    everybody = sharing.granted(AddressGroup, KIND, sharing.ALL)
    return or_(AddressGroup.project_id == ctx.project_id, granted, everybody)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    shared = sharing.entries_seen(session, req.ctx, [row.id for row in rows])
    tags = resources.tags_of(session, [row.id for row in rows])
    return [
        {
            **resources.standard_view(row, tags),
            "name": row.name,
            "addresses": row.addresses,
            "shared": row.id in shared,
        }
        for row in rows
    ]


ADDRESS_GROUPS = resources.Resource(
    singular="address_group",
    plural="address-groups",
    model=AddressGroup,
    views=views,
    not_found="AddressGroupNotFound",
    visible=visible,
    sortable=("name",),
    filters={
        **resources.standard_filters(AddressGroup),
        "name": resources.equals(AddressGroup.name),
    },
)


def list_groups(req: Request) -> dict[str, Any]:
    return resources.list_all(req, ADDRESS_GROUPS)


def show_group(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, ADDRESS_GROUPS, ident)


def _addresses(texts: list[str]) -> list[str]:
    return list(dict.fromkeys(str(ipam.parse_net(text, "addresses")) for text in texts))


def create_group(req: Request) -> dict[str, Any]:
    rows = []
    for body in resources.bodies(req):
        project_id = resources.owner(req, body)
        req.authorize("create_address_group", resources.target(project_id))
        values = {"name": "", "description": "", **resources.given(body, SETTABLE)}
        addresses = _addresses(body.addresses)
        rows.append({"id": new_id(), "project_id": project_id, "addresses": addresses, **values})
    with req.db.write() as session:
        session.execute(insert(AddressGroup), rows)
    return resources.created(req, ADDRESS_GROUPS, [row["id"] for row in rows])


def _locked(req: Request, session: Session, ident: str, rule: str) -> Any:
    row = ADDRESS_GROUPS.load(session, req.ctx, ident, lock=True)
    req.authorize(rule, resources.target(row.project_id))
    resources.check_revision(req, row)
    return row


def update_group(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "update_address_group")
        _write(session, row, **resources.given(req.body, SETTABLE))
    return show_group(req, ident)


def _write(session: Session, row: Any, **values: Any) -> None:
    session.execute(
        update(AddressGroup).where(AddressGroup.id == row.id).values(**resources.touched(row, **values))
    )


def add_addresses(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "update_address_group")
        new = [text for text in _addresses(req.body.addresses) if text not in row.addresses]
        _readdress(req, session, row, [*row.addresses, *new])
    return show_group(req, ident)


def remove_addresses(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = _locked(req, session, ident, "update_address_group")
        gone = _addresses(req.body.addresses)
        missing = [text for text in gone if text not in row.addresses]
        if missing:
            raise fault("AddressesNotFound", addresses=", ".join(missing), id=ident)
        _readdress(req, session, row, [text for text in row.addresses if text not in gone])
    return show_group(req, ident)


def _readdress(req: Request, session: Session, row: Any, addresses: list[str]) -> None:
    """Have the security groups whose rules name the group follow."""
    _write(session, row, addresses=addresses)
    using = select(Rule.security_group_id).where(Rule.remote_address_group_id == row.id).distinct()
    for group_id in session.scalars(using.order_by(Rule.security_group_id)).all():
        sync.group(session, req, group_id)


def delete_group(req: Request, ident: str) -> None:
    with req.db.write() as session:
        _locked(req, session, ident, "delete_address_group")
        if session.scalar(select(Rule.id).where(Rule.remote_address_group_id == ident).limit(1)):
            raise fault("AddressGroupInUse", id=ident)
        session.execute(delete(Rbac).where(Rbac.object_id == ident))
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(AddressGroup).where(AddressGroup.id == ident))
