"""POST /v1/containers: judge the request, choose a host, write the row; the rest is an operation."""

from __future__ import annotations

import shlex
from typing import Any

from sqlalchemy.orm import Session

from knarr.kernel.db import new_id, utcnow
from knarr.kernel.errors import BadRequest
from knarr.kernel.operations import enqueue
from knarr.kernel.request import Request
from knarr.services.container import (
    exposing,
    files,
    images,
    journal,
    names,
    networking,
    references,
    registries,
    scheduler,
    states,
    usage,
)
from knarr.services.container.api import placing
from knarr.services.container.api.owners import project_of
from knarr.services.container.models import Container, ContainerFile
from knarr.services.container.schemas import ContainerCreate, RestartPolicy
from knarr.services.container.views import ContainerView, container_viewer

# (attribute, the rule that a request with it needs)
GUARDED = (
    ("runtime", "container:create:runtime"),
    ("image_pull_policy", "container:create:image_pull_policy"),
    ("host", "container:create:requested_destination"),
    ("privileged", "container:create:privileged"),
)


def create(req: Request) -> ContainerView:
    body: ContainerCreate = req.body
    for name, rule in GUARDED:
        if getattr(body, name):
            req.authorize(rule)
    most = req.runtime.conf.container.maximum_file_kib
    given = files.parse(body.mounts or [], most, typed=req.at_least("1.23"))
    container = _container(req, body)
    if container.image_driver != images.GLANCE:
        references.check(container.image)
    with req.db.read() as session:
        _choose_registry(session, req, container, body.registry)
    client = req.runtime.client("network", req.ctx)
    external = req.allows("network:attach_external_network")
    container.nets = networking.resolve_nets(client, body.nets or [], container.project_id, external)
    groups = body.security_groups or []
    container.security_groups = networking.resolve_groups(client, groups, container.project_id)
    if container.image_driver == images.GLANCE:
        container.image_id = images.check_glance(req.runtime.client("image", req.ctx), container.image)
    _check_image(req, container)
    with req.db.write() as session:
        placing.check_name(session, req, container.name, container.project_id)
        placing.place(session, req, container, body.host, body.disk)
        req.runtime.quotas("container").charge(session, container.project_id, usage.of(container))
        session.add(container)
        session.flush()
        _add_files(session, container, given)
        _record(session, req, container, bool(req.query.run))
    req.set_header("Location", req.url(f"/v1/containers/{container.uuid}"))
    return container_viewer(req)(container)


# From the body to a row


def _container(req: Request, body: ContainerCreate) -> Container:
    exposed = _exposed(body)
    conf = req.runtime.conf.container
    interactive = bool(body.interactive)
    policy = _restart_policy(body.restart_policy)
    if body.auto_remove and policy and policy["Name"] != "no":
        raise BadRequest("'auto_remove' and 'restart_policy' contradict each other: give only one of them.")
    check = body.healthcheck
    return Container(
        uuid=new_id(),
        name=body.name or names.generate(),
        project_id=project_of(req, "container"),
        user_id=req.ctx.user_id,
        image=body.image,
        image_driver=images.driver(conf, body.image_driver),
        image_pull_policy=body.image_pull_policy or conf.default_image_pull_policy,
        command=_command(req, body.command),
        entrypoint=body.entrypoint or None,
        cpu=within("cpu", body.cpu, conf.default_cpu, conf.minimum_cpu, conf.maximum_cpu),
        cpu_policy=body.cpu_policy or "shared",
        memory=within("memory", body.memory, conf.default_memory, conf.minimum_memory, conf.maximum_memory),
        disk=within("disk", body.disk, 0, conf.minimum_disk, conf.maximum_disk),
        workdir=body.workdir,
        hostname=body.hostname,
        environment=_environment(body.environment or {}),
        labels=body.labels or {},
        restart_policy=policy,
        healthcheck=_healthcheck(check) if check else None,
        interactive=interactive,
        tty=bool(body.tty) if req.at_least("1.36") else interactive,
        auto_remove=bool(body.auto_remove),
        auto_heal=bool(body.auto_heal),
        privileged=bool(body.privileged),
        runtime=body.runtime,
        availability_zone=body.availability_zone,
        hints=body.hints or {},
        exposed_ports=exposed,
        ports=exposing.numbers(exposed or []),
        addresses={},
        status=states.CREATING,
        task_state=states.IMAGE_PULLING,
    )


def _environment(given: dict[str, str]) -> dict[str, str]:
    for name in given:
        if not name or "=" in name:
            raise BadRequest(f"Invalid input for field 'environment': {name!r} is no name of a variable.")
    return given


def _exposed(body: ContainerCreate) -> list[str] | None:
    if not body.exposed_ports:
        return None
    if body.security_groups:
        raise BadRequest(
            "'exposed_ports' and 'security_groups' contradict each other: give only one of them."
        )
    return exposing.parse(body.exposed_ports)


def _command(req: Request, command: list[str] | str | None) -> list[str] | None:
    """A list from 1.20 on; before, a string that is split as a shell does."""
    if command is None or command == "" or command == []:
        return None
    if req.at_least("1.20"):
        if isinstance(command, str):
            raise BadRequest("Invalid input for field 'command': expected array, got str.")
        return command
    if not isinstance(command, str):
        raise BadRequest(
            "'command' as a list is only supported from version 1.20 on; before, it is a string."
        )
    try:
        return shlex.split(command)
    except ValueError as error:
        raise BadRequest(f"Invalid input for field 'command': {str(error).lower()}.") from None


def within(name: str, value: Any, default: Any, least: Any, most: Any) -> Any:
    if value is None:
        return default
    if not least <= value <= most:
        raise BadRequest(f"Invalid input for field '{name}': {value} is not between {least} and {most}.")
    return value


def _restart_policy(policy: RestartPolicy | None) -> dict[str, Any] | None:
    if policy is None:
        return None
    retries = policy.retries or 0
    if retries and policy.name != "on-failure":
        raise BadRequest("'restart_policy.MaximumRetryCount' goes with the Name on-failure only.")
    return {"Name": policy.name, "MaximumRetryCount": str(retries)}


def _healthcheck(check: Any) -> dict[str, Any]:
    given = {"interval": check.interval, "retries": check.retries, "timeout": check.timeout}
    return {"cmd": check.cmd, **{name: value for name, value in given.items() if value}}


# What must hold at once


def _check_image(req: Request, container: Container) -> None:
    """With the pull policy never some host that is up must have the image; otherwise, where images are
    validated, a host or else its registry. One that does not answer now may have it."""
    policy = container.image_pull_policy
    validate = req.runtime.conf.container.enable_image_validation and container.image_driver != images.GLANCE
    if policy != images.NEVER and not validate:
        return
    with req.db.read() as session:
        found = scheduler.candidates(session, req.runtime.conf.container.service_down_time)
    ref, call = images.engine_ref(container), req.runtime.bus.call
    hosts = [host.hostname for host in found if host.up and not host.disabled]
    if policy != images.ALWAYS and any(call(host, "container.has_image", ref=ref) for host in hosts):
        return
    reason: str | None = None
    if policy == images.NEVER:
        reason = f"it is on none of the {len(hosts)} hosts, and image_pull_policy is never"
    elif hosts:
        reason = call(hosts[0], "container.image_refusal", ref=ref, registry_id=container.registry_id)
    if reason:
        raise BadRequest(f"Image {container.image} cannot be used: {reason}.", code="ImageNotFound")


def _choose_registry(session: Session, req: Request, container: Container, wanted: str | None) -> None:
    """Which registry serves the image; its credentials stay where they are until it is asked."""
    if container.image_driver == images.GLANCE:
        if wanted:
            raise BadRequest("'registry' goes with the image_driver docker only.")
        return
    found = registries.source(session, req.runtime.conf, container.image, wanted, req.ctx)
    container.registry_id, container.image_registry = found.registry_id, found.domain


def _add_files(session: Session, container: Container, given: list[ContainerFile]) -> None:
    for file in given:
        file.container_uuid = container.uuid
        session.add(file)


def _record(session: Session, req: Request, container: Container, run: bool) -> None:
    action_id = journal.begin(session, container, "create", req.ctx)
    begun = utcnow()
    if container.host is None:
        journal.end(session, action_id, "create", begun, container.status_reason)
        return
    enqueue(
        session,
        "container.create",
        resource_type="container",
        resource_id=container.uuid,
        ctx=req.ctx,
        host=container.host,
        data={"run": run, "action": "create", "action_id": action_id, "begun": begun.isoformat()},
    )
