"""Images: what of them can be known at once, and how they come to the engine of a host."""

from __future__ import annotations

from typing import Any

from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.operations import Fatal
from knarr.services.container.rest import TIMEOUT, call, get

GLANCE = "glance"


def check_glance(client: Any, wanted: str) -> str:
    """The id of the caller's Glance image of that id, name, or name:tag. Raises BadRequest unless a container can be
    made of it."""
    image = call(client, "GET", f"/v2/images/{wanted}", absent_ok=True) if _plain(wanted) else None
    if image is None:
        found = _called(client, wanted)
        if len(found) > 1:
            raise Conflict(f"Multiple images have the name '{wanted}': use the id instead.")
        image = found[0] if found else None
    if image is None:
        raise BadRequest(f"Image {wanted} could not be found in the image service.", code="ImageNotFound")
    if image.get("status") != "active":
        raise BadRequest(f"Image {wanted} is {image.get('status')}: only an active image can be used.")
    if image.get("container_format") != "docker":
        raise BadRequest(
            f"Image {wanted} has the container_format {image.get('container_format')}; it must be docker."
        )
    return str(image["id"])


def _called(client: Any, wanted: str) -> list[dict[str, Any]]:
    """The images of that name; or, for `name:tag`, those of the name that have the tag."""
    found: list[dict[str, Any]] = get(client, "/v2/images", [("name", wanted)])["images"]
    name, colon, tag = wanted.rpartition(":")
    if not found and colon and "/" not in tag:
        found = get(client, "/v2/images", [("name", name), ("tag", tag)])["images"]
    return found


def engine_ref(container: Any) -> str:
    """What the image is called on the engine. Glance's go by their id, so that no name hides another's."""
    if container.image_driver == GLANCE:
        return f"glance/{container.image_id}:latest"
    return str(container.image)


def ensure(work: Any, engine: Any, container: Any) -> None:
    """Have the image on the engine as the pull policy says. Raises Fatal, or the engine's error with what
    was tried."""
    ref = engine_ref(container)
    policy = container.image_pull_policy
    present = engine.image_present(ref) if policy != "always" or container.image_driver == GLANCE else None
    if present is not None:
        return
    if policy == "never":
        raise Fatal(f"Image {container.image} is not on host {work.host}, and image_pull_policy is never.")
    if container.image_driver == GLANCE:
        _load(work, engine, container, ref)
    else:
        engine.pull(ref, progress=lambda done, total, text: work.progress(done, total or None, text))


def _load(work: Any, engine: Any, container: Any, ref: str) -> None:
    path = f"/v2/images/{container.image_id}/file"
    answer = work.runtime.service_client("image").get(path, stream=True, timeout=TIMEOUT)
    if answer.status_code != 200:
        raise Fatal(
            f"Image {container.image} could not be read from the image service ({answer.status_code})."
        )
    work.progress(0, None, f"loading image {container.image}")
    engine.load(answer.raw, ref)


def _plain(text: str) -> bool:
    return all(c.isalnum() or c == "-" for c in text)
