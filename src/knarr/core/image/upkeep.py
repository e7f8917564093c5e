"""What a start does: uploads that died are queued again, and files that nobody owns go."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import delete, select, update

from knarr.core.image import caching
from knarr.core.image.models import Image, ImageTask
from knarr.core.image.storage import Storage, storage
from knarr.core.image.views import WITH_DATA
from knarr.kernel.db import utcnow

UPLOADS = ("saving", "uploading")

LOG = logging.getLogger(__name__)


def prepare(runtime: Any) -> None:
    """Put right what a killed process left. Safe to repeat."""
    store = storage(runtime)
    store.prepare()
    with runtime.db.read() as session:
        rows = session.execute(select(Image.id, Image.status)).all()
    busy = store.writing()
    half_done = [row.id for row in rows if row.id not in busy and _is_half_done(row, store)]
    if half_done:
        with runtime.db.write() as session:
            session.execute(
                update(Image)
                .where(Image.id.in_(half_done), Image.status.in_(UPLOADS))
                .values(status="queued", updated_at=utcnow())
            )
    whole = {row.id for row in rows if row.status in (*WITH_DATA, "importing")}
    staged = {row.id for row in rows if row.status in ("uploading", "importing")}
    gone = store.clean(whole, staged)
    if gone:
        LOG.info("removed %d files of images that were not uploaded whole", len(gone))
    caching.prepare(runtime)


def _is_half_done(row: Any, store: Storage) -> bool:
    return row.status == "saving" or (row.status == "uploading" and not store.staged(row.id).exists())


def expire_tasks(runtime: Any) -> None:
    """Forget the tasks whose time is over."""
    with runtime.db.write() as session:
        session.execute(delete(ImageTask).where(ImageTask.expires_at < utcnow()))
