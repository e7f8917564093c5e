"""Single tags of an image."""

from __future__ import annotations

from sqlalchemy import delete, func, select

from knarr.core.image.api.images import check_quotas
from knarr.core.image.attributes import checked
from knarr.core.image.models import ImageTag
from knarr.core.image.visibility import load_own
from knarr.kernel.db import affected, utcnow
from knarr.kernel.errors import NotFound
from knarr.kernel.request import Request


def add(req: Request, ident: str, tag: str) -> None:
    checked("tags", [tag])
    with req.db.write() as session:
        image = load_own(session, req, ident, "modify_image")
        if session.get(ImageTag, (image.id, tag)):
            return
        have = session.scalar(select(func.count()).where(ImageTag.image_id == image.id)) or 0
        check_quotas(req, 0, have + 1)
        session.add(ImageTag(image_id=image.id, tag=tag))
        image.updated_at = utcnow()


def remove(req: Request, ident: str, tag: str) -> None:
    with req.db.write() as session:
        image = load_own(session, req, ident, "modify_image")
        if not affected(session, delete(ImageTag).where(ImageTag.image_id == image.id, ImageTag.tag == tag)):
            raise NotFound(f"Image {image.id} has no tag '{tag[:255]}'.")
        image.updated_at = utcnow()
