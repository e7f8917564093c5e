"""Copies of data on a host, as durable work: queued by an administrator, copied, checked, read instead of
the store's.

They are of use where the store's directory is on a share. What a host has is in the table `image_copy`; the
copies that were not read for longest make room for new ones.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from functools import partial
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from knarr.core.image.models import Image, ImageCopy
from knarr.core.image.storage import copies, storage
from knarr.kernel.db import affected, after_commit, utcnow
from knarr.kernel.operations import Fatal, OperationKind, Step, enqueue
from knarr.kernel.request import Request
from knarr.kernel.work import Work

KIND = "image.copy"
QUEUED, CACHED = "queued", "cached"

LOG = logging.getLogger(__name__)


def queue(session: Session, req: Request, image: Image) -> None:
    """Have this host make a copy of the image's data, unless it has one."""
    host = req.runtime.host
    if session.get(ImageCopy, (image.id, host)):
        return
    session.add(ImageCopy(image_id=image.id, host=host, status=QUEUED))
    enqueue(session, KIND, resource_type="image", resource_id=image.id, ctx=req.ctx, host=host)


def remove(session: Session, runtime: Any, *wanted: Any) -> int:
    """Give up this host's copies for which the conditions hold; how many there were."""
    here = (ImageCopy.host == runtime.host, *wanted)
    idents = session.scalars(select(ImageCopy.image_id).where(*here)).all()
    session.execute(delete(ImageCopy).where(ImageCopy.host == runtime.host, ImageCopy.image_id.in_(idents)))
    for ident in idents:
        after_commit(session, partial(copies(runtime).remove, ident))
    return len(idents)


def read(runtime: Any, ident: str, start: int, length: int) -> Iterator[bytes]:
    """The image's bytes from `start` on, of this host's copy if there is one, or of the store.
    Raises FileNotFoundError."""
    here = (ImageCopy.image_id == ident, ImageCopy.host == runtime.host, ImageCopy.status == CACHED)
    with runtime.db.read() as session:
        found = session.scalar(select(ImageCopy.image_id).where(*here))
    if found is None:
        return storage(runtime).read(ident, start, length)
    try:
        pieces = copies(runtime).read(ident, start, length)
    except FileNotFoundError:
        LOG.warning("the copy of the data of image %s is gone from its directory", ident)
        return storage(runtime).read(ident, start, length)
    with runtime.db.write() as session:
        counted = {"hits": ImageCopy.hits + 1, "last_accessed": utcnow()}
        session.execute(update(ImageCopy).where(*here).values(counted))
    return pieces


def copy(work: Work) -> None:
    """Step: copy the data, and make room."""
    runtime, ident = work.runtime, work.resource_id
    if not _wanted(work):
        return
    with work.db.read() as session:
        image = session.execute(select(Image.size, Image.os_hash_value).where(Image.id == ident)).one()
    target = copies(runtime)
    with storage(runtime).path(ident).open("rb") as source:
        written = target.write(target.path(ident), source, image.size, lambda size: work.check())
    if written.os_hash_value != image.os_hash_value:
        target.remove(ident)
        raise Fatal(f"The copy of the data of image {ident} is not what the image has.")
    with work.db.write() as session:
        now = utcnow()
        done = {"status": CACHED, "size": written.size, "last_modified": now, "last_accessed": now}
        if affected(session, update(ImageCopy).where(*_of(work)).values(done)):
            _make_room(session, runtime)
            return
    target.remove(ident)


def _of(work: Work) -> tuple[Any, ...]:
    return ImageCopy.image_id == work.resource_id, ImageCopy.host == work.runtime.host


def _wanted(work: Work) -> bool:
    with work.db.read() as session:
        return session.scalar(select(ImageCopy.status).where(*_of(work))) == QUEUED


def _make_room(session: Session, runtime: Any) -> None:
    stmt = select(ImageCopy.image_id, ImageCopy.size).where(ImageCopy.host == runtime.host)
    left, over = copies(runtime).largest, []
    for row in session.execute(stmt.order_by(ImageCopy.last_accessed.desc(), ImageCopy.image_id)):
        left -= row.size
        if left < 0:
            over.append(row.image_id)
    if over:
        LOG.info("removed the copies of %d images to make room", len(over))
        remove(session, runtime, ImageCopy.image_id.in_(over))


def failed(work: Work, error: BaseException) -> None:
    """The image is read from its store as before."""
    LOG.warning("no copy of the data of image %s was made: %s", work.resource_id, error)
    with work.db.write() as session:
        remove(session, work.runtime, *_of(work))


def prepare(runtime: Any) -> None:
    """At a start: forget copies whose files are gone, and remove files that no row stands for."""
    target = copies(runtime)
    target.prepare()
    with runtime.db.read() as session:
        here = ImageCopy.host == runtime.host, ImageCopy.status == CACHED
        known = set(session.scalars(select(ImageCopy.image_id).where(*here)))
    lost = [ident for ident in known if not target.path(ident).exists()]
    if lost:
        with runtime.db.write() as session:
            remove(session, runtime, ImageCopy.image_id.in_(lost))
    target.clean(known, ())


OPERATION = OperationKind(
    KIND, (Step("copy", copy),), retries=3, deadline=24 * 3600, failed=failed, target="host"
)
