"""The data of an image: up, down, and locked."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import select
from sqlalchemy import update as sql_update
from sqlalchemy.orm import Session

from knarr.core.image import caching, quotas, states
from knarr.core.image.diskformats import virtual_size
from knarr.core.image.errors import RangeNotSatisfiable
from knarr.core.image.models import Image
from knarr.core.image.storage import ALGORITHM, Written, storage
from knarr.core.image.views import STORE
from knarr.core.image.visibility import load, load_own
from knarr.kernel.db import affected, utcnow
from knarr.kernel.errors import BadRequest, Forbidden, Gone, NotFound, UnsupportedMediaType
from knarr.kernel.request import Request, Response

OCTETS = "application/octet-stream"
LOOK_EVERY = 128  # pieces of data
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\Z")


def upload(req: Request, ident: str) -> None:
    """Store the body as the image's data. Whatever ends it before its time leaves the image queued."""
    store = storage(req.runtime)
    with _receiving(req, ident, "upload", "upload_image", "saving") as image:
        written = _receive(req, image, store.path(image.id))
        with req.db.write() as session:
            kept = activate(session, image.id, "saving", written)
        if not kept:
            store.remove(image.id)
            raise _deleted(image.id)


def stage(req: Request, ident: str) -> None:
    """Store the body beside the image, until an import makes it the image's data."""
    store = storage(req.runtime)
    with _receiving(req, ident, "stage", "modify_image", "uploading") as image:
        _receive(req, image, store.staged(image.id))
        with req.db.read() as session:
            kept = session.scalar(select(Image.status).where(Image.id == image.id)) == "uploading"
        if not kept:
            store.remove(image.id)
            raise _deleted(image.id)


@contextmanager
def _receiving(req: Request, ident: str, action: str, rule: str, status: str) -> Iterator[Image]:
    """The image in the status of a transfer; queued again if the transfer fails."""
    if req.content_type.split(";", 1)[0].strip().lower() != OCTETS:
        raise UnsupportedMediaType(f"The data of an image is sent as {OCTETS}.")
    check_store(req)
    with req.db.write() as session:
        image = load_own(session, req, ident, rule)
        states.check(action, image.status, image.id)
        check_formats(image)
        image.status, image.updated_at = status, utcnow()
    try:
        yield image
    except BaseException:
        with req.db.write() as session:
            change = sql_update(Image).where(Image.id == image.id, Image.status == status)
            session.execute(change.values(status="queued", updated_at=utcnow()))
        raise


def _receive(req: Request, image: Image, target: Path) -> Written:
    with req.db.read() as session:
        check_size = quotas.bytes_left(session, req.runtime.conf, image.project_id)
    check_size(req.content_length or 0)
    still_wanted = _still_wanted(req, image.id, image.status)

    def check(size: int) -> None:
        check_size(size)
        still_wanted()

    return storage(req.runtime).write(target, req.stream, req.content_length, check)


def _deleted(ident: str) -> Gone:
    return Gone(f"Image {ident} was deleted during the upload of its data.")


def check_store(req: Request) -> None:
    """Raise BadRequest if the data is wanted in a store that there is not."""
    wanted = req.header("X-Image-Meta-Store")
    if wanted not in (None, STORE):
        raise BadRequest(f"There is no store {str(wanted)[:64]!r} (X-Image-Meta-Store); there is {STORE}.")


def check_formats(image: Image) -> None:
    """Raise BadRequest for an image whose data could not be told what it is."""
    missing = [name for name in ("container_format", "disk_format") if not getattr(image, name)]
    if missing:
        raise BadRequest(f"Properties {', '.join(missing)} must be set prior to saving data.")


def activate(session: Session, ident: str, status: str, written: Written) -> bool:
    """Make the image of this status active with the data; False if it is not there any more."""
    disk_format = session.scalar(select(Image.disk_format).where(Image.id == ident))
    return bool(
        affected(
            session,
            sql_update(Image)
            .where(Image.id == ident, Image.status == status)
            .values(
                status="active",
                size=written.size,
                virtual_size=virtual_size(disk_format, written),
                checksum=written.checksum,
                os_hash_algo=ALGORITHM,
                os_hash_value=written.os_hash_value,
                updated_at=utcnow(),
            ),
        )
    )


def _still_wanted(req: Request, ident: str, status: str) -> Callable[[], None]:
    """A check that ends the upload of an image that was deleted, looked at every 64 MiB or so."""
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls % LOOK_EVERY:
            return
        with req.db.read() as session:
            if session.scalar(select(Image.status).where(Image.id == ident)) != status:
                raise _deleted(ident)

    return check


def download(req: Request, ident: str) -> Response:
    with req.db.read() as session:
        image = load(session, req.ctx, ident)
    if image.status == "deactivated" and not req.ctx.is_admin:
        raise Forbidden(f"The requested image {image.id} has been deactivated: its data cannot be read.")
    if image.size is None or image.checksum is None:
        return Response(status=204)
    start, length = _range(req.header("Range"), image.size)
    try:
        body = caching.read(req.runtime, image.id, start, length)
    except FileNotFoundError:
        raise NotFound(f"The data of image {image.id} is not in its store.") from None
    headers = {"Content-Length": str(length), "Accept-Ranges": "bytes"}
    if length == image.size:
        headers["Content-MD5"] = image.checksum
        return Response(body, headers=headers, content_type=OCTETS)
    headers["Content-Range"] = f"bytes {start}-{start + length - 1}/{image.size}"
    return Response(body, 206, headers, OCTETS)


def _range(header: str | None, size: int) -> tuple[int, int]:
    """(start, length) of the bytes that are asked for. Raises RangeNotSatisfiable."""
    if header is None:
        return 0, size
    found = _RANGE.match(header.strip())
    unmet = RangeNotSatisfiable(
        f"The range {header[:64]!r} cannot be served: use bytes=FIRST-LAST within {size} bytes.",
        headers={"Content-Range": f"bytes */{size}"},
    )
    if not found or found.groups() == ("", ""):
        raise unmet
    first, last = found.groups()
    if not first:
        start = max(0, size - int(last))
        end = size - 1
    else:
        start = int(first)
        end = min(int(last), size - 1) if last else size - 1
    if start > end:
        raise unmet
    return start, end - start + 1


def deactivate(req: Request, ident: str) -> None:
    _switch(req, ident, "deactivate", "deactivated")


def reactivate(req: Request, ident: str) -> None:
    _switch(req, ident, "reactivate", "active")


def _switch(req: Request, ident: str, action: str, status: str) -> None:
    with req.db.write() as session:
        image = load_own(session, req, ident, action)
        states.check(action, image.status, image.id)
        if image.status != status:
            image.status, image.updated_at = status, utcnow()
