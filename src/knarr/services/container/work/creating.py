"""Creating and starting: the image, the sandbox with its network, the container itself."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from knarr.kernel.db import utcnow
from knarr.kernel.work import Work
from knarr.services.container import files, images, networking, states, sync, wiring
from knarr.services.container.drivers import base
from knarr.services.container.drivers.base import ContainerEngine, container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container
from knarr.services.container.work.steps import GONE, Values, change, hold, load, settle, step, words


def spec(container: Container, mounts: list[base.Mount]) -> base.ContainerSpec:
    """The row in the engine's words."""
    policy = container.restart_policy or {}
    check = container.healthcheck
    return base.ContainerSpec(
        uuid=container.uuid,
        image=images.engine_ref(container),
        command=container.command,
        entrypoint=container.entrypoint,
        environment=container.environment,
        labels=container.labels,
        workdir=container.workdir,
        cpu=container.cpu,
        memory_mib=container.memory,
        disk_gib=container.disk or None,
        interactive=container.interactive,
        tty=container.tty,
        privileged=container.privileged,
        restart_policy=base.RestartPolicy(
            policy.get("Name", "no"), int(policy.get("MaximumRetryCount") or 0)
        ),
        runtime=container.runtime,
        cpuset=container.cpuset_cpus,
        cpuset_mems=container.cpuset_mems,
        mounts=mounts,
        healthcheck=base.Healthcheck(**check) if check else None,
        sandbox=base.sandbox_name(container.uuid),
    )


@step
def fetch_image(work: Work, engine: ContainerEngine, container: Container) -> None:
    if container.engine_id is None:
        images.ensure(work, engine, container)


@step
def prepare(work: Work, engine: ContainerEngine, container: Container) -> None:
    """Sandbox, ports, veth and the container itself; the engine makes the container while the port is
    wired."""
    mounts = files.place(work.runtime, container.uuid)
    with ThreadPoolExecutor(2, "prepare") as pool:
        sandbox = pool.submit(engine.claim_sandbox, container.uuid, container.hostname)
        made = pool.submit(_create, engine, spec(container, mounts), sandbox)
        values = wired(work.runtime, engine, container, sandbox)
        values["engine_id"] = made.result()
    if container.task_state == states.IMAGE_PULLING:
        values["task_state"] = states.CONTAINER_CREATING
    if not work.data.get("run"):
        settle(work, container, {**values, "status": states.CREATED, "status_reason": None})
        return
    change(work, **values)


def wired(runtime: Any, engine: ContainerEngine, container: Container, sandbox: Future[Any]) -> Values:
    """Have the container's network complete; what the row says of it then."""
    ports = wiring.wire(runtime, engine, container, sandbox)
    groups = {group for port in ports for group in port.get("security_groups") or ()}
    return {
        "nets": networking.with_ports(container.nets, ports),
        "addresses": networking.addresses(container.nets, ports),
        "security_groups": sorted(groups),
    }


def _create(engine: ContainerEngine, wanted: base.ContainerSpec, sandbox: Future[Any]) -> str:
    sandbox.result()
    return engine.create(wanted)


@step
def start(work: Work, engine: ContainerEngine, container: Container) -> None:
    if not work.data.get("run"):
        return
    hold(work, container, states.CONTAINER_STARTING)
    name = container_name(container.uuid)
    if container.cpuset_cpus:
        # While it was stopped, others may have been given its CPUs, and it others.
        engine.update(name, cpuset=container.cpuset_cpus, cpuset_mems=container.cpuset_mems)
    engine.start(name)
    settle(work, container, begun_to_run(container))


def begun_to_run(container: Container) -> Values:
    return {
        "status": states.RUNNING,
        "status_reason": None,
        "started_at": utcnow(),
        "finished_at": None,
        "exit_code": None,
        "health": "starting" if container.healthcheck else None,
    }


def undo_create(work: Work, error: BaseException) -> None:
    """Nothing stays but the row, which says what was tried."""
    container = load(work)
    if container is None:
        return
    engine = engine_of(work.runtime)
    engine.delete(container_name(container.uuid), force=True)
    wiring.unwire(work.runtime, engine, container)
    files.remove(work.runtime, container.uuid)
    reason = f"The container could not be created: {words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    nets = networking.without_ports(container.nets)
    settle(work, container, {**GONE, "nets": nets, "status": states.ERROR, "status_reason": reason}, reason)
