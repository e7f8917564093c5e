"""Namespaces of metadata definitions: who sees them, and how they and what they hold are shown."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from sqlalchemy import ColumnElement, or_, select, true
from sqlalchemy.orm import Session

from knarr.core.image.models import MetadefAssociation, MetadefItem, MetadefNamespace
from knarr.core.image.views import stamp
from knarr.kernel.context import RequestContext
from knarr.kernel.errors import Forbidden, NotFound
from knarr.kernel.request import Request

PATH = "/v2/metadefs/namespaces"
SCHEMA = "/v2/schemas/metadefs/"
OBJECT, PROPERTY, TAG = "object", "property", "tag"

COLUMNS = tuple(MetadefNamespace.__table__.columns)


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    if ctx.is_admin:
        return true()
    return or_(MetadefNamespace.project_id == ctx.project_id, MetadefNamespace.visibility == "public")


def load(session: Session, ctx: RequestContext, name: str, lock: bool = False) -> MetadefNamespace:
    """The namespace of that name; with `lock`, for this transaction alone. Raises NotFound also for those
    that the caller may not see."""
    stmt = select(MetadefNamespace).where(MetadefNamespace.namespace == name, visible(ctx))
    found = session.scalars(stmt.with_for_update() if lock else stmt).first()
    if found is None:
        raise NotFound(f"Metadata definition namespace={name[:80]} was not found.")
    return found


def load_own(session: Session, req: Request, name: str, rule: str) -> MetadefNamespace:
    """The namespace, locked, to be changed: Forbidden unless the rule allows it with the owner as target."""
    found = load(session, req.ctx, name, lock=True)
    req.authorize(rule, {"project_id": found.project_id, "owner": found.project_id})
    return found


def check_unprotected(namespace: MetadefNamespace) -> None:
    if namespace.protected:
        raise Forbidden(
            f"Metadata definition namespace={namespace.namespace} is protected; nothing of it can be deleted."
        )


def namespaces(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The views of rows (entities or rows of COLUMNS), with their associations in one query."""
    found: dict[str, list[dict[str, Any]]] = {}
    if rows:
        stmt = select(MetadefAssociation).where(MetadefAssociation.namespace_id.in_([row.id for row in rows]))
        for row in session.scalars(stmt.order_by(MetadefAssociation.name)):
            found.setdefault(row.namespace_id, []).append(association(row))
    return [_namespace(row, found.get(row.id, [])) for row in rows]


def _namespace(row: Any, associations: list[dict[str, Any]]) -> dict[str, Any]:
    view = {
        "namespace": row.namespace,
        "visibility": row.visibility,
        "protected": row.protected,
        "owner": row.project_id,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "self": address(row.namespace),
        "schema": f"{SCHEMA}namespace",
    }
    view |= {k: v for k in ("display_name", "description") if (v := getattr(row, k)) is not None}
    return view | ({"resource_type_associations": associations} if associations else {})


def address(*parts: str) -> str:
    return "/".join([PATH, *(quote(part, safe="") for part in parts)])


def whole(session: Session, row: Any) -> dict[str, Any]:
    """The namespace with all that it holds."""
    view = namespaces(session, [row])[0]
    items = session.scalars(
        select(MetadefItem).where(MetadefItem.namespace_id == row.id).order_by(MetadefItem.name)
    ).all()
    objects = [item_view(row.namespace, item) for item in items if item.kind == OBJECT]
    properties = {item.name: item.body for item in items if item.kind == PROPERTY}
    tags = [{"name": item.name} for item in items if item.kind == TAG]
    held = {"objects": objects, "properties": properties, "tags": tags}
    return view | {name: value for name, value in held.items() if value}


def prefixed(view: dict[str, Any], resource_type: str) -> dict[str, Any]:
    """The namespace with the names of its properties as that type of resource has them."""
    found = [row for row in view.get("resource_type_associations", []) if row["name"] == resource_type]
    prefix = found[0].get("prefix", "") if found else ""

    def renamed(properties: dict[str, Any]) -> dict[str, Any]:
        return {prefix + name: body for name, body in properties.items()}

    objects = [
        item | {"required": [prefix + n for n in item["required"]], "properties": renamed(item["properties"])}
        for item in view.get("objects", [])
    ]
    changed = {"objects": objects, "properties": renamed(view.get("properties", {}))}
    return view | {name: value for name, value in changed.items() if value}


def association(row: MetadefAssociation) -> dict[str, Any]:
    given = {"prefix": row.prefix, "properties_target": row.properties_target}
    return {
        "name": row.name,
        **{name: value for name, value in given.items() if value is not None},
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
    }


def item_view(namespace: str, row: MetadefItem) -> dict[str, Any]:
    view = {"name": row.name, **row.body}
    if row.kind == PROPERTY:
        return view
    view |= {"created_at": stamp(row.created_at), "updated_at": stamp(row.updated_at)}
    if row.kind == OBJECT:
        view |= {"self": address(namespace, "objects", row.name), "schema": f"{SCHEMA}object"}
    return view
