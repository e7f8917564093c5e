"""Images as the API shows them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.core.image.models import Image, ImageMember, ImageProperty, ImageTag
from knarr.kernel.request import Request

FORMAT = "%Y-%m-%dT%H:%M:%SZ"
STORE = "file"
WITH_DATA = ("active", "deactivated")

COLUMNS = tuple(Image.__table__.columns)
PLAIN = tuple(
    column.name for column in COLUMNS if column.name not in ("project_id", "created_at", "updated_at")
)


def stamp(moment: datetime) -> str:
    return moment.strftime(FORMAT)


def link(req: Request, path: str, marker: str | None) -> str:
    """Path and query of a list, from the marker on: clients put them behind the endpoint."""
    pairs = [(k, value) for k, values in req.params.items() if k != "marker" for value in values]
    query = urlencode([*pairs, ("marker", marker)] if marker else pairs)
    return f"{path}?{query}" if query else path


def images(session: Session, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """The views of rows (entities or rows of COLUMNS), with tags and properties in a query each."""
    ids = [row.id for row in rows]
    tags: dict[str, list[str]] = {}
    extras: dict[str, dict[str, str]] = {}
    if ids:
        connection = session.connection()
        for ident, tag in connection.execute(
            select(ImageTag.image_id, ImageTag.tag).where(ImageTag.image_id.in_(ids)).order_by(ImageTag.tag)
        ):
            tags.setdefault(ident, []).append(tag)
        for ident, name, value in connection.execute(
            select(ImageProperty.image_id, ImageProperty.name, ImageProperty.value).where(
                ImageProperty.image_id.in_(ids)
            )
        ):
            extras.setdefault(ident, {})[name] = value
    return [_image(row, tags.get(row.id, []), extras.get(row.id, {})) for row in rows]


def image(session: Session, row: Any) -> dict[str, Any]:
    session.flush()
    return images(session, [row])[0]


def _image(row: Any, tags: list[str], extras: dict[str, str]) -> dict[str, Any]:
    view: dict[str, Any] = dict(extras)
    for name in PLAIN:
        view[name] = getattr(row, name)
    path = f"/v2/images/{row.id}"
    view |= {
        "owner": row.project_id or None,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "tags": tags,
        "self": path,
        "file": f"{path}/file",
        "schema": "/v2/schemas/image",
    }
    if row.status in WITH_DATA and row.size is not None:
        view["stores"] = STORE
    return view


def member(row: ImageMember) -> dict[str, Any]:
    return {
        "image_id": row.image_id,
        "member_id": row.member_id,
        "status": row.status,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "schema": "/v2/schemas/member",
    }
