"""Keeping the rows true to the engine: its events as they come, and a full comparison now and then.

While an operation is under way (task_state is set) the row belongs to it: what the engine tells meanwhile is
remembered, and the operation takes it into account at its end. Both write under the same lock, so that
neither misses what the other saw.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.kernel.db import utcnow
from knarr.kernel.operations import enqueue
from knarr.services.container import files, loaded, states
from knarr.services.container.drivers.base import ContainerEvent, EngineUnavailable, container_name
from knarr.services.container.locator import engine_of
from knarr.services.container.models import Container, ContainerAction

if TYPE_CHECKING:
    from knarr.kernel.runtime import Runtime

LOG = logging.getLogger(__name__)

GONE = "The container was removed from the engine behind the service's back."
ROW = (
    Container.uuid, Container.status, Container.task_state, Container.auto_remove, Container.restart_policy,
    Container.host, Container.project_id, Container.engine_id, Container.auto_heal, Container.exit_code,
    Container.health, Container.started_at, Container.finished_at, Container.status_reason,
)  # fmt: skip

ALIVE = (states.RUNNING, states.PAUSED, states.RESTARTING)
# A removal by force kills first: who was killed so shortly before ran when it was removed.
KILLED, JUST_NOW = 137, timedelta(seconds=10)

Values = dict[str, Any]


class Tracker:
    """What this process knows of containers from events, and the locks that order the writers of a row."""

    STRIPES = 64

    def __init__(self) -> None:
        self._locks = [threading.RLock() for _ in range(self.STRIPES)]
        self._seen: dict[str, Values] = {}

    @contextmanager
    def lock(self, uuid: str) -> Iterator[None]:
        with self._locks[hash(uuid) % self.STRIPES]:
            yield

    def forget(self, uuid: str) -> None:
        """Before an operation acts: what was seen so far says nothing of what comes."""
        self._seen.pop(uuid, None)

    def remember(self, uuid: str, values: Values) -> None:
        self._seen[uuid] = {**self._seen.get(uuid, {}), **values}

    def seen(self, uuid: str) -> Values:
        """What the engine told since `forget`. Call it under the lock."""
        return self._seen.pop(uuid, {})


def tracker_of(runtime: Runtime) -> Tracker:
    return runtime.component("container.tracker", Tracker)


def naive(value: datetime | None) -> datetime | None:
    return value.astimezone(UTC).replace(tzinfo=None) if value and value.tzinfo else value


def on_event(runtime: Runtime, event: ContainerEvent) -> None:
    """Write how the engine has the container, unless an operation is under way: then remember what
    happened for its end.

    An event may be older than the row, or tell of a former container of the same name: the engine is asked.
    """
    if event.action == "resync":
        compare(runtime)
        return
    values = _meaning(event)
    if values is None:
        return
    tracker = tracker_of(runtime)
    with tracker.lock(event.uuid):
        row = _row(runtime, event.uuid)
        if row is None or row.host != runtime.host:
            return
        if row.task_state is not None:
            tracker.remember(event.uuid, values)
            return
        if row.engine_id is None or (event.action == "destroy" and row.status == states.ERROR):
            return  # the last words of a container that could not be made
        write(runtime, row, observed(engine_of(runtime).inspect(container_name(event.uuid))))


def _meaning(event: ContainerEvent) -> Values | None:
    at = naive(event.time)
    if event.action == "start":
        return {"status": states.RUNNING, "status_reason": None, "started_at": at, "finished_at": None}
    if event.action == "die":
        return {"status": states.STOPPED, "finished_at": at, "exit_code": event.exit_code, "health": None}
    if event.action == "pause":
        return {"status": states.PAUSED}
    if event.action == "unpause":
        return {"status": states.RUNNING}
    if event.action == "destroy":
        return {"status": states.ERROR, "status_reason": GONE}
    if event.action == "health":
        return {"health": event.health}
    return None


def observed(state: Any) -> Values:
    """The row's values for a container as the engine shows it (None: it is gone)."""
    if state is None:
        return {"status": states.ERROR, "status_reason": GONE, "health": None}
    values: Values = {"status": state.status, "exit_code": state.exit_code, "health": state.health}
    if state.started_at:
        values["started_at"] = naive(state.started_at)
    if state.finished_at or state.running:
        values["finished_at"] = naive(state.finished_at)
    if state.error:
        values["status_reason"] = state.error
    elif state.running:
        values["status_reason"] = None
    return values


def write(runtime: Runtime, row: Any, values: Values) -> None:
    """Change the row, unless an operation began meanwhile, and do what follows from it."""
    if all(getattr(row, name) == value for name, value in values.items()):
        return
    with runtime.db.write() as session:
        changed = session.execute(
            update(Container)
            .where(Container.uuid == row.uuid, Container.task_state.is_(None))
            .values(**values)
            .execution_options(synchronize_session=False)
        )
        if changed.rowcount:  # type: ignore[attr-defined]
            follow_up(session, row, values)


def follow_up(session: Session, row: Any, values: Values) -> None:
    """What a container's end brings about: auto_remove removes it, auto_heal makes one that is gone anew.

    `row` is how the container was before, with the columns of ROW."""
    if row.auto_remove and values.get("status") == states.STOPPED:
        remove_ended(session, row)
    elif row.auto_heal and values.get("status_reason") == GONE:
        heal(session, row)


def remove_ended(session: Session, row: Any) -> None:
    """auto_remove: what has ended goes away."""
    _take_over(session, row.uuid, status=states.DELETED, task_state=states.CONTAINER_DELETING)
    _enqueue(session, row, "container.delete", action="delete")


def heal(session: Session, row: Any) -> None:
    """auto_heal: what was removed behind our back is made anew, and runs if it did."""
    _take_over(session, row.uuid, status=states.REBUILDING, task_state=states.CONTAINER_REBUILDING)
    _enqueue(session, row, "container.rebuild", action="rebuild", run=_ran(row))


def _ran(row: Any) -> bool:
    """Whether it ran until it was removed, the end of its program being told before the removal."""
    if row.status in ALIVE:
        return True
    ended = row.finished_at is not None and utcnow() - row.finished_at <= JUST_NOW
    return bool(ended and row.status in (states.STOPPED, states.DEAD) and row.exit_code == KILLED)


def resume(session: Session, row: Any) -> None:
    """What ran when its host or engine ended runs again."""
    _take_over(session, row.uuid, task_state=states.CONTAINER_STARTING)
    _enqueue(session, row, "container.start", action="start", run=True)


def _take_over(session: Session, uuid: str, **values: Any) -> None:
    session.execute(
        update(Container)
        .where(Container.uuid == uuid)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


def _enqueue(session: Session, row: Any, kind: str, **data: Any) -> None:
    enqueue(
        session,
        kind,
        resource_type="container",
        resource_id=row.uuid,
        project_id=row.project_id,
        host=row.host,
        data={"begun": utcnow().isoformat(), **data},
    )


def _row(runtime: Runtime, uuid: str) -> Any:
    with runtime.db.read() as session:
        return session.execute(select(*ROW).where(Container.uuid == uuid)).first()


def compare(runtime: Runtime) -> None:
    """Rows of this host beside the engine's list, in one call; only what differs is looked at again, under
    its lock."""
    engine = engine_of(runtime)
    there = {state.uuid: state for state in engine.list_containers()}
    with runtime.db.read() as session:
        rows = session.execute(select(*ROW).where(Container.host == runtime.host)).all()
    for row in rows:
        if row.task_state is not None or row.engine_id is None:
            continue
        state = there.get(row.uuid)
        if state is None and row.status == states.ERROR:
            continue
        if state is None or (state.status, state.health) != (row.status, row.health):
            _look_again(runtime, engine, row)


def _look_again(runtime: Runtime, engine: Any, row: Any) -> None:
    with tracker_of(runtime).lock(row.uuid):
        fresh = _row(runtime, row.uuid)
        if fresh is None or fresh.task_state is not None:
            return
        values = observed(engine.inspect(container_name(row.uuid)))
        if (values["status"], values["health"]) == (fresh.status, fresh.health):
            return
        LOG.info("container %s is %s, was %s", row.uuid, values["status"], fresh.status)
        if _ended_with_its_host(runtime, engine, fresh, values):
            with runtime.db.write() as session:
                resume(session, fresh)
            return
        write(runtime, fresh, values)


def _ended_with_its_host(runtime: Runtime, engine: Any, row: Any, values: Values) -> bool:
    """A container whose sandbox has ended as well did not end by itself: its engine or host did."""
    if not runtime.conf.container.resume_container_state or row.auto_remove:
        return False
    if row.status not in ALIVE or values["status"] not in (states.STOPPED, states.ERROR):
        return False
    sandbox = engine.sandbox(row.uuid)
    return sandbox is not None and not sandbox.pid


def clear_leftovers(runtime: Runtime) -> None:
    """Remove containers, sandboxes, files and ports of ours that no row stands for, and images of the image
    service that are deleted there."""
    engine = engine_of(runtime)
    with runtime.db.read() as session:
        known = set(session.scalars(select(Container.uuid)))
    for name in engine.reap(known):
        LOG.info("removed %s, which no container of the database stands for", name)
    for uuid in files.clear(runtime, known):
        LOG.info("removed the files of container %s, which is gone", uuid)
    clear_ports(runtime, known)
    loaded.clear(runtime, engine)


def clear_ports(runtime: Runtime, known: set[str]) -> None:
    """Ports of containers that were recorded here once and are gone; others' ports are not ours to judge."""
    from knarr.services.container import networking
    from knarr.services.container.rest import call, get

    client = runtime.service_client("network")
    params = [("device_owner", networking.DEVICE_OWNER), ("binding:host_id", runtime.host)]
    fields = [("fields", "id"), ("fields", "device_id")]
    ports = get(client, "/v2.0/ports", [*params, *fields])["ports"]
    orphans = {port["device_id"]: port["id"] for port in ports if port["device_id"] not in known}
    if not orphans:
        return
    with runtime.db.read() as session:
        stmt = select(ContainerAction.container_uuid).where(ContainerAction.container_uuid.in_(list(orphans)))
        ours = set(session.scalars(stmt.distinct()))
        # `known` is older than the list of ports: a container may have been made in between.
        ours -= set(session.scalars(select(Container.uuid).where(Container.uuid.in_(list(ours)))))
    for port in ports:
        if port["device_id"] in ours:
            LOG.info("removed port %s of the container %s, which is gone", port["id"], port["device_id"])
            call(client, "DELETE", f"/v2.0/ports/{port['id']}", absent_ok=True)


def full(runtime: Runtime) -> None:
    """The periodic task: compare, then clear up."""
    try:
        compare(runtime)
        clear_leftovers(runtime)
    except EngineUnavailable as error:
        LOG.warning("containers cannot be compared with the engine: %s", error)
