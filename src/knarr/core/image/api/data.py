"""The data of an image: up, down, and locked."""

from __future__ import annotations

import re
from typing import Any

from sqlalchemy import select
from sqlalchemy import update as sql_update

from knarr.core.image import states
from knarr.core.image.errors import RangeNotSatisfiable
from knarr.core.image.models import Image
from knarr.core.image.storage import ALGORITHM, Written, storage
from knarr.core.image.visibility import load, load_own
from knarr.kernel.db import affected, utcnow
from knarr.kernel.errors import BadRequest, Forbidden, Gone, NotFound, UnsupportedMediaType
from knarr.kernel.request import Request, Response

OCTETS = "application/octet-stream"
LOOK_EVERY = 64 * 1024 * 1024
_RANGE = re.compile(r"bytes=(\d{0,19})-(\d{0,19})\Z")


def upload(req: Request, ident: str) -> None:
    """Store the body as the image's data. Whatever ends it before its time leaves the image queued."""
    if req.content_type.split(";", 1)[0].strip().lower() != OCTETS:
        raise UnsupportedMediaType(f"The data of an image is sent as {OCTETS}.")
    with req.db.write() as session:
        image = load_own(session, req, ident, "upload_image")
        states.check("upload", image.status, image.id)
        check_formats(image)
        image.status, image.updated_at = "saving", utcnow()
        ident = image.id
    store = storage(req.runtime)
    try:
        written = store.write(store.path(ident), req.stream, req.content_length, _still_wanted(req, ident))
    except BaseException:
        _set(req, ident, "saving", status="queued")
        raise
    if not activate(req.db, ident, "saving", written):
        store.remove(ident)
        raise Gone(f"Image {ident} was deleted during the upload of its data.")


def check_formats(image: Image) -> None:
    """Raise BadRequest for an image whose data could not be told what it is."""
    missing = [name for name in ("container_format", "disk_format") if not getattr(image, name)]
    if missing:
        raise BadRequest(f"Properties {', '.join(missing)} must be set prior to saving data.")


def activate(db: Any, ident: str, status: str, written: Written) -> bool:
    """Make the image of this status active with the data; False if it is not there any more."""
    with db.write() as session:
        return bool(
            affected(
                session,
                sql_update(Image)
                .where(Image.id == ident, Image.status == status)
                .values(
                    status="active",
                    size=written.size,
                    checksum=written.checksum,
                    os_hash_algo=ALGORITHM,
                    os_hash_value=written.os_hash_value,
                    updated_at=utcnow(),
                ),
            )
        )


def _still_wanted(req: Request, ident: str) -> Any:
    """A check that ends the upload of an image that was deleted, looked at every 64 MiB or so."""
    calls = 0

    def check() -> None:
        nonlocal calls
        calls += 1
        if calls % 128:
            return
        with req.db.read() as session:
            if session.scalar(select(Image.status).where(Image.id == ident)) != "saving":
                raise Gone(f"Image {ident} was deleted during the upload of its data.")

    return check


def _set(req: Request, ident: str, before: str, **values: Any) -> None:
    with req.db.write() as session:
        change = sql_update(Image).where(Image.id == ident, Image.status == before)
        session.execute(change.values(updated_at=utcnow(), **values))


def download(req: Request, ident: str) -> Response:
    with req.db.read() as session:
        image = load(session, req.ctx, ident)
    if image.status == "deactivated" and not req.ctx.is_admin:
        raise Forbidden(f"The requested image {image.id} has been deactivated: its data cannot be read.")
    if image.size is None or image.checksum is None:
        return Response(status=204)
    start, length = _range(req.header("Range"), image.size)
    try:
        body = storage(req.runtime).read(image.id, start, length)
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
