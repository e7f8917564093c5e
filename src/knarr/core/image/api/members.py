"""Members: the projects that a shared image is shared with."""

from __future__ import annotations

from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from knarr.core.image import views
from knarr.core.image.models import Image, ImageMember
from knarr.core.image.visibility import MEMBER_STATUSES, load, load_own
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Conflict, Forbidden, NotFound, TooLarge
from knarr.kernel.request import Request


def index(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        image = _shared(load(session, req.ctx, ident))
        stmt = select(ImageMember).where(ImageMember.image_id == image.id)
        if not _owns(req, image):
            stmt = stmt.where(ImageMember.member_id == req.ctx.project_id)
        rows = session.scalars(stmt.order_by(ImageMember.created_at, ImageMember.member_id)).all()
    return {"members": [views.member(row) for row in rows], "schema": "/v2/schemas/members"}


def create(req: Request, ident: str) -> dict[str, Any]:
    member = req.body.get("member")
    if not isinstance(member, str) or not 0 < len(member) <= 64 or len(req.body) > 1:
        raise BadRequest("'member' is required: the body must be {\"member\": the id of a project}.")
    limit = req.runtime.conf.image.image_member_quota
    with req.db.write() as session:
        image = _shared(load_own(session, req, ident, "add_member"))
        if session.get(ImageMember, (image.id, member)):
            raise Conflict(f"Project {member} is a member of image {image.id} already.")
        have = session.scalar(select(func.count()).where(ImageMember.image_id == image.id)) or 0
        if 0 <= limit <= have:
            raise TooLarge(f"The limit has been exceeded on the number of allowed image members: {limit}.")
        row = ImageMember(image_id=image.id, member_id=member)
        session.add(row)
        session.flush()
        return views.member(row)


def show(req: Request, ident: str, member_id: str) -> dict[str, Any]:
    with req.db.read() as session:
        image = _shared(load(session, req.ctx, ident))
        return views.member(_find(session, req, image, member_id))


def update(req: Request, ident: str, member_id: str) -> dict[str, Any]:
    status = req.body.get("status")
    # The client sends the member a second time, in the body.
    if status not in MEMBER_STATUSES or req.body.keys() - {"status", "member"}:
        raise BadRequest(f"'status' is required, and nothing else: one of {', '.join(MEMBER_STATUSES)}.")
    if req.body.get("member", member_id) != member_id:
        raise BadRequest(f"'member' is not the member of the address, {member_id[:64]}.")
    with req.db.write() as session:
        image = _shared(load(session, req.ctx, ident, lock=True))
        row = _find(session, req, image, member_id)
        if member_id != req.ctx.project_id and not req.ctx.is_admin:
            raise Forbidden("Only the member itself may accept or reject an image.")
        row.status, row.updated_at = status, utcnow()
        session.flush()
        return views.member(row)


def delete(req: Request, ident: str, member_id: str) -> None:
    with req.db.write() as session:
        image = _shared(load_own(session, req, ident, "delete_member"))
        session.delete(_find(session, req, image, member_id))


def _shared(image: Image) -> Image:
    if image.visibility != "shared":
        raise Forbidden(f"Only shared images have members; image {image.id} is {image.visibility}.")
    return image


def _owns(req: Request, image: Image) -> bool:
    return bool(req.ctx.is_admin) or image.project_id == req.ctx.project_id


def _find(session: Session, req: Request, image: Image, member_id: str) -> ImageMember:
    row = session.get(ImageMember, (image.id, member_id))
    if row is None or not (_owns(req, image) or member_id == req.ctx.project_id):
        raise NotFound(f"Project {member_id[:64]} is not a member of image {image.id}.")
    return row
