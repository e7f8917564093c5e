"""Stores: where the data of images lies. There is one, files of a directory."""

from __future__ import annotations

from typing import Any

import msgspec

from knarr.core.image import states
from knarr.core.image.api.data import check_formats
from knarr.core.image.importing import begin
from knarr.core.image.schemas import NewLocation
from knarr.core.image.storage import storage
from knarr.core.image.views import STORE, WITH_DATA
from knarr.core.image.visibility import load, load_own
from knarr.core.image.webdownload import allowed
from knarr.kernel.errors import Forbidden, NotFound
from knarr.kernel.request import Request


def index(req: Request) -> dict[str, Any]:
    return {"stores": [{"id": STORE, "description": "Files of this host", "default": "true"}]}


def detail(req: Request) -> dict[str, Any]:
    found = index(req)
    found["stores"][0] |= {
        "type": "file",
        "weight": 0,
        "properties": {"data_dir": str(storage(req.runtime).directory)},
    }
    return found


def locations(req: Request, ident: str) -> list[dict[str, Any]]:
    """Where the data lies, for services that read it there."""
    with req.db.read() as session:
        image = load(session, req.ctx, ident)
    if image.status not in WITH_DATA:
        return []
    return [{"url": storage(req.runtime).path(image.id).as_uri(), "metadata": {"store": STORE}}]


def add_location(req: Request, ident: str) -> dict[str, Any]:
    """Make what lies at an address the data of the image. The one store keeps files, so it is fetched, from
    where imports are allowed; upstream only notes the address, for stores that can read there."""
    given: NewLocation = req.body
    shown: dict[str, Any] = msgspec.to_builtins(given)
    validation = shown.get("validation_data", {})
    with req.db.write() as session:
        image = load_own(session, req, ident, "add_image_location")
        allowed(req.runtime.conf).check(given.url, "url")
        states.check("adding a location", image.status, image.id)
        check_formats(image)
        told = {"image_id": image.id, "loc_url": given.url, "validation_data": validation}
        wanted = validation.get("os_hash_value")
        begin(session, req, image, "location_import", told, given.url, wanted)
    return shown


def delete(req: Request, store: str, ident: str) -> None:
    """Delete data from one of an image's stores: as upstream, never from the only one that has it."""
    if store != STORE:
        raise NotFound(f"There is no store {store[:64]!r}; there is {STORE}.")
    with req.db.write() as session:
        image = load_own(session, req, ident, "delete_image")
    if image.status not in WITH_DATA:
        raise NotFound(f"Image {image.id} has no data in store {STORE}.")
    raise Forbidden(f"Cannot delete the data of image {image.id} from {STORE}, the only store that has it.")
