"""What a start does: uploads that died are queued again, and files that nobody owns go."""

from __future__ import annotations

import logging
from typing import Any

from sqlalchemy import select, update

from knarr.core.image.models import Image
from knarr.core.image.storage import storage
from knarr.core.image.views import WITH_DATA
from knarr.kernel.db import utcnow

LOG = logging.getLogger(__name__)


def prepare(runtime: Any) -> None:
    """Put right what a killed process left. Safe to repeat."""
    store = storage(runtime)
    store.prepare()
    with runtime.db.read() as session:
        rows = session.execute(select(Image.id, Image.status)).all()
    half_done = [row.id for row in rows if row.status == "saving"]
    if half_done:
        with runtime.db.write() as session:
            session.execute(
                update(Image)
                .where(Image.id.in_(half_done), Image.status == "saving")
                .values(status="queued", updated_at=utcnow())
            )
    whole = {row.id for row in rows if row.status in WITH_DATA}
    staged = {row.id for row in rows if row.status in ("uploading", "importing")}
    gone = store.clean(whole, staged)
    if gone:
        LOG.info("removed %d files of images that were not uploaded whole", len(gone))
