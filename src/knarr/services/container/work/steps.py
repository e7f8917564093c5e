"""What all operations on containers stand on: reading and writing the row, and what follows from an error."""

from __future__ import annotations

import functools
from collections.abc import Callable
from concurrent.futures import Future
from datetime import datetime
from typing import Any

from sqlalchemy import update

from knarr.kernel.operations import Cancelled, Fatal, OperationKind, Step
from knarr.kernel.work import Work
from knarr.services.container import journal, states, sync
from knarr.services.container.drivers import base
from knarr.services.container.drivers.base import ContainerEngine, container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container

Values = dict[str, Any]
Run = Callable[[Work], None]

# What a row that nothing stands behind any more says of the engine's side.
GONE: Values = {"addresses": {}, "engine_id": None, "health": None}


def kind(name: str, *steps: tuple[str, Run], **more: Any) -> OperationKind:
    return OperationKind(f"container.{name}", tuple(Step(*one) for one in steps), target="host", **more)


def step(fn: Callable[[Work, ContainerEngine, Container], None]) -> Run:
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
        session.execute(changed(work.resource_id, values))


def changed(uuid: str, values: Values) -> Any:
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
            values = _truth(work, container, values, tracker.seen(container.uuid))
        with work.db.write() as session:
            session.execute(changed(container.uuid, {**values, "task_state": None}))
            journal.end(session, work.data.get("action_id"), work.data["action"], begun(work), error)
            if error is None:
                sync.follow_up(session, container, values)


def _truth(work: Work, container: Container, values: Values, told: Values) -> Values:
    """Where events contradict the operation (they may tell of a former container of the same name, too),
    the engine is asked."""
    if told.get("status") in (None, values.get("status", container.status)):
        return {**values, **told}
    state = engine_of(work.runtime).inspect(container_name(container.uuid))
    return {**values, **sync.observed(state)}


def begun(work: Work) -> datetime:
    return datetime.fromisoformat(work.data["begun"])


def hold(work: Work, container: Container, task_state: str | None) -> None:
    """From here on the row is this operation's; an earlier one on the container may have let it go."""
    if container.task_state is None:
        change(work, task_state=task_state)
    sync.tracker_of(work.runtime).forget(container.uuid)


def refresh_after(work: Work, error: BaseException) -> None:
    """An action that failed leaves the container as the engine has it, with the reason."""
    container = load(work)
    if container is None:
        return
    reason = f"Could not {work.data['action'].replace('_', ' ')} the container: {words(error)}"
    sync.tracker_of(work.runtime).forget(container.uuid)
    state = engine_of(work.runtime).inspect(container_name(container.uuid))
    values = sync.observed(state)
    if work.kind == "container.start" and values["status"] != states.RUNNING:
        values["status"] = states.ERROR
    settle(work, container, {**values, "status_reason": reason}, reason)


def words(error: BaseException) -> str:
    if isinstance(error, Cancelled):
        return f"it was given up. {error}".strip()
    return str(error) or type(error).__name__


def ready(value: Any) -> Future[Any]:
    """What is there already, where something under way is expected."""
    future: Future[Any] = Future()
    future.set_result(value)
    return future
