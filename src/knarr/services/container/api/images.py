"""Images that administrators have on hosts, and the search for images, which is for everybody."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from knarr.kernel.db import new_id
from knarr.kernel.errors import BadRequest, Conflict, NotFound, ServiceUnavailable
from knarr.kernel.history import cancel_operation
from knarr.kernel.listing import Listing, next_link
from knarr.kernel.operations import UNFINISHED, Operation, enqueue
from knarr.kernel.request import Request
from knarr.services.container import glance, image_work, images, scheduler
from knarr.services.container.drivers.names import split_ref
from knarr.services.container.models import ComputeHost, Container, Image
from knarr.services.container.schemas import ImagePull
from knarr.services.container.views import image_view

LISTING = Listing(
    Image,
    id="uuid",
    sortable=("created_at", "updated_at", "image_id", "repo", "tag", "size", "host", "project_id", "status"),
)
MAX_TAG = 128


def pull(req: Request) -> dict[str, Any]:
    """POST /v1/images: a row at once, the pull as an operation whose progress the row shows."""
    body: ImagePull = req.body
    repo, tag = _name(body)
    with req.db.write() as session:
        host = _host(session, body.host)
        row = _fresh_row(session, req, repo, tag, host)
        row.image_id, row.size = body.image_id, _size(body.size)
        row.image_pull_policy = body.image_pull_policy or images.ALWAYS
        row.status, row.status_reason = image_work.PULLING, None
        session.flush()
        _enqueue(session, req, row, "container.image_pull")
    req.set_header("Location", req.url(f"/v1/images/{row.uuid}"))
    return image_view(req, row)


def _name(body: ImagePull) -> tuple[str, str]:
    repo, tag = split_ref(body.repo)
    if body.tag and repo == body.repo:
        tag = body.tag
    elif body.tag and body.tag != tag:
        raise BadRequest(f"'repo' has the tag {tag} and 'tag' is {body.tag}: leave one of them out.")
    if not repo or not 0 < len(tag) <= MAX_TAG:
        raise BadRequest(f"Invalid input for field 'repo': {body.repo} is not NAME, NAME:TAG or NAME@DIGEST.")
    return repo, tag


def _size(text: str | int | None) -> int | None:
    return int(text) if text not in (None, "") and str(text).isdecimal() else None


def _host(session: Session, ident: str) -> str:
    stmt = select(ComputeHost.hostname)
    found = session.scalar(stmt.where((ComputeHost.uuid == ident) | (ComputeHost.hostname == ident)))
    if found is None:
        raise NotFound(f"Host {ident} could not be found.", code="ComputeHostNotFound")
    return str(found)


def _fresh_row(session: Session, req: Request, repo: str, tag: str, host: str) -> Image:
    """A new row, or that of a pull that failed; an image is on a host once."""
    where = (Image.host == host, Image.repo == repo, Image.tag == tag)
    row = session.scalars(select(Image).where(*where)).first()
    if row is None:
        row = Image(uuid=new_id(), host=host, repo=repo, tag=tag)
        session.add(row)
    elif row.status != image_work.FAILED:
        raise Conflict(
            f"Image {repo}:{tag} is known on host {host} already, as {row.uuid} ({row.status}).",
            code="ImageAlreadyExists",
        )
    row.project_id, row.user_id = req.ctx.project_id or "", req.ctx.user_id or ""
    return row


def _enqueue(session: Session, req: Request, row: Image, kind: str) -> None:
    enqueue(
        session, kind, resource_type=image_work.RESOURCE, resource_id=row.uuid, ctx=req.ctx, host=row.host
    )


def index(req: Request) -> dict[str, Any]:
    with req.db.read() as session:
        page = LISTING.fetch(session, select(Image), LISTING.paging(req))
        rows = [row[0] for row in page.rows]
        told = _progress(session, [row.uuid for row in rows if row.status == image_work.PULLING])
    views = [image_view(req, row, told.get(row.uuid)) for row in rows]
    return {"images": views, "next": next_link(req, page)}


def show(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = _find(session, ident)
        told = _progress(session, [row.uuid])
    return image_view(req, row, told.get(row.uuid))


def _find(session: Session, ident: str) -> Image:
    row = session.get(Image, ident)
    if row is None:
        raise NotFound(f"Image {ident[:255]} could not be found.", code="ImageNotFound")
    return row


def _progress(session: Session, idents: list[str]) -> dict[str, Any]:
    """The pulls that are under way, by image."""
    if not idents:
        return {}
    stmt = select(
        Operation.resource_id, Operation.progress_done, Operation.progress_total, Operation.progress_text
    ).where(_of_images(idents))
    return {row.resource_id: row for row in session.execute(stmt)}


def _of_images(idents: list[str]) -> Any:
    return (
        (Operation.resource_type == image_work.RESOURCE)
        & Operation.resource_id.in_(idents)
        & (Operation.kind == "container.image_pull")
        & Operation.state.in_(UNFINISHED)
    )


def remove(req: Request, ident: str) -> None:
    """DELETE /v1/images/{uuid}: the row and the engine's image; refused while a container needs it."""
    with req.db.write() as session:
        row = _find(session, ident)
        if row.status == image_work.DELETING:
            return
        _check_unused(session, req, row)
        for operation in session.scalars(select(Operation.id).where(_of_images([row.uuid]))).all():
            with suppress(Conflict):
                cancel_operation(session, operation)
        row.status, row.status_reason = image_work.DELETING, None
        _enqueue(session, req, row, "container.image_delete")


def _check_unused(session: Session, req: Request, row: Image) -> None:
    ref = image_work.full_ref(req.runtime.conf, row)
    columns = (Container.image, Container.image_registry, Container.image_driver, Container.image_id)
    used = session.execute(select(*columns).where(Container.host == row.host).distinct()).all()
    if any(images.same(images.engine_ref(one), ref) for one in used):
        raise Conflict(f"Image {row.repo}:{row.tag} is used by a container on host {row.host}.")


# Search


def search(req: Request, **parts: str) -> list[dict[str, Any]]:
    """GET /v1/images/{name}/search: images of the engine's registry, or of the image service."""
    name = "/".join(parts.values())
    query = req.query
    driver = images.driver(req.runtime.conf.container, query.image_driver)
    if driver == images.GLANCE:
        return glance.search(req.runtime.client("image", req.ctx), name, query.exact_match)
    found = req.runtime.bus.call(_some_host(req), "container.image_search", term=name)
    return [image for image in found if not query.exact_match or image["name"] == name]


def _some_host(req: Request) -> str:
    with req.db.read() as session:
        hosts = scheduler.candidates(session, req.runtime.conf.container.service_down_time)
    for host in hosts:
        if host.up:
            return host.hostname
    raise ServiceUnavailable("No host is up that could search its registry.")
