"""A new container in place of the old one, of another image or the same: sandbox, ports and files stay."""

from __future__ import annotations

from typing import Any

from knarr.kernel.work import Work
from knarr.services.container import images, states, sync
from knarr.services.container.drivers.base import ContainerEngine, container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container
from knarr.services.container.work.steps import change, hold, load, refresh_after, settle, step, words

# What an image is: the columns that a rebuild may change, and the keys of its data.
IMAGE = ("image", "image_id", "image_driver", "image_registry", "registry_id")


def _wanted(work: Work) -> dict[str, Any]:
    return {name: work.data[name] for name in IMAGE if name in work.data}


@step
def fetch(work: Work, engine: ContainerEngine, container: Container) -> None:
    """The image comes first: as long as it is not there, the old container stays."""
    for name, value in _wanted(work).items():
        setattr(container, name, value)
    images.ensure(work, engine, container)


@step
def clear(work: Work, engine: ContainerEngine, container: Container) -> None:
    """The old one goes, and from here on the row tells of the new one."""
    hold(work, container, states.CONTAINER_REBUILDING)
    engine.delete(container_name(container.uuid), force=True)
    change(work, engine_id=None, health=None, exit_code=None, **_wanted(work))


def failed(work: Work, error: BaseException) -> None:
    """The old container goes on if it is still there. Otherwise the row is an Error, with ports and files
    kept for another try."""
    container = load(work)
    if container is None:
        return
    if engine_of(work.runtime).inspect(container_name(container.uuid)) is not None:
        refresh_after(work, error)
        return
    reason = f"The container could not be rebuilt: {words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    values = {"engine_id": None, "health": None, "status": states.ERROR, "status_reason": reason}
    settle(work, container, values, reason)
