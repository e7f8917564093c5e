"""Namespaces of metadata definitions, and the types of resources that they are for."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import msgspec
from msgspec import UNSET
from sqlalchemy import Table, insert, select
from sqlalchemy import delete as sql_delete
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.core.image import metadefs
from knarr.core.image.api.metadefitems import store
from knarr.core.image.metadefs import COLUMNS, OBJECT, PATH, PROPERTY, TAG
from knarr.core.image.models import MetadefAssociation, MetadefNamespace, MetadefResourceType
from knarr.core.image.schemas import Association, Namespace, NamespaceChange, Property
from knarr.core.image.views import link, stamp
from knarr.kernel.db import insert_if_missing, utcnow
from knarr.kernel.errors import BadRequest, Conflict, Forbidden, NotFound
from knarr.kernel.listing import Listing
from knarr.kernel.request import Request, Response

LISTING = Listing(
    MetadefNamespace,
    id="namespace",
    sortable=("created_at", "updated_at", "visibility", "display_name", "project_id"),
    default_sort=(("created_at", "desc"), ("namespace", "desc")),
    aliases={"owner": "project_id"},
)
TYPES = cast(Table, MetadefResourceType.__table__)
FILTERS = ("visibility", "resource_types", "owner")
OTHERS = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir"})


def index(req: Request) -> dict[str, Any]:
    paging = LISTING.paging(req)
    if paging.limit is None:
        paging = replace(paging, limit=req.runtime.conf.image.limit_param_default)
    stmt = _filtered(select(*COLUMNS).where(metadefs.visible(req.ctx)), req.params)
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, paging)
        found = metadefs.namespaces(session, page.rows)
    answer: dict[str, Any] = {
        "namespaces": found,
        "first": link(req, PATH, None),
        "schema": f"{metadefs.SCHEMA}namespaces",
    }
    return answer | ({"next": link(req, PATH, page.next_marker)} if page.next_marker else {})


def _filtered(stmt: Any, params: dict[str, list[str]]) -> Any:
    unknown = sorted(params.keys() - OTHERS - set(FILTERS))
    if unknown:
        raise BadRequest(f"There is no filter '{unknown[0][:64]}'. Known here: {', '.join(FILTERS)}.")
    visibility = params.get("visibility", [None])[-1]
    if visibility is not None:
        if visibility not in ("public", "private"):
            raise BadRequest(
                f"Invalid value for 'visibility': {visibility[:64]!r} is neither public nor private."
            )
        stmt = stmt.where(MetadefNamespace.visibility == visibility)
    if "owner" in params:
        stmt = stmt.where(MetadefNamespace.project_id == params["owner"][-1])
    types = [name for value in params.get("resource_types", []) for name in value.split(",") if name]
    if types:
        having = select(MetadefAssociation.namespace_id).where(MetadefAssociation.name.in_(types))
        stmt = stmt.where(MetadefNamespace.id.in_(having))
    return stmt


def create(req: Request) -> Response:
    given: Namespace = req.body
    with req.db.write() as session:
        row = MetadefNamespace(**_own(req, given))
        session.add(row)
        _flush(session, given.namespace)
        _associate(session, row, given.resource_type_associations)
        store(session, row, OBJECT, given.objects)
        store(session, row, PROPERTY, [_named(name, body) for name, body in given.properties.items()])
        store(session, row, TAG, given.tags)
        view = metadefs.whole(session, row)
    return Response(view, headers={"Location": req.url(view["self"])})


def _own(req: Request, given: NamespaceChange) -> dict[str, Any]:
    """The columns of a namespace. Raises Forbidden for one of another project's, but for administrators."""
    owner = given.owner or req.ctx.project_id
    if not owner:
        raise BadRequest("A namespace needs an owner: use a token for a project, or name 'owner'.")
    if owner != req.ctx.project_id and not req.ctx.is_admin:
        raise Forbidden("You are not permitted to give a namespace to another project.")
    names = ("namespace", "display_name", "description", "visibility", "protected")
    return {name: getattr(given, name) for name in names} | {"project_id": owner}


def _named(name: str, body: Property) -> Property:
    return msgspec.structs.replace(body, name=name)


def _flush(session: Session, name: str) -> None:
    try:
        session.flush()
    except IntegrityError:
        raise Conflict(f"The metadata definition namespace={name} already exists.") from None


def show(req: Request, namespace: str) -> dict[str, Any]:
    wanted = req.params.get("resource_type", [""])[-1]
    with req.db.read() as session:
        view = metadefs.whole(session, metadefs.load(session, req.ctx, namespace))
    return metadefs.prefixed(view, wanted) if wanted else view


def update(req: Request, namespace: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = metadefs.load_own(session, req, namespace, "modify_metadef_namespace")
        for name, value in _own(req, req.body).items():
            setattr(row, name, value)
        row.updated_at = utcnow()
        _flush(session, row.namespace)
        return metadefs.namespaces(session, [row])[0]


def delete(req: Request, namespace: str) -> None:
    with req.db.write() as session:
        row = metadefs.load_own(session, req, namespace, "delete_metadef_namespace")
        metadefs.check_unprotected(row)
        session.execute(sql_delete(MetadefNamespace).where(MetadefNamespace.id == row.id))


def resource_types(req: Request) -> dict[str, Any]:
    with req.db.read() as session:
        rows = session.scalars(select(MetadefResourceType).order_by(MetadefResourceType.name)).all()
    found = [
        {"name": row.name, "created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at)}
        for row in rows
    ]
    return {"resource_types": found, "schema": f"{metadefs.SCHEMA}resource_types"}


def associations(req: Request, namespace: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = metadefs.load(session, req.ctx, namespace)
        view = metadefs.namespaces(session, [row])[0]
    return {"resource_type_associations": view.get("resource_type_associations", [])}


def associate(req: Request, namespace: str) -> dict[str, Any]:
    with req.db.write() as session:
        row = metadefs.load_own(session, req, namespace, "add_metadef_resource_type_association")
        _associate(session, row, [req.body])
        made = session.get(MetadefAssociation, (row.id, req.body.name))
        assert made is not None
        return metadefs.association(made)


def _associate(session: Session, namespace: MetadefNamespace, given: list[Association]) -> None:
    """Say that the namespace is for these types of resources; those that are new are made."""
    if not given:
        return
    now = utcnow()
    rows = []
    for item in given:
        stamps = {"created_at": now, "updated_at": now}
        insert_if_missing(session, TYPES, {"name": item.name, **stamps})
        prefix, target = (None if v is UNSET else v for v in (item.prefix, item.properties_target))
        rows.append(
            {"namespace_id": namespace.id, "name": item.name, "prefix": prefix, "properties_target": target}
        )
    try:
        session.execute(insert(MetadefAssociation), rows)
    except IntegrityError:
        names = ", ".join(item.name for item in given)[:255]
        raise Conflict(
            f"The metadata definition namespace={namespace.namespace} is associated with resource-type="
            f"{names} already."
        ) from None


def dissociate(req: Request, namespace: str, name: str) -> None:
    with req.db.write() as session:
        row = metadefs.load_own(session, req, namespace, "remove_metadef_resource_type_association")
        metadefs.check_unprotected(row)
        found = session.get(MetadefAssociation, (row.id, name))
        if found is None:
            raise NotFound(f"namespace={row.namespace} is not associated with resource-type={name[:80]}.")
        session.delete(found)
