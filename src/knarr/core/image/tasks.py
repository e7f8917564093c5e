"""Tasks: what users see of the imports of their images."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from sqlalchemy import update
from sqlalchemy.orm import Session

from knarr.core.image.models import ImageTask
from knarr.core.image.views import stamp
from knarr.kernel.db import utcnow
from knarr.kernel.request import Request

STATUSES = ("pending", "processing", "success", "failure")
TYPES = ("import", "api_image_import", "location_import")
COLUMNS = tuple(ImageTask.__table__.columns)


def new(session: Session, req: Request, kind: str, image: Any, given: dict[str, Any]) -> ImageTask:
    task = ImageTask(
        type=kind,
        project_id=image.project_id,
        user_id=req.ctx.user_id,
        request_id=req.ctx.request_id,
        image_id=image.id,
        input=given,
    )
    session.add(task)
    session.flush()
    return task


def begin(session: Session, ident: str) -> None:
    _change(session, ident, status="processing")


def end(session: Session, ident: str, hours: int, *, message: str = "", result: Any = None) -> None:
    """The task has succeeded if there is a result, and failed if not. It is kept for that many hours."""
    expires = utcnow() + timedelta(hours=hours)
    status = "success" if result is not None else "failure"
    _change(session, ident, status=status, message=message, result=result, expires_at=expires)


def _change(session: Session, ident: str, **values: Any) -> None:
    session.execute(update(ImageTask).where(ImageTask.id == ident).values(updated_at=utcnow(), **values))


def stub(row: Any) -> dict[str, Any]:
    """The task as it stands in the list of all."""
    view = {
        "id": row.id,
        "type": row.type,
        "status": row.status,
        "owner": row.project_id,
        "created_at": stamp(row.created_at),
        "updated_at": stamp(row.updated_at),
        "self": f"/v2/tasks/{row.id}",
        "schema": "/v2/schemas/task",
    }
    return view | ({"expires_at": stamp(row.expires_at)} if row.expires_at else {})


def full(row: Any) -> dict[str, Any]:
    shown = ("input", "result", "message", "image_id", "user_id", "request_id")
    return stub(row) | {name: getattr(row, name) for name in shown}


def of_image(row: Any) -> dict[str, Any]:
    """The task as it stands in the list of one image's: with what the database has, as upstream."""
    view = full(row) | {"expires_at": stamp(row.expires_at) if row.expires_at else None}
    del view["self"], view["schema"]
    return view | {"deleted": False, "deleted_at": None}
