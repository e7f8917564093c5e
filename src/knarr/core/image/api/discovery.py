"""What the service is: versions, schemas, use."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select

from knarr.core.image.documents import SCHEMAS
from knarr.core.image.metadefdocuments import SCHEMAS as METADEF_SCHEMAS
from knarr.core.image.models import Image
from knarr.kernel.errors import NotFound
from knarr.kernel.request import Request

# Those that Glance tells with stores that can be named and with a cache. 2.17 would let users add locations.
CURRENT, *SUPPORTED = (
    "2.16", "2.15", "2.14", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.7", "2.6", "2.5", "2.4", "2.3",
    "2.2", "2.1", "2.0",
)  # fmt: skip


def versions(req: Request) -> dict[str, Any]:
    links = [{"rel": "self", "href": req.url("/v2/")}]
    found = [{"id": f"v{CURRENT}", "status": "CURRENT", "links": links}]
    found += [{"id": f"v{number}", "status": "SUPPORTED", "links": links} for number in SUPPORTED]
    return {"versions": found}


def schema(req: Request, name: str) -> dict[str, Any]:
    return _schema(SCHEMAS, name)


def metadef_schema(req: Request, name: str) -> dict[str, Any]:
    return _schema(METADEF_SCHEMAS, name)


def _schema(known: dict[str, dict[str, Any]], name: str) -> dict[str, Any]:
    if name not in known:
        raise NotFound(f"There is no schema '{name[:64]}'. There are: {', '.join(known)}.")
    return known[name]


def usage(req: Request) -> dict[str, Any]:
    """What the project uses; there are no limits but those of single images."""
    mine = Image.project_id == req.ctx.project_id
    with req.db.read() as session:
        count, size = session.execute(
            select(func.count(), func.coalesce(func.sum(Image.size), 0)).where(mine)
        ).one()
        uploading = session.scalar(
            select(func.count()).where(mine, Image.status.in_(("saving", "uploading", "importing")))
        )
    return {
        "usage": {
            "image_size_total": {"limit": -1, "usage": int(size or 0) // (1024 * 1024)},
            "image_count_total": {"limit": -1, "usage": count},
            "image_count_uploading": {"limit": -1, "usage": uploading or 0},
        }
    }
