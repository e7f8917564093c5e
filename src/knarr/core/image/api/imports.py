"""Imports of data into images, and the tasks that tell how they go."""

from __future__ import annotations

from typing import Any

from msgspec import UNSET
from sqlalchemy import select

from knarr.core.image import states, tasks
from knarr.core.image.api.data import check_formats, check_store
from knarr.core.image.api.images import add, draft
from knarr.core.image.importing import begin
from knarr.core.image.importmethods import GLANCE_DIRECT, WEB_DOWNLOAD, methods
from knarr.core.image.models import ImageTask
from knarr.core.image.schemas import Import
from knarr.core.image.storage import storage
from knarr.core.image.views import STORE, link
from knarr.core.image.visibility import load, load_own
from knarr.core.image.webdownload import allowed
from knarr.kernel.errors import BadRequest, Conflict, NotFound
from knarr.kernel.listing import Listing
from knarr.kernel.request import Request, Response

LISTING = Listing(
    ImageTask,
    sortable=("created_at", "updated_at", "expires_at", "status", "type", "project_id"),
    default_sort=(("created_at", "desc"), ("id", "desc")),
    aliases={"owner": "project_id"},
)
FILTERS = {
    "id": ImageTask.id,
    "type": ImageTask.type,
    "status": ImageTask.status,
    "owner": ImageTask.project_id,
    "image_id": ImageTask.image_id,
    "user_id": ImageTask.user_id,
    "request_id": ImageTask.request_id,
}
OTHERS = frozenset({"limit", "marker", "sort", "sort_key", "sort_dir"})


def info(req: Request) -> dict[str, Any]:
    offered = list(methods(req.runtime.conf))
    return {"import-methods": {"description": "Import methods available.", "type": "array", "value": offered}}


def start(req: Request, ident: str) -> None:
    """Import what was staged, or what an address has. The answer comes before the work is done."""
    body: Import = req.body
    method, uri = body.method.name, body.method.uri
    _check_method(req, method)
    _check_stores(req, body)
    if (method == WEB_DOWNLOAD) != (uri is not UNSET):
        raise BadRequest(f"'method.uri' is required for {WEB_DOWNLOAD}, and only there.")
    if isinstance(uri, str):
        allowed(req.runtime.conf).check(uri)
    with req.db.write() as session:
        image = load_own(session, req, ident, "modify_image")
        states.check(f"{method} import", image.status, image.id)
        check_formats(image)
        if method == GLANCE_DIRECT and not storage(req.runtime).staged(image.id).exists():
            raise Conflict(f"The data of image {image.id} is still being staged.")
        address = uri if isinstance(uri, str) else None
        named = {"name": method} | ({"uri": address} if address else {})
        given = {"image_id": image.id, "import_req": {"method": named}, "backend": [STORE]}
        begin(session, req, image, "api_image_import", given, address)


def _check_method(req: Request, method: str) -> None:
    offered = methods(req.runtime.conf)
    if method not in offered:
        raise BadRequest(
            f"Invalid value for 'method.name': {method[:64]!r}. Offered here: {', '.join(offered)}."
        )


def _check_stores(req: Request, body: Import) -> None:
    check_store(req)
    if body.stores is UNSET:
        return
    if body.all_stores is True:
        raise BadRequest("'all_stores' and 'stores' exclude each other.")
    unknown = [name for name in body.stores if name != STORE]
    if unknown or not body.stores:
        raise BadRequest(f"Invalid value for 'stores': {unknown}. There is one store, {STORE}.")


def of_image(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        image = load(session, req.ctx, ident)
        stmt = select(*tasks.COLUMNS).where(ImageTask.image_id == image.id)
        if not req.ctx.is_admin:
            stmt = stmt.where(ImageTask.project_id == req.ctx.project_id)
        rows = session.execute(stmt.order_by(ImageTask.created_at.desc(), ImageTask.id)).all()
    return {"tasks": [tasks.of_image(row) for row in rows]}


def index(req: Request) -> dict[str, Any]:
    paging = LISTING.paging(req)
    stmt = select(*tasks.COLUMNS)
    for name in req.params.keys() - OTHERS:
        if name not in FILTERS:
            raise BadRequest(f"There is no filter '{name[:64]}'. Known here: {', '.join(FILTERS)}.")
        stmt = stmt.where(FILTERS[name] == req.params[name][-1])
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, paging)
    answer = {
        "tasks": [tasks.stub(row) for row in page.rows],
        "first": link(req, "/v2/tasks", None),
        "schema": "/v2/schemas/tasks",
    }
    return answer | ({"next": link(req, "/v2/tasks", page.next_marker)} if page.next_marker else {})


def show(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        row = session.execute(select(*tasks.COLUMNS).where(ImageTask.id == ident)).first()
    if row is None:
        raise NotFound(f"No task found with ID {ident[:64]}.")
    return tasks.full(row)


def create(req: Request) -> Response:
    """A new image of what an address has: the older form of an import."""
    if req.body.type != "import":
        raise BadRequest(f"Invalid value for 'type': {req.body.type[:64]!r}; it must be import.")
    _check_method(req, WEB_DOWNLOAD)
    given = req.body.input
    allowed(req.runtime.conf).check(given.import_from, "import_from")
    new = draft(req, given.image_properties)
    with req.db.write() as session:
        image = add(session, req.runtime.conf, new)
        check_formats(image)
        shown = {"import_from": given.import_from, "image_properties": given.image_properties}
        task = begin(session, req, image, "import", shown, given.import_from)
        view = tasks.full(task)
    return Response(view, headers={"Location": req.url(view["self"])})
