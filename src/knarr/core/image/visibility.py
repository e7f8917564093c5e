"""Who sees which image. What a caller may not see is not there (404); in lists, less shows than by id."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, and_, false, or_, select, true
from sqlalchemy.orm import Session

from knarr.core.image.models import Image, ImageMember
from knarr.kernel.context import RequestContext
from knarr.kernel.errors import BadRequest, Forbidden, NotFound
from knarr.kernel.request import Request

OPEN = ("public", "community")
MEMBER_STATUSES = ("pending", "accepted", "rejected")


def visible(ctx: RequestContext) -> ColumnElement[bool]:
    """The condition of what the caller can reach by its id."""
    if ctx.is_admin:
        return true()
    return or_(Image.project_id == ctx.project_id, Image.visibility.in_(OPEN), _shared_with(ctx, "all"))


def listed(ctx: RequestContext, wanted: str | None, member_status: str) -> ColumnElement[bool]:
    """The condition of a list: `wanted` is the asked visibility, or "all", or None for the usual."""
    mine = true() if ctx.is_admin else Image.project_id == ctx.project_id
    shared = _shared_with(ctx, member_status)
    if wanted is None:
        own = Image.project_id == ctx.project_id
        usual = or_(mine, Image.visibility == "public", shared)
        return and_(usual, or_(own, Image.visibility != "community"))
    if wanted == "all":
        return or_(mine, Image.visibility.in_(OPEN), shared)
    if wanted in OPEN:
        return Image.visibility == wanted
    if wanted == "private":
        return and_(Image.visibility == "private", mine)
    return and_(Image.visibility == "shared", or_(mine, shared))


def _shared_with(ctx: RequestContext, member_status: str) -> ColumnElement[bool]:
    if not ctx.project_id:
        return false()
    found = select(ImageMember.image_id).where(ImageMember.member_id == ctx.project_id)
    if member_status != "all":
        found = found.where(ImageMember.status == member_status)
    return and_(Image.visibility == "shared", Image.id.in_(found))


def load(session: Session, ctx: RequestContext, ident: str, lock: bool = False) -> Image:
    """The image of that id; with `lock`, for this transaction alone, so that what it decides on stays true.
    Raises NotFound also for those that the caller may not see."""
    stmt = select(Image).where(Image.id == ident.lower(), visible(ctx))
    found = session.scalars(stmt.with_for_update() if lock else stmt).first()
    if found is None:
        raise NotFound(f"No image found with ID {ident[:255]}.")
    return found


def load_own(session: Session, req: Request, ident: str, rule: str) -> Image:
    """The image, locked, to be changed: Forbidden unless the rule allows it with the owner as target."""
    image = load(session, req.ctx, ident, lock=True)
    if not req.allows(rule, target(image)):
        raise Forbidden(f"You are not permitted to do {rule} with image {image.id}.")
    return image


def target(image: Any) -> dict[str, Any]:
    return {"project_id": image.project_id, "owner": image.project_id}


def member_status(params: dict[str, list[str]]) -> str:
    value = params.get("member_status", ["accepted"])[-1]
    if value not in (*MEMBER_STATUSES, "all"):
        known = ", ".join((*MEMBER_STATUSES, "all"))
        raise BadRequest(f"Invalid value for 'member_status': {value[:64]!r}. Use one of {known}.")
    return value
