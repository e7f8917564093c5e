"""The cache: this host's own copies of images' data, for administrators."""

from __future__ import annotations

from datetime import UTC
from typing import Any

from sqlalchemy import select

from knarr.core.image import caching
from knarr.core.image.caching import CACHED, QUEUED
from knarr.core.image.models import ImageCopy
from knarr.core.image.storage import copies
from knarr.core.image.visibility import load
from knarr.kernel.errors import BadRequest, TooLarge
from knarr.kernel.request import Request

TARGET = "X-Image-Cache-Clear-Target"
STATUSES = {"": (CACHED, QUEUED), "cache": (CACHED,), "queue": (QUEUED,)}
"""What is cleared, by the header's value."""


def index(req: Request) -> dict[str, Any]:
    with req.db.read() as session:
        rows = session.scalars(
            select(ImageCopy).where(ImageCopy.host == req.runtime.host).order_by(ImageCopy.image_id)
        ).all()
    return {
        "cached_images": [_view(row) for row in rows if row.status == CACHED],
        "queued_images": [row.image_id for row in rows if row.status == QUEUED],
    }


def _view(row: ImageCopy) -> dict[str, Any]:
    """Times are seconds since 1970, as upstream."""
    return {
        "image_id": row.image_id,
        "hits": row.hits,
        "size": row.size,
        "last_accessed": row.last_accessed.replace(tzinfo=UTC).timestamp(),
        "last_modified": row.last_modified.replace(tzinfo=UTC).timestamp(),
    }


def queue(req: Request, ident: str) -> None:
    largest = copies(req.runtime).largest
    with req.db.write() as session:
        image = load(session, req.ctx, ident, lock=True)
        if image.status != "active":
            raise BadRequest(f"Image {image.id} is {image.status}: only active images can be cached.")
        if (image.size or 0) > largest:
            raise TooLarge(f"Image {image.id} is larger than the cache, which has {largest} bytes.")
        caching.queue(session, req, image)


def delete(req: Request, ident: str) -> None:
    with req.db.write() as session:
        if not caching.remove(session, req.runtime, ImageCopy.image_id == ident.lower()):
            # Upstream tells only those images to be missing that are not there at all.
            load(session, req.ctx, ident)


def clear(req: Request) -> None:
    wanted = (req.header(TARGET) or "").strip().lower()
    if wanted not in STATUSES:
        raise BadRequest(f"Invalid value for '{TARGET}': {wanted[:64]!r}. Use cache, queue or nothing.")
    with req.db.write() as session:
        caching.remove(session, req.runtime, ImageCopy.status.in_(STATUSES[wanted]))
