"""Address scopes: subnet pools that have no address in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import ColumnElement, delete, insert, or_, select, update
from sqlalchemy.orm import Session

from knarr.core.network import resources, sharing
from knarr.core.network.errors import fault
from knarr.core.network.models import AddressScope, Rbac, SubnetPool, Tag
from knarr.kernel.context import RequestContext
from knarr.kernel.db import new_id
from knarr.kernel.request import Request

KIND = "address_scope"
GUARDED = {"shared": "shared"}


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    granted = sharing.granted(AddressScope, KIND, ctx.project_id)
    return or_(AddressScope.project_id == ctx.project_id, AddressScope.shared.is_(True), granted)


def views(req: Request, session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    shared = sharing.seen_as_shared(session, req.ctx, rows, KIND)
    return [
        {
            "id": row.id,
            "project_id": row.project_id,
            "tenant_id": row.project_id,
            "name": row.name,
            "ip_version": row.ip_version,
            "shared": row.id in shared,
        }
        for row in rows
    ]


SCOPES = resources.Resource(
    singular="address_scope",
    plural="address-scopes",
    model=AddressScope,
    views=views,
    not_found="AddressScopeNotFound",
    visible=visible,
    sortable=("name", "ip_version", "shared"),
    filters={
        **resources.standard_filters(AddressScope),
        "name": resources.equals(AddressScope.name),
        "ip_version": resources.number(AddressScope.ip_version),
        "shared": resources.is_true(AddressScope.shared),
    },
)


def list_scopes(req: Request) -> dict[str, Any]:
    return resources.list_all(req, SCOPES)


def show_scope(req: Request, ident: str) -> dict[str, Any]:
    return resources.show_one(req, SCOPES, ident)


def create_scope(req: Request) -> dict[str, Any]:
    rows = []
    with req.db.write() as session:
        for body in resources.bodies(req):
            project_id = resources.owner(req, body)
            resources.authorize(req, "create_address_scope", body, GUARDED, resources.target(project_id))
            values = {"name": "", "shared": False, **resources.given(body, ("name", "ip_version", "shared"))}
            rows.append({"id": new_id(), "project_id": project_id, **values})
            sharing.share(session, project_id, KIND, rows[-1]["id"], values["shared"])
        session.execute(insert(AddressScope), rows)
    return resources.created(req, SCOPES, [row["id"] for row in rows])


def update_scope(req: Request, ident: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = SCOPES.load(session, req.ctx, ident, lock=True)
        resources.authorize(req, "update_address_scope", req.body, GUARDED, resources.target(row.project_id))
        resources.check_revision(req, row)
        values = resources.given(req.body, ("name", "shared"))
        if row.shared and values.get("shared") is False:
            raise fault("AddressScopeUpdateError", id=ident, why="a shared address scope stays shared")
        if "shared" in values:
            sharing.share(session, row.project_id, KIND, ident, values["shared"])
        session.execute(
            update(AddressScope).where(AddressScope.id == ident).values(**resources.touched(row, **values))
        )
    return resources.show_one(req, SCOPES, ident)


def delete_scope(req: Request, ident: str) -> None:
    with req.db.write() as session:
        row = SCOPES.load(session, req.ctx, ident, lock=True)
        req.authorize("delete_address_scope", resources.target(row.project_id))
        resources.check_revision(req, row)
        if session.scalar(select(SubnetPool.id).where(SubnetPool.address_scope_id == ident).limit(1)):
            raise fault("AddressScopeInUse", id=ident)
        session.execute(delete(Rbac).where(Rbac.object_id == ident))
        session.execute(delete(Tag).where(Tag.resource_id == ident))
        session.execute(delete(AddressScope).where(AddressScope.id == ident))
