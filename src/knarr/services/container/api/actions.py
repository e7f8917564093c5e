"""What was asked of a container: its actions and their events."""

from __future__ import annotations

from typing import Any

from sqlalchemy import select

from knarr.kernel.errors import NotFound
from knarr.kernel.request import Request
from knarr.services.container.api.containers import find
from knarr.services.container.models import ContainerAction, ContainerActionEvent
from knarr.services.container.views import action_view, event_view


def index(req: Request, ident: str) -> dict[str, Any]:
    with req.db.read() as session:
        container = find(session, req, ident)
        stmt = select(ContainerAction).where(ContainerAction.container_uuid == container.uuid)
        rows = session.scalars(stmt.order_by(ContainerAction.id.desc())).all()
    return {"containerActions": [action_view(req, row) for row in rows]}


def show(req: Request, ident: str, request_id: str) -> dict[str, Any]:
    with req.db.read() as session:
        container = find(session, req, ident)
        where = (ContainerAction.container_uuid == container.uuid, ContainerAction.request_id == request_id)
        action = session.scalars(select(ContainerAction).where(*where)).first()
        if action is None:
            raise NotFound(f"Action for request {request_id[:64]} on container {ident} could not be found.")
        stmt = select(ContainerActionEvent).where(ContainerActionEvent.action_id == action.id)
        events = session.scalars(stmt.order_by(ContainerActionEvent.id)).all()
    with_traceback = req.allows("container:action:events")
    view = action_view(req, action)
    view["events"] = [event_view(event, with_traceback) for event in events]
    return {"containerAction": view}
