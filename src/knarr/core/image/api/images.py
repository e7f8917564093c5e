"""Images: create, list, show, delete."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import delete as sql_delete
from sqlalchemy import insert, select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from knarr.core.image import quotas, views
from knarr.core.image.attributes import BASE, VISIBILITIES, checked
from knarr.core.image.filters import conditions
from knarr.core.image.importmethods import methods
from knarr.core.image.models import Image, ImageProperty, ImageTag, ImageTombstone
from knarr.core.image.storage import copies, storage
from knarr.core.image.views import link
from knarr.core.image.visibility import listed, load, load_own, member_status
from knarr.kernel.db import after_commit, new_id
from knarr.kernel.errors import BadRequest, Conflict, Forbidden, TooLarge
from knarr.kernel.listing import Listing
from knarr.kernel.request import Request, Response

PATH = "/v2/images"
RULES = {"public": "publicize_image", "community": "communitize_image"}
"""The policy rule that a visibility needs."""

LISTING = Listing(
    Image,
    sortable=(
        "name",
        "status",
        "visibility",
        "container_format",
        "disk_format",
        "size",
        "checksum",
        "min_disk",
        "min_ram",
        "project_id",
        "created_at",
        "updated_at",
    ),
    default_sort=(("created_at", "desc"), ("id", "desc")),
    aliases={"owner": "project_id"},
)


@dataclass(frozen=True)
class Draft:
    """An image that was asked for, checked."""

    own: dict[str, Any]
    properties: dict[str, str]
    tags: list[str]


def create(req: Request) -> Response:
    new = draft(req, req.body)
    with req.db.write() as session:
        view = views.image(session, add(session, req.runtime.conf, new))
    headers = {
        "Location": req.url(view["self"]),
        "OpenStack-image-import-methods": ",".join(methods(req.runtime.conf)),
        "OpenStack-image-store-ids": views.STORE,
    }
    return Response(view, headers=headers)


def draft(req: Request, body: dict[str, Any]) -> Draft:
    """Raises BadRequest or Forbidden by the name of the attribute that is wrong."""
    given = {name: checked(name, value) for name, value in body.items()}
    owner = given.pop("owner", None) or req.ctx.project_id
    if owner != req.ctx.project_id and not req.ctx.is_admin:
        raise Forbidden("You are not permitted to create images owned by another project.")
    if not owner:
        raise BadRequest("An image needs an owner: use a token for a project, or name 'owner'.")
    check_visibility(req, given.get("visibility", "shared"), owner)
    tags = given.pop("tags", [])
    own = {name: given.pop(name) for name in list(given) if name in BASE}
    own |= {"id": own.get("id") or new_id(), "project_id": owner}
    check_quotas(req, len(given), len(tags))
    return Draft(own, given, tags)


def add(session: Session, conf: Any, new: Draft) -> Image:
    """Store the image. Raises Conflict if there is one of that id, or was one, and TooLarge if the project
    may have no more."""
    quotas.check_count(session, conf, new.own["project_id"])
    image = Image(**new.own)
    taken = Conflict(f"An image with identifier {image.id} already exists.")
    if session.get(ImageTombstone, image.id):
        raise taken
    session.add(image)
    try:
        session.flush()
    except IntegrityError:
        raise taken from None
    set_properties(session, image.id, new.properties)
    set_tags(session, image.id, new.tags)
    return image


def check_visibility(req: Request, visibility: str, owner: str) -> None:
    rule = RULES.get(visibility)
    if rule and not req.allows(rule, {"project_id": owner, "owner": owner}):
        raise Forbidden(f"You are not permitted to make an image {visibility} ({rule}).")


def check_quotas(req: Request, properties: int, tags: int) -> None:
    options = req.runtime.conf.image
    for what, have, limit in (
        ("properties", properties, options.image_property_quota),
        ("tags", tags, options.image_tag_quota),
    ):
        if 0 <= limit < have:
            raise TooLarge(f"The limit has been exceeded on the number of allowed image {what}: {limit}.")


def set_properties(session: Session, ident: str, properties: dict[str, str]) -> None:
    """Make these the properties of the image."""
    session.execute(sql_delete(ImageProperty).where(ImageProperty.image_id == ident))
    if properties:
        rows = [{"image_id": ident, "name": name, "value": value} for name, value in properties.items()]
        session.execute(insert(ImageProperty), rows)


def set_tags(session: Session, ident: str, tags: list[str]) -> None:
    """Make these the tags of the image."""
    session.execute(sql_delete(ImageTag).where(ImageTag.image_id == ident))
    if tags:
        session.execute(insert(ImageTag), [{"image_id": ident, "tag": tag} for tag in tags])


def index(req: Request) -> dict[str, Any]:
    visibility = req.params.get("visibility", [None])[-1]
    if visibility not in (None, "all", *VISIBILITIES):
        known = ", ".join((*VISIBILITIES, "all"))
        raise BadRequest(f"Invalid value for 'visibility': {visibility[:64]!r}. Use one of {known}.")
    if "sort" in req.params and not req.params.keys().isdisjoint(("sort_key", "sort_dir")):
        raise BadRequest("'sort' and 'sort_key' or 'sort_dir' are two ways to say it: use one of them.")
    paging = LISTING.paging(req)
    if paging.limit is None:
        paging = replace(paging, limit=req.runtime.conf.image.limit_param_default)
    stmt = select(*views.COLUMNS).where(
        listed(req.ctx, visibility, member_status(req.params)), *conditions(req.params)
    )
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, paging)
        found = views.images(session, page.rows)
    answer: dict[str, Any] = {"images": found, "schema": "/v2/schemas/images"}
    answer["first"] = link(req, PATH, None)
    if page.next_marker:
        answer["next"] = link(req, PATH, page.next_marker)
    return answer


def show(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        return views.image(session, load(session, req.ctx, ident))


def delete(req: Request, ident: str) -> None:
    with req.db.write() as session:
        image = load_own(session, req, ident, "delete_image")
        if image.protected:
            raise Forbidden(f"Image {image.id} is protected and cannot be deleted.")
        session.execute(sql_delete(Image).where(Image.id == image.id))
        session.add(ImageTombstone(id=image.id))
        after_commit(session, lambda: _remove_data(req.runtime, image.id))


def _remove_data(runtime: Any, ident: str) -> None:
    storage(runtime).remove(ident)
    copies(runtime).remove(ident)
