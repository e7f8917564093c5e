"""What happens after the 202: operations on containers, each a list of steps that may be run again.

Everything is found by names that derive from the container's id, so every step looks before it acts.
`Undone` work
leaves nothing behind: a container that cannot be made ends in Error without ports, veth, sandbox or half a
container.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime
from typing import Any

from sqlalchemy import delete, update

from knarr.kernel.db import utcnow
from knarr.kernel.operations import Cancelled, Fatal, OperationKind, Step
from knarr.kernel.work import Work
from knarr.services.container import images, journal, networking, scheduler, states, sync, usage, wiring
from knarr.services.container.drivers import base
from knarr.services.container.drivers.base import ContainerEngine, container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container

RESOURCE = "container"

Values = dict[str, Any]


# What all steps stand on


def step(fn: Callable[[Work, ContainerEngine, Container], None]) -> Callable[[Work], None]:
    """A step on a container that is still there; an engine's final No ends the operation at once."""

    @functools.wraps(fn)
    def run(work: Work) -> None:
        container = load(work)
        if container is None:
            return
        try:
            fn(work, engine_of(work.runtime), container)
        except base.RegistryUnavailable as error:
            raise Fatal(str(error)) from error
        except base.EngineError as error:
            if error.retryable:
                raise
            raise Fatal(str(error)) from error

    return run


def load(work: Work) -> Container | None:
    with work.db.read() as session:
        return session.get(Container, work.resource_id)


def change(work: Work, **values: Any) -> None:
    with work.db.write() as session:
        session.execute(_update(work.resource_id, values))


def _update(uuid: str, values: Values) -> Any:
    stmt = update(Container).where(Container.uuid == uuid).values(**values)
    return stmt.execution_options(synchronize_session=False)


def settle(work: Work, container: Container, values: Values, error: str | None = None) -> None:
    """The end of an operation: the row as the engine left it, no task state, the action's record, in one
    transaction.

    What the engine's events told since the operation began counts more than what the operation expects.
    """
    tracker = sync.tracker_of(work.runtime)
    with tracker.lock(container.uuid):
        if error is None:
            values = {**values, **tracker.seen(container.uuid)}
        with work.db.write() as session:
            session.execute(_update(container.uuid, {"task_state": None, **values}))
            journal.end(session, work.data.get("action_id"), work.data["action"], _begun(work), error)
            if container.auto_remove and values.get("status") == states.STOPPED:
                sync.remove_ended(session, container)


def _begun(work: Work) -> datetime:
    return datetime.fromisoformat(work.data["begun"])


def _hold(work: Work, container: Container, task_state: str | None) -> None:
    """From here on the row is this operation's; an earlier one on the container may have let it go."""
    if container.task_state is None:
        change(work, task_state=task_state)
    sync.tracker_of(work.runtime).forget(container.uuid)


# Create and start


def spec(container: Container) -> base.ContainerSpec:
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
    with ThreadPoolExecutor(2, "prepare") as pool:
        sandbox = pool.submit(engine.claim_sandbox, container.uuid, container.hostname)
        made = pool.submit(_create, engine, container, sandbox)
        ports = wiring.wire(work.runtime, engine, container, sandbox)
        engine_id = made.result()
    values: Values = {"engine_id": engine_id, "addresses": networking.addresses(container.nets, ports)}
    values["security_groups"] = sorted(
        {group for port in ports for group in port.get("security_groups") or ()}
    )
    if container.task_state == states.IMAGE_PULLING:
        values["task_state"] = states.CONTAINER_CREATING
    if not work.data.get("run"):
        settle(work, container, {**values, "status": states.CREATED, "status_reason": None})
        return
    change(work, **values)


def _create(engine: ContainerEngine, container: Container, sandbox: Future[Any]) -> str:
    sandbox.result()
    return engine.create(spec(container))


@step
def start(work: Work, engine: ContainerEngine, container: Container) -> None:
    if not work.data.get("run"):
        return
    _hold(work, container, states.CONTAINER_STARTING)
    engine.start(container_name(container.uuid))
    running = {"status": states.RUNNING, "status_reason": None, "started_at": utcnow(), "finished_at": None}
    settle(work, container, {**running, "exit_code": None})


# What a row that nothing stands behind any more says of the engine's side.
GONE: Values = {"addresses": {}, "engine_id": None}


def undo_create(work: Work, error: BaseException) -> None:
    """Nothing stays but the row, which says what was tried."""
    container = load(work)
    if container is None:
        return
    engine = engine_of(work.runtime)
    engine.delete(container_name(container.uuid), force=True)
    wiring.unwire(work.runtime, engine, container)
    reason = f"The container could not be created: {_words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    settle(work, container, {**GONE, "status": states.ERROR, "status_reason": reason}, reason)


def refresh_after(work: Work, error: BaseException) -> None:
    """An action that failed leaves the container as the engine has it, with the reason."""
    container = load(work)
    if container is None:
        return
    reason = f"Could not {work.data['action']} the container: {_words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    state = engine_of(work.runtime).inspect(container_name(container.uuid))
    values = sync.observed(state)
    if work.kind == "container.start" and values["status"] != states.RUNNING:
        values["status"] = states.ERROR
    settle(work, container, {**values, "status_reason": reason}, reason)


def _words(error: BaseException) -> str:
    if isinstance(error, Cancelled):
        return f"it was given up. {error}".strip()
    return str(error) or type(error).__name__


# The other actions


def _act(work: Work, engine: ContainerEngine, container: Container) -> None:
    name = container_name(container.uuid)
    given = work.data.get("timeout")
    timeout = work.runtime.conf.container.default_timeout if given is None else given
    actions: dict[str, Callable[[], None]] = {
        "stop": lambda: engine.stop(name, timeout),
        "reboot": lambda: engine.reboot(name, timeout),
        "pause": lambda: engine.pause(name),
        "unpause": lambda: engine.unpause(name),
        "kill": lambda: engine.kill(name, work.data.get("signal") or "KILL"),
    }
    actions[work.data["action"]]()


@step
def act(work: Work, engine: ContainerEngine, container: Container) -> None:
    """One call of the engine. What an earlier run or somebody else did already is no error."""
    action = states.ACTIONS[work.data["action"]]
    _hold(work, container, action.task_state)
    try:
        _act(work, engine, container)
    except base.EngineConflict:
        state = engine.inspect(container_name(container.uuid))
        if state is None or state.status != action.to:
            raise
    values: Values = {"status_reason": None}
    if action.to is not None:
        values["status"] = action.to
    if action.to == states.STOPPED:
        values["finished_at"] = utcnow()
    if action.name == "reboot":
        values |= {"started_at": utcnow(), "finished_at": None}
    settle(work, container, values)


# Delete


@step
def remove(work: Work, engine: ContainerEngine, container: Container) -> None:
    name = container_name(container.uuid)
    if work.data.get("stop"):
        _stop_gently(work, engine, name)
    engine.delete(name, force=True)


def _stop_gently(work: Work, engine: ContainerEngine, name: str) -> None:
    """stop before delete gives the program its time to end; that it cannot be stopped must not keep it."""
    try:
        engine.stop(name, work.runtime.conf.container.default_timeout)
    except base.EngineError:
        return


@step
def unplug(work: Work, engine: ContainerEngine, container: Container) -> None:
    wiring.unwire(work.runtime, engine, container)


def forget(work: Work) -> None:
    """The row goes, and with it what it counted against the quota and on the host."""
    with work.db.write() as session:
        container = session.get(Container, work.resource_id)
        if container is not None:
            drop(work.runtime, session, container)
        journal.end(session, work.data.get("action_id"), "delete", _begun(work))
    sync.tracker_of(work.runtime).forget(work.resource_id)


def drop(runtime: Any, session: Any, container: Container) -> None:
    """Delete the row and give back its quota and its host's claim, in the caller's transaction."""
    session.execute(delete(Container).where(Container.uuid == container.uuid))
    runtime.quotas(RESOURCE).charge(session, container.project_id, usage.negative(usage.of(container)))
    if container.host:
        scheduler.claim(session, container.host, -container.cpu, -container.memory, -container.disk, -1)


def undeleted(work: Work, error: BaseException) -> None:
    container = load(work)
    if container is None:
        return
    reason = f"The container could not be deleted: {_words(error)}"
    settle(work, container, {"status": states.ERROR, "status_reason": reason}, reason)


def _kind(name: str, *steps: tuple[str, Callable[[Work], None]], **more: Any) -> OperationKind:
    return OperationKind(f"container.{name}", tuple(Step(*one) for one in steps), target="host", **more)


OPERATIONS = (
    _kind(
        "create",
        ("image", fetch_image), ("prepare", prepare), ("start", start),
        failed=undo_create, retries=3,
    ),
    _kind(
        "start",
        ("image", fetch_image), ("prepare", prepare), ("start", start),
        failed=refresh_after, retries=3,
    ),
    _kind("act", ("act", act), failed=refresh_after, retries=2),
    _kind(
        "delete",
        ("container", remove), ("network", unplug), ("row", forget),
        failed=undeleted, retries=10,
    ),
)  # fmt: skip
