"""Images: what they are called on the engine of a host, and how they come there.

Two drivers: `docker`, where the engine pulls from a registry, and `glance`, where the image service's file is
loaded.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from knarr.kernel.errors import BadRequest
from knarr.kernel.operations import Fatal, Retry
from knarr.services.container import closed, glance, loaded, registries
from knarr.services.container.drivers.base import Credentials, ImageInfo, ImageNotFound, RegistryUnavailable
from knarr.services.container.drivers.names import canonical

GLANCE = "glance"
ALWAYS, NEVER = "always", "never"

check_glance = glance.check


def driver(conf: Any, wanted: str | None) -> str:
    """Where the image is to come from. `conf` is the group [container]. Raises BadRequest for what this cloud
    does not have."""
    found: str = wanted or conf.default_image_driver
    if found not in conf.image_driver_list:
        known = " or ".join(conf.image_driver_list)
        raise BadRequest(f"Invalid input for field 'image_driver': it is {known} on this cloud, not {found}.")
    return found


def engine_ref(container: Any) -> str:
    """What the image is called on the engine."""
    if container.image_driver == GLANCE:
        return loaded.engine_name(container.image_id)
    return registries.full_name(str(container.image), container.image_registry)


def same(one: str, other: str) -> bool:
    """Whether two names mean the same image on an engine."""
    return canonical(one) == canonical(other)


def ensure(work: Any, engine: Any, container: Any) -> None:
    """Have the image on the engine as the pull policy says. Raises Fatal with what was tried, or Retry while
    its registry does not answer."""
    ref, policy = engine_ref(container), container.image_pull_policy
    if container.image_driver == GLANCE:
        if engine.image_present(ref) is not None:
            return
        _refuse_never(work, str(container.image), policy)
        loaded.note(work.runtime, container.image_id)
        glance.load(work, engine, container.image_id, ref)
        return
    login = registries.credentials(work.runtime, ref, container.registry_id)
    own = container.registry_id if login else None
    if policy != ALWAYS and engine.image_present(ref) is not None:
        _prove(work, engine, ref, policy, login, own)
        return
    _refuse_never(work, ref, policy)
    with closed.pulling(work.runtime, ref, own):
        _pull(work, engine, ref, policy, login)


def _prove(work: Any, engine: Any, ref: str, policy: str, login: Credentials | None, own: str | None) -> None:
    """Have the registry of an image that lies here asked, if others' credentials brought it."""
    if closed.is_open(work.runtime, ref, own):
        return
    if policy == NEVER:
        raise Fatal(
            f"Image {ref} came to host {work.host} with the credentials of others, and its registry is not "
            "asked whether it may be used: image_pull_policy is never."
        )
    with _asking(work, policy):
        engine.image_check(ref, login)
    closed.opened(work.runtime, ref, own)


def have(work: Any, engine: Any, ref: str, policy: str, login: Credentials | None) -> ImageInfo:
    """The image under its full name, pulled if the policy asks for it; for administrators, who may have it
    whoever brought it. Raises as `ensure` does."""
    present: ImageInfo | None = engine.image_present(ref) if policy != ALWAYS else None
    if present is not None:
        return present
    _refuse_never(work, ref, policy)
    return _pull(work, engine, ref, policy, login)


def _refuse_never(work: Any, image: str, policy: str) -> None:
    if policy == NEVER:
        raise Fatal(f"Image {image} is not on host {work.host}, and image_pull_policy is never.")


def _pull(work: Any, engine: Any, ref: str, policy: str, login: Credentials | None) -> ImageInfo:
    def progress(done: int, total: int, text: str) -> None:
        work.check()
        work.progress(done, total or None, text)

    with _asking(work, policy):
        found: ImageInfo = engine.pull(ref, login, progress)
    return found


@contextmanager
def _asking(work: Any, policy: str) -> Iterator[None]:
    """What a registry answers, as the end of the work or a reason to try again."""
    tried = f"host {work.host}, image_pull_policy {policy}"
    try:
        yield
    except RegistryUnavailable as error:
        times = f"{work.attempt} time{'' if work.attempt == 1 else 's'}"
        raise Retry(f"{error} ({tried}, tried {times})") from error
    except ImageNotFound as error:
        raise Fatal(f"{error} ({tried})") from error
