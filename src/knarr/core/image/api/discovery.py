"""What the service is: versions, schemas, use."""

from __future__ import annotations

from typing import Any

from knarr.core.image import quotas
from knarr.core.image.documents import SCHEMAS
from knarr.core.image.metadefdocuments import SCHEMAS as METADEF_SCHEMAS
from knarr.core.image.models import Image
from knarr.core.image.settings import MEBIBYTE
from knarr.core.image.states import UNDER_WAY
from knarr.kernel.errors import NotFound
from knarr.kernel.request import Request

# Those that Glance tells with stores that can be named and with a cache. 2.18 would tell of nodes' caches.
CURRENT, *SUPPORTED = (
    "2.17", "2.16", "2.15", "2.14", "2.13", "2.12", "2.11", "2.10", "2.9", "2.8", "2.7", "2.6", "2.5", "2.4",
    "2.3", "2.2", "2.1", "2.0",
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
    """What the project uses, and may use (-1: no limit); sizes are MiB."""
    options, project_id = req.runtime.conf.image, req.ctx.project_id or ""
    with req.db.read() as session:
        size = quotas.size(session, project_id) // MEBIBYTE
        images = quotas.count(session, project_id)
        uploading = quotas.count(session, project_id, Image.status.in_(UNDER_WAY))
    return {
        "usage": {
            "image_size_total": {"limit": options.image_size_total, "usage": size},
            "image_count_total": {"limit": options.image_count_total, "usage": images},
            "image_count_uploading": {"limit": -1, "usage": uploading},
        }
    }
