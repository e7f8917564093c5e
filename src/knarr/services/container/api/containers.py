"""Containers: list, show, change, delete, and the actions that end in an operation."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from knarr.kernel import ownership
from knarr.kernel.db import utcnow
from knarr.kernel.errors import BadRequest, Conflict
from knarr.kernel.history import cancel_operation
from knarr.kernel.listing import Listing, next_link
from knarr.kernel.operations import UNFINISHED, Operation, enqueue
from knarr.kernel.request import Request, Response
from knarr.services.container import journal, states, work
from knarr.services.container.api import placing
from knarr.services.container.api.waiting import awaiting
from knarr.services.container.models import Container
from knarr.services.container.views import COLUMNS, ContainerView, container_viewer, row_viewer

LISTING = Listing(
    Container,
    id="uuid",
    sortable=(
        "created_at", "updated_at", "name", "image", "project_id", "user_id", "memory", "cpu", "host",
        "status", "task_state", "auto_remove",
    ),
)  # fmt: skip
# What the official clients send where nobody named a signal.
UNSAID = "None"
# Deletion is waited for below 1.10, for so long at most.
DELETE_SECONDS = 60.0
FILTERS = ("name", "image", "project_id", "user_id", "memory", "host", "task_state", "status", "auto_remove")


def find(session: Session, req: Request, ident: str) -> Container:
    """The container that the ident means to the caller; another project's is not there, but for an
    administrator."""
    return ownership.find(
        session,
        Container,
        ident,
        req.ctx,
        what="container",
        not_found="ContainerNotFound",
        ambiguous="Conflict",
    )


def index(req: Request) -> dict[str, Any]:
    query = req.query
    if query.all_projects:
        req.authorize("container:get_all_all_projects")
    stmt = seen = ownership.owned(select(*COLUMNS), Container, req.ctx, query.all_projects)
    paging = LISTING.paging(req)
    if query.host is not None or any(key == "host" for key, _ in paging.sort_keys):
        req.authorize("container:get_one:host")
    for name in FILTERS:
        value = getattr(query, name)
        if value is not None:
            stmt = stmt.where(getattr(Container, name) == value)
    with req.db.read() as session:
        page = LISTING.fetch(session, stmt, paging, seen)
    view = row_viewer(req)
    return {"containers": [view(row) for row in page.rows], "next": next_link(req, page)}


def show(req: Request, ident: str) -> ContainerView:
    if req.query.all_projects:
        req.authorize("container:get_one_all_projects")
    with req.db.read() as session:
        return container_viewer(req)(find(session, req, ident))


def rename(req: Request, ident: str) -> ContainerView:
    with req.db.write() as session:
        container = find(session, req, ident)
        if container.name == req.query.name:
            raise Conflict(f"The container is called {container.name} already.")
        placing.check_name(session, req, req.query.name, container.project_id)
        container.name = req.query.name
        session.flush()
        return container_viewer(req)(container)


# Actions


def begin(
    req: Request,
    session: Session,
    container: Container,
    row: states.Action,
    action: str,
    kind: str,
    **data: Any,
) -> Operation:
    """Set the task state, write the action's record and enqueue the operation, in the caller's
    transaction."""
    values = {"task_state": row.task_state, **({"status": row.meanwhile} if row.meanwhile else {})}
    changed = session.execute(
        update(Container)
        .where(Container.uuid == container.uuid, Container.status.in_(row.sources))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if not changed.rowcount:  # type: ignore[attr-defined]
        raise Conflict(f"The state of container {container.uuid} has just changed; look at it again.")
    action_id = journal.begin(session, container, action, req.ctx)
    return enqueue(
        session,
        kind,
        resource_type="container",
        resource_id=container.uuid,
        ctx=req.ctx,
        project_id=container.project_id,
        host=container.host or req.runtime.host,
        data={"action": action, "action_id": action_id, "begun": utcnow().isoformat(), **data},
    )


# An empty answer that calls itself JSON makes the official client complain.
NOTHING = Response(content_type="text/plain")


def check(container: Container, action: str, ident: str) -> states.Action:
    """The row of the action, if it may begin. Raises Conflict."""
    row = states.check(action, container.status, ident)
    if container.host is None:
        raise Conflict(
            f"Container {ident} is on no host: {container.status_reason} Delete it and create it anew."
        )
    return row


def _act(
    req: Request, ident: str, action: str, kind: str = "container.act", runs: bool = False, **data: Any
) -> Response:
    with req.db.write() as session:
        container = find(session, req, ident)
        row = check(container, action, ident)
        if runs:
            placing.pin_again(session, req, container)
        begin(req, session, container, row, action, kind, **data)
    return NOTHING


def start(req: Request, ident: str) -> Response:
    return _act(req, ident, "start", "container.start", runs=True, run=True)


def stop(req: Request, ident: str) -> Response:
    return _act(req, ident, "stop", timeout=req.query.timeout)


def reboot(req: Request, ident: str) -> Response:
    return _act(req, ident, "reboot", runs=True, timeout=req.query.timeout)


def pause(req: Request, ident: str) -> Response:
    return _act(req, ident, "pause")


def unpause(req: Request, ident: str) -> Response:
    return _act(req, ident, "unpause")


def kill(req: Request, ident: str) -> Response:
    from knarr.services.container.drivers.base import InvalidRequest
    from knarr.services.container.drivers.names import signal_name

    wanted = req.query.signal or (req.body.signal if req.body else None)
    if wanted in (None, "", UNSAID):
        wanted = "KILL"
    try:
        signal = signal_name(wanted)
    except InvalidRequest as error:
        raise BadRequest(f"Invalid input for field 'signal': {error}.") from None
    return _act(req, ident, "kill", signal=signal)


def delete(req: Request, ident: str) -> None:
    query = req.query
    if query.force and req.at_least("1.7"):
        req.authorize("container:delete_force")
    if query.all_projects:
        req.authorize("container:delete_all_projects")
    action = "delete_force" if query.force else "delete_after_stop" if query.stop else "delete"
    with awaiting(req.runtime) as outcome:
        with req.db.write() as session:
            container = find(session, req, ident)
            row = states.check(action, container.status, ident)
            if container.host is None:
                journal.end(session, journal.begin(session, container, "delete", req.ctx), "delete", utcnow())
                work.drop(req.runtime, session, container)
                return
            if container.status == states.CREATING:
                _give_up_creating(session, container.uuid)
            stops = bool(query.stop and container.status == states.RUNNING)
            operation = begin(req, session, container, row, "delete", "container.delete", stop=stops)
        if not req.at_least("1.10"):
            outcome.of(operation.id, DELETE_SECONDS)


def _give_up_creating(session: Session, uuid: str) -> None:
    """A deletion by force does not wait for a long pull: what was made so far is undone first."""
    stmt = select(Operation.id).where(
        Operation.resource_type == "container",
        Operation.resource_id == uuid,
        Operation.kind == "container.create",
        Operation.state.in_(UNFINISHED),
    )
    for ident in session.scalars(stmt).all():
        with suppress(Conflict):
            cancel_operation(session, ident)
