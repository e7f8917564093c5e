"""Changes of a container that is there: its name and limits, and another image for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy.orm import Session

from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.operations import FAILED, Operation
from knarr.kernel.request import Request, Response
from knarr.services.container import cpusets, images, references, scheduler, states, usage
from knarr.services.container.api import placing
from knarr.services.container.api.containers import NOTHING, begin, check, find
from knarr.services.container.api.creating import within
from knarr.services.container.api.waiting import awaiting
from knarr.services.container.drivers.names import has_domain, registry_of
from knarr.services.container.models import Container
from knarr.services.container.schemas import Limits
from knarr.services.container.views import ContainerView, container_viewer
from knarr.services.container.work.resizing import LIMITS

# How long an answer waits for the engine to take new limits; it goes on without an answer.
SECONDS = 15.0


def patch(req: Request, ident: str) -> ContainerView:
    """Name and auto_heal at once; cpu and memory through the host, whose answer is waited for as upstream
    does."""
    body = req.body
    with awaiting(req.runtime) as outcome:
        with req.db.write() as session:
            container = find(session, req, ident)
            states.check("update", container.status, ident)
            if body.name is not None and body.name != container.name:
                placing.check_name(session, req, body.name, container.project_id)
                container.name = body.name
            if body.auto_heal is not None:
                container.auto_heal = body.auto_heal
            session.flush()
            operation = _resize(session, req, container, "update", ident, body)
        if operation is not None:
            _judge(outcome.of(operation.id, SECONDS))
    with req.db.read() as session:
        return container_viewer(req)(find(session, req, container.uuid))


def _judge(operation: Operation | None) -> None:
    if operation is not None and operation.state == FAILED:
        raise Conflict(operation.error or "The container could not be changed.")


def resize(req: Request, ident: str) -> Response:
    wish = req.body or req.query
    if wish.cpu is None and wish.memory is None:
        raise BadRequest("'cpu' or 'memory' must be given.")
    with req.db.write() as session:
        container = find(session, req, ident)
        check(container, "resize_container", ident)
        _resize(session, req, container, "resize_container", ident, wish)
    return NOTHING


def _resize(
    session: Session, req: Request, container: Container, action: str, ident: str, wish: Limits
) -> Operation | None:
    """New limits in the row, with quota and claim; the operation that tells the engine. None if they are as
    they were."""
    conf = req.runtime.conf.container
    cpu = within("cpu", wish.cpu, container.cpu, conf.minimum_cpu, conf.maximum_cpu)
    memory = within("memory", wish.memory, container.memory, conf.minimum_memory, conf.maximum_memory)
    if (cpu, memory) == (container.cpu, container.memory):
        return None
    row = check(container, action, ident)
    if container.task_state is not None:
        raise Conflict(f"Container {ident} is busy ({container.task_state}): try again when it is not.")
    before = {name: getattr(container, name) for name in LIMITS}
    more_cpu, more_memory = cpu - container.cpu, memory - container.memory
    usage.charge_limits(req.runtime, session, container.project_id, more_cpu, more_memory)
    try:
        scheduler.check_growth(conf, placing.host_of(session, req, container), more_cpu, more_memory)
    except scheduler.NoHost as error:
        raise Conflict(f"Container {ident} cannot be changed. {error}") from None
    scheduler.claim(session, container.host or "", more_cpu, more_memory, 0, 0)
    container.cpu, container.memory = cpu, memory
    session.flush()
    if container.cpu_policy == cpusets.DEDICATED:
        placing.pin_again(session, req, container)
    return begin(req, session, container, row, action, "container.resize", before=before)


def rebuild(req: Request, ident: str) -> Response:
    """Of another image, or of the same one anew. The image is judged as at a creation."""
    wish = req.body or req.query
    with req.db.read() as session:
        container = find(session, req, ident)
        check(container, "rebuild", ident)
    data = _image(req, container, wish.image, wish.image_driver)
    with req.db.write() as session:
        container = find(session, req, container.uuid)
        row = check(container, "rebuild", ident)
        run = container.status == states.RUNNING
        if run:
            placing.pin_again(session, req, container)
        begin(req, session, container, row, "rebuild", "container.rebuild", run=run, **data)
    return NOTHING


def _image(req: Request, container: Container, image: str | None, driver: str | None) -> dict[str, Any]:
    """The columns that say what the new image is; none if it is the same. A registry that the container names
    serves the new image as well, unless that names another."""
    if image is None and driver is None:
        return {}
    image = image or container.image
    driver = images.driver(req.runtime.conf.container, driver or container.image_driver)
    found: dict[str, Any] = {"image": image, "image_driver": driver, "image_id": None}
    if driver == images.GLANCE:
        found["image_id"] = images.check_glance(req.runtime.client("image", req.ctx), image)
        return {**found, "image_registry": None, "registry_id": None}
    references.check(image)
    if container.registry_id and (not has_domain(image) or registry_of(image) == container.image_registry):
        return found
    default = req.runtime.conf.docker.default_registry or None
    return {**found, "image_registry": default, "registry_id": None}
