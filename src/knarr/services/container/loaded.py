"""Which images of the image service this host has loaded, so that deleted ones leave the engine.

A note is an empty file of the image's id. Only what is noted is ever removed: an engine may serve others too.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from sqlalchemy import select

from knarr.services.container.drivers.base import EngineConflict, NotThere
from knarr.services.container.models import Container
from knarr.services.container.rest import call, get

FOLDER = "container-images"
TOGETHER = 100  # ids in one request

LOG = logging.getLogger(__name__)


def engine_name(image_id: str) -> str:
    """What the image is called on the engine: by its id, so that no name hides another's."""
    return f"glance/{image_id}:latest"


def note(runtime: Any, image_id: str) -> None:
    """Before the image is loaded."""
    folder = _folder(runtime)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / image_id).touch()


def clear(runtime: Any, engine: Any) -> None:
    """Remove from the engine what was loaded, is deleted in the image service, and no container uses."""
    noted = _noted(runtime)
    if not noted:
        return
    with runtime.db.read() as session:
        noted -= set(session.scalars(select(Container.image_id).where(Container.image_driver == "glance")))
    if not noted:
        return
    for image_id in _deleted(runtime.service_client("image"), sorted(noted)):
        if _remove(engine, engine_name(image_id)):
            LOG.info("removed the image %s from the engine: it is deleted in the image service", image_id)
            (_folder(runtime) / image_id).unlink(missing_ok=True)


def _noted(runtime: Any) -> set[str]:
    folder = _folder(runtime)
    return {path.name for path in folder.iterdir()} if folder.is_dir() else set()


def _deleted(client: Any, image_ids: list[str]) -> Iterator[str]:
    """Those that the image service does not have: found missing in a list, and asked for one by one then."""
    for start in range(0, len(image_ids), TOGETHER):
        some = image_ids[start : start + TOGETHER]
        wanted = [("id", "in:" + ",".join(some)), ("visibility", "all"), ("limit", str(TOGETHER))]
        there = {
            image["id"]
            for hidden in ("false", "true")
            for image in get(client, "/v2/images", [*wanted, ("os_hidden", hidden)])["images"]
        }
        for image_id in some:
            if image_id in there:
                continue
            if call(client, "GET", f"/v2/images/{image_id}", absent_ok=True) is None:
                yield image_id


def _remove(engine: Any, ref: str) -> bool:
    """False while something on the engine uses it."""
    try:
        engine.image_delete(ref)
    except NotThere:
        return True
    except EngineConflict:
        return False
    return True


def _folder(runtime: Any) -> Path:
    return Path(runtime.state_dir) / FOLDER
