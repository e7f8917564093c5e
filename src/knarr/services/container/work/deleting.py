"""The end of a container, and of all that was made for it."""

from __future__ import annotations

from typing import Any

from sqlalchemy import delete

from knarr.kernel.work import Work
from knarr.services.container import files, journal, scheduler, states, sync, usage, wiring
from knarr.services.container.drivers.base import ContainerEngine, EngineError, container_name
from knarr.services.container.models import Container
from knarr.services.container.work.steps import begun, load, settle, step, words


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
    except EngineError:
        return


@step
def unplug(work: Work, engine: ContainerEngine, container: Container) -> None:
    wiring.unwire(work.runtime, engine, container)
    files.remove(work.runtime, container.uuid)


def forget(work: Work) -> None:
    """The row goes, and with it what it counted against the quota and on the host."""
    with work.db.write() as session:
        container = session.get(Container, work.resource_id)
        if container is not None:
            drop(work.runtime, session, container)
        journal.end(session, work.data.get("action_id"), "delete", begun(work))
    sync.tracker_of(work.runtime).forget(work.resource_id)


def drop(runtime: Any, session: Any, container: Container) -> None:
    """Delete the row and give back its quota and its host's claim, in the caller's transaction."""
    session.execute(delete(Container).where(Container.uuid == container.uuid))
    counted = usage.negative(usage.of(container))
    runtime.quotas(usage.SERVICE).charge(session, container.project_id, counted)
    if container.host:
        scheduler.claim(session, container.host, -container.cpu, -container.memory, -container.disk, -1)


def undeleted(work: Work, error: BaseException) -> None:
    container = load(work)
    if container is None:
        return
    reason = f"The container could not be deleted: {words(error)}"
    settle(work, container, {"status": states.ERROR, "status_reason": reason}, reason)
