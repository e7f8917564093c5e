"""The record of what was asked of containers: actions, and the events that came of them."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from knarr.kernel.db import utcnow
from knarr.services.container.models import ContainerAction, ContainerActionEvent

SUCCESS, ERROR = "Success", "Error"


def begin(session: Session, container: Any, action: str, ctx: Any) -> int:
    """Write that the caller asked for it; the id of the record. `container` needs uuid and project_id."""
    record = ContainerAction(
        action=action,
        container_uuid=container.uuid,
        project_id=container.project_id,
        user_id=ctx.user_id or "",
        request_id=ctx.request_id or "",
        start_time=utcnow(),
    )
    session.add(record)
    session.flush()
    return record.id


def end(
    session: Session, action_id: int | None, event: str, begun: datetime, error: str | None = None
) -> None:
    """Write how it ended, with the one event of the work on the host."""
    if action_id is None:
        return
    now = utcnow()
    session.execute(
        update(ContainerAction)
        .where(ContainerAction.id == action_id)
        .values(finish_time=now, message=error)
        .execution_options(synchronize_session=False)
    )
    session.add(
        ContainerActionEvent(
            action_id=action_id,
            event=f"compute_{event}",
            start_time=begun,
            finish_time=now,
            result=ERROR if error else SUCCESS,
            traceback=error,
        )
    )
